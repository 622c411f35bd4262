"""What every stage has in common: a Prefect task that caches and keeps nothing, and whose errors are the project's own.

An exception that leaves a Prefect task is pickled, logged and stored, with whatever values its text holds. So an
error that nobody foresaw is replaced, at the border, by one that names its type and place and nothing else.
"""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE

from schemas.errors import ReinstateError
from tasks.opening import StageFailed

P = ParamSpec("P")
R = TypeVar("R")
PROJECT = Path(__file__).resolve().parent.parent


def stage(function: Callable[P, R]) -> Task[P, R]:
    """Make a plain function a stage of a night."""
    return Task(guarded(function), name=function.__name__, cache_policy=NO_CACHE, persist_result=False)


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Let only the project's own errors out of `function`."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ReinstateError as error:
            told: ReinstateError = error.with_traceback(None)
            told.__context__ = told.__cause__ = None
        except OSError as error:
            told = StageFailed(
                f"{function.__name__} stopped: {error.strerror or type(error).__name__} ({error.filename})"
            )
        except Exception as error:  # noqa: BLE001 - nothing unforeseen may leave with its text
            told = StageFailed(
                f"{function.__name__} stopped at {_place(error)}: {type(error).__name__}; this is a fault of the program"
            )
        raise told

    return run


def _place(error: Exception) -> str:
    """The innermost line of the project's own code in the error's trace."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PROJECT)
    ]
    return f"{Path(frames[-1].filename).relative_to(PROJECT)}:{frames[-1].lineno}" if frames else "an unknown place"
