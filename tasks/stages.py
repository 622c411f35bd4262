"""What every stage has in common: a Prefect task that caches and keeps nothing, and whose errors are the project's own.

An exception that leaves a Prefect task is pickled, logged and stored, with whatever values its text holds. So an
error that nobody foresaw is replaced, at the border, by one that names its type and place and nothing else.
"""

from asyncio import CancelledError
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import ExternalSignal, PrefectSignal

from tasks import guarding

P = ParamSpec("P")
R = TypeVar("R")


def stage(function: Callable[P, R]) -> Task[P, R]:
    """Make a plain function a stage of a night."""
    return Task(guarded(function), name=function.__name__, cache_policy=NO_CACHE, persist_result=False)


def guarded(function: Callable[P, R]) -> Callable[P, R]:
    """Let only the project's own errors out of `function`, and Prefect's requests to end."""
    return guarding.guarded(function, (CancelledError, PrefectSignal, ExternalSignal))
