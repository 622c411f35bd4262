"""One book under two policies: who is decided differently, and what in the policies moved each line.

A line's outcomes part at the first step at which they differ; what differs between the policies there, in the direction
in which the line moved, is what moved it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.vocabulary import Answer, Decision, LineKind, Route, Step
from tasks.decisioning.columns import Bools, Ints
from tasks.decisioning.ragged import chosen
from tasks.decisioning.rules import Rules
from tasks.judging import JudgedBook

QUARANTINED = "quarantined"
NOT_JUDGED = "not_judged"
OUTCOMES = (*(decision.value for decision in Decision), QUARANTINED, NOT_JUDGED)
ROUTES = tuple(Route)
STEPS = (*(step.value for step in Step), QUARANTINED)
ANSWERS = tuple(answer.value for answer in Answer)
KEPT_COLUMNS = ("decision", "step", "route", "score", "limit_cents", "valid_until")
AT_A_STEP = {
    Step.EXCLUSION: "section exclusions",
    Step.FREEZE: "section freezes",
    Step.APPEAL: "section appeal",
    Step.CONFIRMATION: "threshold confirm_nights",
    Step.BAND: "section limit",
    Step.LIMIT: "section limit",
    Step.BUDGET: "section nightly_budget",
}
NO_MIN = -(2**40)


@dataclass(frozen=True)
class Cell:
    """The lines that one policy decides so and the other so; limits in cents."""

    before: str
    after: str
    lines: int
    limit_before_cents: int
    limit_after_cents: int


@dataclass(frozen=True)
class Mover:
    """Something that differs between the policies, how, and how many lines it moved."""

    name: str
    change: str
    lines: int


@dataclass(frozen=True)
class Compared:
    """A swap table and its lines; `rows` has one row a line judged under either policy, `moved_by` empty where unmoved."""

    before: JudgedBook
    after: JudgedBook
    rows: pa.Table
    cells: list[Cell]
    movers: list[Mover]
    moved_count: int


def compare(before: JudgedBook, after: JudgedBook) -> Compared:
    """Put the judgements of one book under two policies side by side.

    Args:
        before: under the policy that is compared against.
        after: under the policy in question.
    """
    ids = _all_ids(before, after)
    sides = _Side(before, ids), _Side(after, ids)
    moved = np.flatnonzero(_differs(*sides))
    names, masks = _movers(sides[0].at(moved), sides[1].at(moved))
    changes = [_change(name, before.rules, after.rules) for name in names]
    listed = [Mover(*each, int(mask.sum())) for *each, mask in zip(names, changes, masks, strict=True)]
    rows = _rows(ids, *sides).append_column("moved_by", _lists(masks, names, moved, len(ids)))
    return Compared(
        before=before,
        after=after,
        rows=rows,
        cells=_cells(*sides),
        movers=sorted(listed, key=lambda mover: (-mover.lines, mover.name)),
        moved_count=len(moved),
    )


class _Side:
    """What one policy says of every line that either judges, in the order of `ids`; null where it judges it not."""

    def __init__(self, book: JudgedBook, ids: pa.Array) -> None:
        own = book.evidence["account_id"].combine_chunks()
        refused = book.quarantine["account_id"].combine_chunks()
        self.rules = book.rules
        self.table = book.evidence.take(pc.index_in(ids, value_set=own)).combine_chunks()
        instead = pc.if_else(pc.is_in(ids, value_set=refused), QUARANTINED, NOT_JUDGED)
        self.outcome = pc.fill_null(pc.coalesce(self.table["decision"].combine_chunks(), instead), NOT_JUDGED)

    def at(self, rows: Ints) -> "_Side":
        """The same of some of the lines."""
        some = object.__new__(_Side)
        some.rules, some.table, some.outcome = self.rules, self.table.take(rows), self.outcome.take(pa.array(rows))
        return some

    def column(self, name: str, missing: int = 0) -> Ints:
        """A column of whole numbers."""
        if name not in self.table.column_names:
            return np.full(len(self.table), missing, np.int64)
        return pc.fill_null(self.table[name].cast(pa.int64()), missing).to_numpy()

    def codes(self, name: str, words: tuple[str, ...]) -> Ints:
        """A column of words as places in `words`, -1 where it is missing."""
        places = pc.index_in(self.table[name].combine_chunks(), value_set=pa.array(words))
        return pc.fill_null(places, -1).to_numpy().astype(np.int64)

    def by_cause(self, values: dict[str, int], otherwise: int) -> Ints:
        """What each line's cause has."""
        places = self.codes("cause", tuple(values))
        return np.array([*values.values(), otherwise], np.int64)[places]

    @cached_property
    def line_kind(self) -> np.ndarray:
        return self.table["line_kind"].to_numpy(zero_copy_only=False)

    @cached_property
    def step(self) -> Ints:
        """The place of the step at which a line's way ended, in the order of judging; -1 where it was not judged.

        What a campaign takes, and what only keeps or ends a temporary line, ended at the cause; what an appeal opens,
        at the appeal.
        """
        step, route = self.codes("step", STEPS), self.codes("route", ROUTES)
        campaign = route == ROUTES.index(Route.CAMPAIGN)
        campaign |= (step == STEPS.index(Step.BUDGET)) & (self.column("recoverable") == 0)
        at_cause = campaign | np.isin(step, [STEPS.index(Step.EXPIRY), STEPS.index(Step.TEMPORARY)])
        step = np.where(at_cause, STEPS.index(Step.CAUSE), step)
        return np.where(route == ROUTES.index(Route.APPEAL), STEPS.index(Step.APPEAL), step)

    @cached_property
    def passed(self) -> Ints:
        """How well a line did at its cause: 0 kept, 1 referred or kept open, 2 passed."""
        is_open = np.asarray(pc.is_in(self.outcome, value_set=pa.array([Decision.REFER, Decision.KEEP_OPEN])))
        stopped = np.isin(self.step, [STEPS.index(Step.CAUSE), STEPS.index(Step.PROBATION)])
        return np.where(stopped, is_open.astype(int), 2)

    def answers(self, criterion: str) -> Ints:
        """Of one criterion where the line's cause asks it; what is not asked passes."""
        passes = len(ANSWERS) - 1
        if criterion not in self.rules.criteria:
            return np.full(len(self.table), passes)
        asked = self.by_cause({name: criterion in cause.criteria for name, cause in self.rules.causes.items()}, 0)
        return np.where(asked.astype(bool), self.codes(f"criterion.{criterion}", ANSWERS), passes)

    def score_needed(self, threshold: str) -> Ints:
        mins = {name: getattr(cause, threshold) for name, cause in self.rules.causes.items()}
        return self.by_cause({name: NO_MIN if least is None else least for name, least in mins.items()}, NO_MIN)


