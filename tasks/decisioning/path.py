"""The path to reopening of lines that stay closed: what to wait for, to put right and to show, and from which date.

Only the calendar moves here: `days_since` counts on, values and what is unknown stay. An answer can change only on the
days on which a `days_since` passes the number that it is compared with, so those few days are tried, not all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from schemas.vocabulary import PROBATION_CRITERION
from tasks.decisioning.answers import FAIL, PASS, UNKNOWN, Answers, amount, answer
from tasks.decisioning.columns import Bools, Ints, Rows
from tasks.decisioning.facts import NO_DAY, Facts
from tasks.decisioning.ragged import NONE, Ragged, RaggedRows
from tasks.decisioning.scorecard import ranked_losses
from tasks.decisioning.tree import Comparison, DaysSince, Node, moves_with_calendar, walk

HORIZON_DAYS = 730
_NEVER = HORIZON_DAYS + 1
Predicate = Callable[[Rows], Bools]


@dataclass(frozen=True)
class Paths:
    """The paths of some rows of a block.

    `wait` holds criterion codes and `wait_days` the day numbers on which they pass, `steps` holds positions of
    scorecard attributes and `gains` their points. `closable` is False where no steps close the gap. `earliest` is a
    day number, NO_DAY where there is none.
    """

    rows: Ints
    wait: Ragged
    wait_days: Ragged
    fix: Ragged
    show: Ragged
    gap: Ints
    steps: Ragged
    gains: Ragged
    closable: Bools
    earliest: Ints


def find_paths(facts: Facts, rows: Ints) -> Paths:
    """The paths of `rows`, positions in the block of `facts` that step 5 keeps closed, under their cause's contract."""
    count = len(rows)
    wait, wait_days, fix, show = (RaggedRows(count) for _ in range(4))
    earliest = np.full(count, NO_DAY, np.int64)
    gap = np.zeros(count, np.int64)
    for number, name in enumerate(facts.night.cause_names):
        own = np.flatnonzero(facts.cause[rows] == number)
        if not len(own):
            continue
        contract = facts.night.rules.causes[name]
        if contract.score_min is not None:
            gap[own] = np.maximum(contract.score_min - facts.score[rows[own]].astype(np.int64), 0)
        found = _conditions(facts, rows[own], contract.criteria)
        wait.put(own, found.code_where(found.waits))
        wait_days.put(own, found.days)
        fix.put(own, found.code_where(found.fixes))
        show.put(own, found.code_where(found.shows))
        earliest[own] = found.earliest(facts.rows.only(rows[own]), facts.night.today)
    steps, gains, closable = _score_steps(facts, rows, gap)
    earliest[~closable] = NO_DAY
    return Paths(
        rows, wait.build(), wait_days.build(), fix.build(), show.build(), gap, steps, gains, closable, earliest
    )


@dataclass(frozen=True)
class _Conditions:
    """The criteria of one cause, `PROBATION` last, for the rows of that cause: each mask is rows by conditions."""

    codes: list[int]
    nodes: list[Node]
    predicates: list[Predicate]
    waits: Bools
    fixes: Bools
    shows: Bools
    days: Ints

    def code_where(self, mask: Bools) -> Ints:
        return np.where(mask, np.array(self.codes, np.int64), NONE)

    def earliest(self, rows: Rows, today: int) -> Ints:
        """The first day number from tonight on which all that is neither to be put right nor to be shown passes."""
        aside = self.fixes | self.shows
        moving = [place for place, node in enumerate(self.nodes) if moves_with_calendar(node)]

        def all_pass(later: Rows) -> Bools:
            passes = np.ones(len(rows), bool)
            for place in moving:
                passes &= aside[:, place] | self.predicates[place](later)
            return passes

        days = _first_day(rows, [self.nodes[place] for place in moving], all_pass, first=0)
        return np.where(days <= HORIZON_DAYS, today + days, NO_DAY)


