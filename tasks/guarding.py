"""The border that no unforeseen error crosses as it is: its text may hold values of lines.

What leaves instead names the error's type and place and nothing else. Knows no Prefect, for the command line needs it too.
"""

import functools
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from schemas.errors import ReinstateError, StageFailed

P = ParamSpec("P")
R = TypeVar("R")
PROJECT = Path(__file__).resolve().parent.parent


def guarded(function: Callable[P, R], signals: tuple[type[BaseException], ...] = ()) -> Callable[P, R]:
    """Let only the project's own errors out of `function`, and what asks a process to end.

    Args:
        function: does some work.
        signals: further kinds of requests to end, which are let out too.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - nothing unforeseen may leave with its text
            told = safe(error, function.__name__, signals)
        raise told

    return run


def safe(error: BaseException, what: str, signals: tuple[type[BaseException], ...] = ()) -> BaseException:
    """What may leave in the place of an error: without its trace, and without any error before it.

    Args:
        error: what was raised.
        what: the work that it stopped.
        signals: see `guarded`.
    """
    told: BaseException
    if isinstance(error, (ReinstateError, GeneratorExit, *signals)):
        told = error.with_traceback(None)
    elif isinstance(error, KeyboardInterrupt):
        told = KeyboardInterrupt()
    elif isinstance(error, SystemExit):
        told = SystemExit(error.code if error.code is None or isinstance(error.code, int) else 1)
    elif isinstance(error, OSError) and error.errno:
        told = StageFailed(
            f"{what} stopped: {system_words(error)}" + (f" ({error.filename})" if error.filename else "")
        )
    else:
        told = StageFailed(f"{what} stopped at {_place(error)}: {type(error).__name__}; this is a fault of the program")
    told.__context__ = told.__cause__ = None
    return told


def system_words(error: OSError) -> str:
    """What went wrong in the operating system's own words, never in a library's."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


def is_of_stages(error: BaseException) -> bool:
    """Whether an error comes from where lines are worked on, so that its text may hold values."""
    return any(Path(frame.filename).is_relative_to(PROJECT / "tasks") for frame in _frames(error))


def _place(error: BaseException) -> str:
    """The innermost line of the project's own code in the error's trace."""
    frames = _frames(error)
    return f"{Path(frames[-1].filename).relative_to(PROJECT)}:{frames[-1].lineno}" if frames else "an unknown place"


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PROJECT)
    ]