def _all_ids(before: JudgedBook, after: JudgedBook) -> pa.Array:
    own, others = (book.evidence["account_id"].combine_chunks() for book in (after, before))
    return pa.concat_arrays([own, others.filter(pc.invert(pc.is_in(others, value_set=own)))])


def _differs(before: _Side, after: _Side) -> Bools:
    moved = np.asarray(pc.not_equal(before.outcome, after.outcome))
    for name, kind in (("limit_cents", pa.int64()), ("valid_until", pa.int32())):
        ours, theirs = (pc.fill_null(side.table[name].combine_chunks().cast(kind), -1) for side in (before, after))
        moved = moved | np.asarray(pc.not_equal(ours, theirs))
    return moved


def _movers(before: _Side, after: _Side) -> tuple[list[str], list[Bools]]:
    """What moved each of the lines: names, and for every name where."""
    found: dict[str, Bools] = {}
    for name, mask in _differences(before, after):
        if mask.any():
            found[name] = found.get(name, np.zeros(len(mask), bool)) | mask
    return list(found), list(found.values())


def _differences(before: _Side, after: _Side) -> Iterator[tuple[str, Bools]]:
    """Everything that explains where the lines of two sides part; each line is explained at least once."""
    explained = np.zeros(len(before.table), bool)
    parts = np.minimum(before.step, after.step)
    unjudged = parts < 0
    yield "section attributes", unjudged
    explained |= unjudged
    for step, name in AT_A_STEP.items():
        here = ~explained & (parts == STEPS.index(step)) & (before.step != after.step)
        yield name, here
        explained |= here
    better = np.sign(after.passed - before.passed)
    on_probation = (after.line_kind == LineKind.PROBATION) | (before.line_kind == LineKind.PROBATION)
    for threshold, lines in (("score_min", ~on_probation), ("keep_open_score_min", on_probation)):
        asked = ~explained & lines
        for name, mask in _at_the_cause(before, after, better, threshold):
            yield name, mask & asked
            explained |= mask & asked
    for name, mask in _rest(before, after, on_probation):
        yield name, mask & ~explained
        explained |= mask


def _at_the_cause(before: _Side, after: _Side, better: Ints, threshold: str) -> list[tuple[str, Bools]]:
    """Criteria, bins and thresholds whose differences go the way that the line went."""

    def same_way(difference: Ints) -> Bools:
        return (np.sign(difference) == better) & (better != 0)

    found: list[tuple[str, Bools]] = []
    if threshold == "score_min":
        for criterion in dict.fromkeys([*before.rules.criteria, *after.rules.criteria]):
            difference = after.answers(criterion) - before.answers(criterion)
            found.append((f"criterion {criterion}", same_way(difference)))
    needed = [side.score_needed(threshold) for side in (before, after)]
    scores = [side.column("score") for side in (before, after)]
    enough = [score >= least for score, least in zip(scores, needed, strict=True)]
    crossed = same_way(enough[1].astype(int) - enough[0].astype(int))
    found.append((f"threshold {threshold}", crossed & same_way(needed[0] - needed[1])))
    found += [(name, crossed & mask) for name, mask in _points(before, after, same_way)]
    return found