def _conditions(facts: Facts, rows: Ints, criteria: tuple[str, ...]) -> _Conditions:
    rules, night = facts.night.rules, facts.night
    asked: list[tuple[int, Node, Answers, Predicate]] = []
    for name in criteria:
        node = rules.criteria[name].node
        asked.append((night.id_codes[name], node, facts.criteria[name][rows], _passes(node)))
    if rules.reclose:
        node = rules.reclose.node
        closes = np.where(facts.reclose[rows] == PASS, FAIL, PASS)
        asked.append((night.id_codes[PROBATION_CRITERION], node, closes, _does_not_pass(node)))
    shape = (len(rows), len(asked))
    waits, fixes, shows = (np.zeros(shape, bool) for _ in range(3))
    days = np.full(shape, NONE, np.int64)
    for place, (_, node, answers, predicate) in enumerate(asked):
        failed = np.flatnonzero(answers == FAIL)
        shows[:, place] = answers == UNKNOWN
        fixes[failed, place] = True
        if len(failed) and moves_with_calendar(node):
            first = _first_day(facts.rows.only(rows[failed]), [node], predicate, first=1)
            cured = first <= HORIZON_DAYS
            waits[failed[cured], place] = True
            fixes[failed[cured], place] = False
            days[failed[cured], place] = night.today + first[cured]
    codes, nodes, _, predicates = zip(*asked, strict=True) if asked else ((), (), (), ())
    return _Conditions(list(codes), list(nodes), list(predicates), waits, fixes, shows, days)


def _passes(node: Node) -> Predicate:
    return lambda rows: answer(node, rows) == PASS


def _does_not_pass(node: Node) -> Predicate:
    return lambda rows: answer(node, rows) != PASS


def _first_day(rows: Rows, nodes: list[Node], predicate: Predicate, first: int) -> Ints:
    """The least offset in days, from `first` to the horizon, at which `predicate` holds; beyond it where none does."""
    offsets = [np.full(len(rows), first, np.int64)]
    for node in nodes:
        for part in walk(node):
            if isinstance(part, Comparison) and DaysSince in (type(part.left), type(part.right)):
                meets = _meeting_offset(part, rows)
                offsets += [meets, meets + 1]
    tried = np.sort(np.array(offsets), axis=0)
    tried[(tried < first) | (tried > HORIZON_DAYS)] = _NEVER
    found = np.full(len(rows), _NEVER, np.int64)
    for candidate in tried:
        waiting = np.flatnonzero((found == _NEVER) & (candidate < _NEVER))
        if len(waiting):
            holds = predicate(rows.later(candidate))
            found[waiting[holds[waiting]]] = candidate[waiting[holds[waiting]]]
    return found


def _meeting_offset(part: Comparison, rows: Rows) -> Ints:
    """After how many days both sides of a comparison with `days_since` are equal."""
    left, right = amount(part.left, rows).values, amount(part.right, rows).values
    if isinstance(part.left, DaysSince) and isinstance(part.right, DaysSince):
        return np.full(len(rows), _NEVER, np.int64)
    apart = right - left if isinstance(part.left, DaysSince) else left - right
    return np.clip(apart, -_NEVER, _NEVER).astype(np.int64)


def _score_steps(facts: Facts, rows: Ints, gap: Ints) -> tuple[Ragged, Ragged, Bools]:
    """The smallest list of actionable attributes that closes the gap: largest gain first."""
    count, scorecard = len(rows), facts.night.rules.scorecard
    steps, gains = RaggedRows(count), RaggedRows(count)
    short = np.flatnonzero(gap > 0)
    actionable = [place for place, scored in enumerate(scorecard) if scored.attribute.actionable]
    closable = gap == 0
    if not len(short) or not actionable:
        return steps.build(), gains.build(), closable
    losses = facts.losses(rows[short])[actionable]
    ranks = ranked_losses(losses)
    ranked = np.where(ranks >= 0, np.take_along_axis(losses.T, np.maximum(ranks, 0), axis=1), 0).astype(np.int64)
    reached = np.cumsum(ranked, axis=1)
    before = reached - ranked
    needed = (before < gap[short][:, None]) & (ranks >= 0)
    closes = reached[:, -1] >= gap[short]
    closable[short] = closes
    needed &= closes[:, None]
    steps.put(short, np.where(needed, np.array(actionable, np.int64)[ranks], NONE))
    gains.put(short, np.where(needed, ranked, NONE))
    return steps.build(), gains.build(), closable
