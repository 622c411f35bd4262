"""Points at which a process can die, taken from the plumbing: statements, commits, files opened and named, deliveries.

Nothing in the program marks them, so a new transaction or a new file has its points without anybody thinking of it.
"""

import builtins
import functools
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

from tasks.channels import FileChannel

R = TypeVar("R")
Reached = Callable[[str], None]
"""Called at every point with its name; need not return."""
WORDS_MOST = 4
"""How many words of a statement name it."""


def instrument(reached: Reached, data: Path) -> None:
    """Call `reached` at every point from here on; only for a process that ends afterwards, nothing is put back.

    Args:
        reached: counts, or kills.
        data: the folder whose files count; what a process opens elsewhere is nobody else's business.
    """
    event.listen(Engine, "before_cursor_execute", lambda *said: reached(f"before {_words(said[2])}"))
    event.listen(Engine, "after_cursor_execute", lambda *said: reached(f"after {_words(said[2])}"))
    DefaultDialect.do_commit = _around(DefaultDialect.do_commit, reached, lambda *_: "commit")
    FileChannel.deliver = _around(
        FileChannel.deliver, reached, lambda _, audience, date, *__: f"delivery to {audience}"
    )
    for name in ("replace", "rename"):
        setattr(os, name, _around(getattr(os, name), reached, lambda _, final, **__: f"naming {Path(final).name}"))
    io.open = builtins.open = _after_opening(io.open, reached, data)


def kill_at(point: int, tell: Reached) -> Reached:
    """Tell the name of the point of that number, from 1, and end this process there as nothing else can end it."""
    return _at(point, tell, signal.SIGKILL)


def stop_at(point: int, tell: Reached) -> Reached:
    """Freeze this process at the point of that number until somebody lets it go on."""
    return _at(point, tell, signal.SIGSTOP)


def _at(point: int, tell: Reached, number: signal.Signals) -> Reached:
    count = 0

    def reached(name: str) -> None:
        nonlocal count
        count += 1
        if count == point:
            tell(name)
            os.kill(os.getpid(), number)

    return reached


def _around(function: Callable[..., R], reached: Reached, name: Callable[..., str]) -> Callable[..., R]:
    @functools.wraps(function)
    def between_points(*args: Any, **kwargs: Any) -> R:
        said = name(*args, **kwargs)
        reached(f"before {said}")
        answer = function(*args, **kwargs)
        reached(f"after {said}")
        return answer

    return between_points


def _after_opening(function: Callable[..., R], reached: Reached, data: Path) -> Callable[..., R]:
    """A file that is opened to be written is empty for a moment."""

    @functools.wraps(function)
    def opening(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> R:
        opened = function(file, mode, *args, **kwargs)
        if set(mode) & set("wxa+") and isinstance(file, str | Path) and Path(file).is_relative_to(data):
            reached(f"opened {Path(file).name}")
        return opened

    return opening


def _words(statement: str) -> str:
    return " ".join(statement.split()[:WORDS_MOST])
