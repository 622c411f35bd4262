"""When a line may open that step 5 keeps closed, where its path leaves out that counts of the ledger fall.

In the path of a night values stand still, the ledger's counts among them. But a reopening counts for so many days only,
and the ledger says when it was: so the day on which the count falls is known.
"""

import datetime
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from schemas.explanation import Outlook, Path, ScoreStep, Wait
from schemas.vocabulary import PROBATION_CRITERION, Decision
from tasks.decisioning import tree
from tasks.decisioning.answers import PASS, answer
from tasks.decisioning.columns import Bools, Columns, Ints, Rows
from tasks.decisioning.rules import Rules, Scored
from tasks.ledger_entries import still_standing

COUNTED: Final[Mapping[str, tuple[Decision, int]]] = {
    "ledger_reopens_365d_count": (Decision.REOPEN, 365),
    "ledger_reopens_1825d_count": (Decision.REOPEN, 1825),
    "ledger_temporary_365d_count": (Decision.REOPEN_TEMPORARILY, 365),
}
"""The counts that fall as days pass: what they count, and for how many days."""
HORIZON_DAYS: Final = max(days for _, days in COUNTED.values()) + 1
"""Nothing of today counts any more after it."""


def look_ahead(rules: Rules, rows: Rows, cause: str, path: Path, score: dict[str, int], entries: list[Any]) -> Outlook:
    """Say what the path of a line leaves out.

    Args:
        rules: the policy of the night.
        rows: the line's only row, as it was judged.
        cause: that of its closing.
        path: as the night wrote it down.
        score: the points of every attribute of the scorecard.
        entries: those of the ledger for the line that are dated up to the night, in its order.
    """
    enough = _enough(rules, path, score)
    nodes = _questions(rules, cause)
    counted = [name for name in path.must_fix if COUNTED.keys() & tree.names_in(nodes[name][0])]
    if not counted:
        return Outlook(earliest_on=path.earliest_on, enough=enough)
    counts = _counts(rows, still_standing(entries))
    if any(int(rows[name].values[0]) != days[0] for name, days in counts.items()):
        return Outlook(enough=enough)  # what the night counted is not what the ledger holds now
    passes = _passes_by_day(rules, rows, nodes, counts)
    waits = {name: int(np.argmax(passes[name])) for name in counted if passes[name].any()}
    aside = {*path.must_fix, *path.must_show} - set(waits)
    all_pass = np.logical_and.reduce([passes[name] for name in nodes if name not in aside])
    today = datetime.date(1970, 1, 1) + datetime.timedelta(days=rows.columns.today)
    opens = None if path.score_steps is None or not all_pass.any() else int(np.argmax(all_pass))
    return Outlook(
        ledger_waits=tuple(Wait(criterion=name, passes_on=today + _days(days)) for name, days in waits.items()),
        earliest_on=None if opens is None else today + _days(opens),
        enough=enough,
    )


def _days(count: int) -> datetime.timedelta:
    return datetime.timedelta(days=count)


def _questions(rules: Rules, cause: str) -> dict[str, tuple[tree.Node, bool]]:
    """The criteria of a cause, and whether each has to pass or must not."""
    questions = {name: (rules.criteria[name].node, True) for name in rules.causes[cause].criteria}
    return {**questions, PROBATION_CRITERION: (rules.reclose.node, False)} if rules.reclose else questions


def _counts(rows: Rows, entries: list[Any]) -> dict[str, Ints]:
    """Every count on every day from tonight to the horizon, if nothing new is reopened."""
    counts = {}
    for name, (decision, within) in COUNTED.items():
        since = np.array(
            [
                rows.columns.today - (entry["business_date"] - datetime.date(1970, 1, 1)).days
                for entry in entries
                if entry["decision"] == decision
            ],
            np.int64,
        )
        ages = np.arange(HORIZON_DAYS + 1)[:, None] + since[None, :]
        counts[name] = ((ages >= 1) & (ages <= within)).sum(axis=1)
    return counts


def _passes_by_day(
    rules: Rules, rows: Rows, nodes: dict[str, tuple[tree.Node, bool]], counts: dict[str, Ints]
) -> dict[str, Bools]:
    """Which questions the line answers as it has to on each day, the calendar and the ledger's counts moving."""
    days = HORIZON_DAYS + 1
    frame = rows.columns.frame.iloc[np.zeros(days, np.int64)].reset_index(drop=True).assign(**counts)
    night = datetime.date(1970, 1, 1) + _days(rows.columns.today)
    later = Rows(Columns(frame, rules, night), slice(0, days)).later(np.arange(days))
    return {name: (answer(node, later) == PASS) == wanted for name, (node, wanted) in nodes.items()}


def _enough(rules: Rules, path: Path, points: dict[str, int]) -> ScoreStep | None:
    """The least that the last step must come to, the others at their best; None where that is its own best."""
    if not path.score_steps:
        return None
    *others, last = path.score_steps
    (scored,) = (each for each in rules.scorecard if each.name == last.attribute)
    least = points[last.attribute] + path.score_gap - sum(step.gain for step in others)
    return _least_values(scored, least, points) if scored.shape.values else _least_bin(scored, least, points)


def _least_values(scored: Scored, least: int, points: dict[str, int]) -> ScoreStep | None:
    enough = {value: given for value, given in scored.points_by_value.items() if given >= least}
    fewest = min(enough.values(), default=scored.best)
    if fewest == scored.best:
        return None
    values = sorted(str(value).lower() if isinstance(value, bool) else value for value in enough)
    return ScoreStep(attribute=scored.name, gain=fewest - points[scored.name], values=tuple(values))


def _least_bin(scored: Scored, least: int, points: dict[str, int]) -> ScoreStep | None:
    """From its edge on, or below it, if all bins on that side are enough; else the one bin."""
    reachable = scored.reachable_bins
    enough = [place for place in reachable if scored.points[place] >= least]
    fewest = min((scored.points[place] for place in enough), default=scored.best)
    if fewest == scored.best:
        return None
    first, last = enough[0], enough[-1]
    together = enough == [place for place in reachable if first <= place <= last]
    if not together or (first != reachable[0] and last != reachable[-1]):
        first = last = next(place for place in enough if scored.points[place] == fewest)
    low = scored.edges[first - 1] if first != reachable[0] else None
    high = scored.edges[last] if last != reachable[-1] else None
    return ScoreStep(attribute=scored.name, gain=fewest - points[scored.name], at_least=low, below=high)
