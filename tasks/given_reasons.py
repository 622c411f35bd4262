"""Which reasons of a verdict something found gives, and what the others only lack: those must not be told as facts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.explanation import Cap, Condition, ConditionKind, Points, Value
from schemas.vocabulary import REASON_CAP_UNKNOWN, Answer

BARS = (ConditionKind.EXCLUSION, ConditionKind.FREEZE)


@dataclass(frozen=True)
class Given:
    """The reasons that something found gives, and the names of the unknown values that the others come from."""

    found: tuple[str, ...]
    not_known: tuple[str, ...]


def tell_apart(
    reasons: tuple[str, ...], conditions: Iterable[Condition], points: Iterable[Points], caps: Iterable[Cap]
) -> Given:
    """Tell the reasons that something found gives from those that are given only because something is unknown.

    Args:
        reasons: the verdict's.
        conditions: the questions that may have given them.
        points: the scorecard's attributes that may have; none where the score was enough.
        caps: the caps of the limit, where it got as far.
    """
    found, lacking = set[str](), dict[str, list[Value]]()
    for code, values in (*_of_conditions(conditions), *_of_points(points), *_of_caps(caps)):
        if values is None:
            found.add(code)
        else:
            lacking.setdefault(code, []).extend(value for value in values if value.unknown and not value.is_none)
    doubtful = [code for code in reasons if code in lacking and code not in found]
    names = dict.fromkeys(value.name for code in doubtful for value in lacking[code])
    return Given(tuple(code for code in reasons if code not in doubtful), tuple(names))


Givers = Iterator[tuple[str, tuple[Value, ...] | None]]
"""Reasons with the values they were asked of, where the answer is unknown; None where it is known."""


def _of_conditions(conditions: Iterable[Condition]) -> Givers:
    for each in conditions:
        against = Answer.PASS if each.kind in BARS else Answer.FAIL
        if each.reason and each.answer in (against, Answer.UNKNOWN):
            yield each.reason, each.values if each.answer is Answer.UNKNOWN else None


def _of_points(points: Iterable[Points]) -> Givers:
    for each in points:
        if each.points < each.best:
            yield each.reason, (each.value,) if each.value.unknown else None


def _of_caps(caps: Iterable[Cap]) -> Givers:
    for each in caps:
        if each.at_most_cents is None:
            yield REASON_CAP_UNKNOWN, each.values
