"""Points at which a process can die, taken from the plumbing: statements, commits, files and folders, deliveries.

Nothing in the program marks them, so a new transaction or a new file has its points without anybody thinking of it. One
lies before each effect and one at the end, so there is one between any two; what a process does in between leaves no
trace. Files are the exception: the point lies after the opening, when a file is there and empty.
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
from sqlalchemy.pool import Pool

from tasks.channels import FileChannel

R = TypeVar("R")
Reached = Callable[[str], None]
"""Called at every point with its name; need not return."""
END = "the end"
FILE_EFFECTS = {"replace": "naming", "rename": "naming", "unlink": "removing", "rmdir": "removing", "mkdir": "making"}
WORDS_MOST = 4
"""How many words of a statement name it."""


def instrument(reached: Reached, data: Path) -> None:
    """Call `reached` at every point from here on; only for a process that ends afterwards, nothing is put back.

    Args:
        reached: counts, or kills.
        data: the folder whose files count; what a process does elsewhere is nobody else's business.
    """
    event.listen(Engine, "before_cursor_execute", lambda *said: reached(" ".join(said[2].split()[:WORDS_MOST])))
    DefaultDialect.do_commit = _after_point(DefaultDialect.do_commit, reached, lambda *_: "commit")
    FileChannel.deliver = _after_point(FileChannel.deliver, reached, lambda _, audience, *__: f"delivery to {audience}")
    for name, doing in FILE_EFFECTS.items():
        setattr(os, name, _after_point(getattr(os, name), reached, _naming(doing, data)))
    io.open = builtins.open = _before_point(io.open, reached, data)


def kill_at(point: int, tell: Reached) -> Reached:
    """Tell the name of the point of that number, from 1, and end this process there as nothing else can end it."""
    return _at(point, tell, signal.SIGKILL)


def stop_at(point: int, tell: Reached) -> Reached:
    """Freeze this process at the point of that number until somebody lets it go on."""
    return _at(point, tell, signal.SIGSTOP)


def stop_after(point: int) -> Reached:
    """Freeze this process once the transaction that it commits at the point of that number has given its session back."""
    return _when(
        point, lambda _: event.listen(Pool, "checkin", lambda *_: os.kill(os.getpid(), signal.SIGSTOP), once=True)
    )


def _at(point: int, tell: Reached, number: signal.Signals) -> Reached:
    def end(name: str) -> None:
        tell(name)
        os.kill(os.getpid(), number)

    return _when(point, end)


def _when(point: int, act: Reached) -> Reached:
    count = 0

    def reached(name: str) -> None:
        nonlocal count
        count += 1
        if count == point:
            act(name)

    return reached


def _after_point(function: Callable[..., R], reached: Reached, name: Callable[..., str | None]) -> Callable[..., R]:
    @functools.wraps(function)
    def pointed(*args: Any, **kwargs: Any) -> R:
        if said := name(*args, **kwargs):
            reached(said)
        return function(*args, **kwargs)

    return pointed


def _before_point(function: Callable[..., R], reached: Reached, data: Path) -> Callable[..., R]:
    @functools.wraps(function)
    def opening(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> R:
        opened = function(file, mode, *args, **kwargs)
        if set(mode) & set("wxa+") and isinstance(file, str | Path) and Path(file).is_relative_to(data):
            reached(f"opened {Path(file).name}")
        return opened

    return opening


def _naming(doing: str, data: Path) -> Callable[..., str | None]:
    """The name of something done to a file of `data`, None for any other; the last of two files counts."""

    def name(*files: Any, dir_fd: int | None = None, **_: Any) -> str | None:
        paths = [Path(file) for file in files if isinstance(file, str | os.PathLike)]
        is_mine = dir_fd is not None or paths[-1].is_relative_to(data)
        return f"{doing} {paths[-1].name}" if is_mine else None

    return name