def _points(before: _Side, after: _Side, same_way: Callable[[Ints], Bools]) -> Iterator[tuple[str, Bools]]:
    base = after.rules.policy.scorecard.base_points - before.rules.policy.scorecard.base_points
    yield "base_points", same_way(np.full(len(after.table), base))
    for name in dict.fromkeys(scored.name for rules in (before.rules, after.rules) for scored in rules.scorecard):
        yield f"bin {name}", same_way(after.column(f"points.{name}") - before.column(f"points.{name}"))


def _rest(before: _Side, after: _Side, on_probation: Bools) -> Iterator[tuple[str, Bools]]:
    """The sections that decide what criteria and score leave open."""
    by_campaign = [side.codes("route", ROUTES) == ROUTES.index(Route.CAMPAIGN) for side in (before, after)]
    at_budget = [side.codes("step", STEPS) == STEPS.index(Step.BUDGET) for side in (before, after)]
    yield "section probation", on_probation
    yield "section nightly_budget", at_budget[0] != at_budget[1]
    yield "section campaigns", by_campaign[0] | by_campaign[1]
    covered = [side.by_cause(dict.fromkeys(side.rules.causes, 1), 0) for side in (before, after)]
    yield "section causes", covered[0] != covered[1]
    yield "section appeal", (before.step == STEPS.index(Step.APPEAL)) & (after.step == before.step)
    yield "section limit", (before.step == STEPS.index(Step.GRANTED)) & (after.step == before.step)
    yield "section probation", np.ones(len(on_probation), bool)


def _change(name: str, before: Rules, after: Rules) -> str:
    """How the two policies differ in what moved lines, as the policies write it."""
    kind, _, what = name.partition(" ")
    if kind == "criterion":
        required = [
            rules.policy.criteria[what].require if what in rules.criteria else "not there" for rules in (before, after)
        ]
        if required[0] != required[1]:
            return " → ".join(required)
        asked = [
            {cause for cause, contract in rules.causes.items() if what in contract.criteria}
            for rules in (before, after)
        ]
        asks = [f"no longer asked of {cause}" for cause in sorted(asked[0] - asked[1])]
        return ", ".join(asks + [f"now asked of {cause}" for cause in sorted(asked[1] - asked[0])])
    if name == "base_points":
        return " → ".join(str(rules.policy.scorecard.base_points) for rules in (before, after))
    if name == "threshold confirm_nights" and before.policy.confirm_nights != after.policy.confirm_nights:
        return " → ".join(str(rules.policy.confirm_nights) for rules in (before, after))
    if kind == "threshold":
        both = sorted({*before.causes} & {*after.causes})
        values = {cause: [getattr(rules.causes[cause], what) for rules in (before, after)] for cause in both}
        return ", ".join(f"{cause} {old} → {new}" for cause, (old, new) in values.items() if old != new)
    return ""


def _rows(ids: pa.Array, before: _Side, after: _Side) -> pa.Table:
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"account_id": ids}
    for name in KEPT_COLUMNS:
        columns[name] = after.outcome if name == "decision" else after.table[name]
        columns[f"{name}_against"] = before.outcome if name == "decision" else before.table[name]
    return pa.table(columns)


def _lists(masks: list[Bools], names: list[str], moved: Ints, count: int) -> pa.ListArray:
    codes = chosen(masks, list(range(len(names))), len(moved))
    counts = np.zeros(count, np.int64)
    counts[moved] = (codes >= 0).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = pa.array(names, pa.string()).take(pa.array(codes[codes >= 0]))
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _cells(before: _Side, after: _Side) -> list[Cell]:
    """The swap table, unchanged cells included, most lines first."""
    both = pa.table(
        {
            "before": before.outcome, "after": after.outcome,
            "limit_before": before.table["limit_cents"], "limit_after": after.table["limit_cents"],
        }
    )  # fmt: skip
    grouped = both.group_by(["before", "after"]).aggregate(
        [([], "count_all"), ("limit_before", "sum"), ("limit_after", "sum")]
    )
    cells = [
        Cell(row["before"], row["after"], row["count_all"], row["limit_before_sum"] or 0, row["limit_after_sum"] or 0)
        for row in grouped.to_pylist()
    ]
    return sorted(cells, key=lambda cell: (-cell.lines, cell.before, cell.after))
