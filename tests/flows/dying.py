"""`reinstate nightly` that dies: `python -m tests.flows.dying STAGE:NUMBER nightly ...` at a point of a stage, from 1.

`STAGE:NUMBER:SIGTERM` asks it to end there, as a cancelled run is, in the place of killing it.
`count:FILE` in that place dies nowhere, and writes into a file which points every stage has.
"""

import functools
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tasks import stages
from tasks.settings import settings
from tests.crashes.kill_points import instrument

OUTSIDE = "outside"
_stage: ContextVar[str] = ContextVar("stage", default=OUTSIDE)


def know_stages(reached: Callable[[str], None]) -> None:
    """Let every stage say that it is the one at work, and begin with a point; before the stages are imported."""
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

    try:
        command_line.main(arguments)
    finally:
        if stage == "count":
            Path(number).write_text(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
