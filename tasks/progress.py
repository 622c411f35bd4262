"""Telling whoever watches in this process how far the nights are."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from schemas.handles import NightResult


@dataclass(frozen=True)
class NightBegins:
    """A night is started, the `number`th of `total`."""

    business_date: datetime.date
    number: int
    total: int


@dataclass(frozen=True)
class StageBegins:
    """A stage of the current night is started; `lines` of them are to be worked through, if that is known."""

    stage: str
    lines: int | None = None


@dataclass(frozen=True)
class LinesDone:
    """Some lines of the current stage are done."""

    lines: int


@dataclass(frozen=True)
class NightEnds:
    """A night has ended well."""

    result: NightResult


Event = NightBegins | StageBegins | LinesDone | NightEnds
_listeners: list[Callable[[Event], None]] = []


def listen(listener: Callable[[Event], None]) -> None:
    """Call `listener` for every event of nights that run in this process, from any thread."""
    _listeners.append(listener)


def tell(event: Event) -> None:
    """Tell the listeners; nobody need listen."""
    for listener in _listeners:
        listener(event)
