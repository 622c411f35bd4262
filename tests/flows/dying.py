"""`reinstate nightly` that dies at a point of a stage, written `STAGE:NUMBER`, from 1.

`STAGE:NUMBER:SIGTERM` asks it to end there, as a cancelled run is, in the place of killing it.
`count:FILE` in that place dies nowhere, and writes into a file which points every stage has.
"""

import contextlib
import functools
import importlib
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tasks.settings import settings
from tests.crashes.children import Ended, Tell, in_child
from tests.crashes.kill_points import instrument

OUTSIDE = "outside"
_stage: ContextVar[str] = ContextVar("stage", default=OUTSIDE)


def prepare(environment: dict[str, str]) -> None:
    """Import once, for every process that is forked from this one, what takes long and is not a stage.

    Prefect asks the environment for its server when it is imported, so nothing here may have done so before.
    """
    assert "prefect" not in sys.modules
    os.environ |= environment
    for name in (
        "prefect.flow_engine",
        "prefect.task_engine",
        "prefect.task_runners",
        "pandera.pandas",
        "tests.plain_nights",
    ):
        importlib.import_module(name)


def die(where: str, environment: dict[str, str], arguments: list[str]) -> Ended:
    """Give a command in a process of its own that dies there."""

    def work(_: Tell) -> None:
        os.environ |= environment
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            main(where, arguments)

    return in_child(work)


def know_stages(reached: Callable[[str], None]) -> None:
    """Let every stage say that it is the one at work, and begin with a point; before the stages are imported."""
    from tasks import stages

    guarded = stages.guarded

    def known(function: Callable[..., Any]) -> Callable[..., Any]:
        inner = guarded(function)

        def run(*args: Any, **kwargs: Any) -> Any:
            before = _stage.set(function.__name__)
            try:
                reached("begins")
                return inner(*args, **kwargs)
            finally:
                _stage.reset(before)

        return functools.wraps(function)(run)

    stages.guarded = known


def main(where: str, arguments: list[str]) -> None:
    stage, number, *asked = where.split(":")
    seen: defaultdict[str, list[str]] = defaultdict(list)

    def reached(name: str) -> None:
        seen[_stage.get()].append(name)
        if (_stage.get(), str(len(seen[_stage.get()]))) == (stage, number):
            os.kill(os.getpid(), signal.Signals[asked[0]] if asked else signal.SIGKILL)

    know_stages(reached)
    instrument(reached, settings().data_directory)
    from flows import command_line

    with contextlib.suppress(SystemExit):
        command_line.main(arguments)
    if stage == "count":
        Path(number).write_text(json.dumps(seen))
