"""What moved lines from one policy to another: found by judging them under policies that lie in between.

A change moved a line if the line would not stand where it stands without it (all other changes made), or if it alone
brings the line there (no other change made). Where no change does either, the changes are made one after another in the
order of a policy file, and those at which the line moves on the way are named. So whatever is equal in both policies is
never named, and every line that moved has something that moved it.

The budget ties lines together. Whom a change leaves asking for the same, and who is granted or passed over only because
of what others ask for, was moved by `COMPETITION`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.policy import NightlyBudget
from schemas.vocabulary import Decision
from tasks.decisioning.budget import QUEUE, granted_within
from tasks.decisioning.columns import Bools, Ints
from tasks.decisioning.mixtures import Mixture, rules_of
from tasks.judging import Book, JudgedBook, JudgedLines, judge_lines
from tasks.policy_changes import Change, changes_between

QUARANTINED = "quarantined"
NOT_JUDGED = "not_judged"
OUTCOMES = (*(decision.value for decision in Decision), QUARANTINED, NOT_JUDGED)
COMPETITION = "competition within the budget"
BUDGET = "section nightly_budget"
NONE = -1
NO_LIMIT_NO_END = [[NONE], [NONE]]


@dataclass(frozen=True)
class Standing:
    """How some lines stand under one policy; arrays of things by lines.

    `asks` is what each line by itself comes to: outcome, limit, end, and for those in the budget's queue their place
    (rank of the route, score) and the outcome without a grant, NONE for all others. `gets` is outcome, limit and end
    when the budget has been spent.
    """

    asks: Ints
    gets: Ints

    def at(self, lines: Ints) -> "Standing":
        return Standing(self.asks[:, lines], self.gets[:, lines])


def standing_of(book: JudgedBook, ids: pa.Array) -> Standing:
    """How the lines of `ids` stand under the policy of a judged book."""
    asks = _asks(book.before_budget, ids)
    places = pc.index_in(ids, value_set=book.evidence["account_id"].combine_chunks())
    granted = np.asarray(book.evidence["route"].combine_chunks().take(places).is_valid())
    return Standing(asks, _gets(asks, granted))


def differ(one: Ints, other: Ints) -> Bools:
    """Lines of which anything differs."""
    return np.asarray((one != other).any(axis=0))


def attribute(
    book: Book, sides: tuple[JudgedBook, JudgedBook], ids: pa.Array, standings: tuple[Standing, Standing]
) -> tuple[list[Change], list[Bools]]:
    """Say what moved each line.

    Args:
        book: what was judged.
        sides: under the one policy and the other.
        ids: all lines that either judges.
        standings: how they stand under the one and the other.

    Returns:
        What moved lines, and for each which of `ids`.
    """
    changes = changes_between(sides[0].rules.policy, sides[1].rules.policy)
    between = _Between(book, sides, ids, standings, changes)
    masks, through = _found(between)
    named = [*changes, Change(COMPETITION, f"others ask for more or for less, through {', '.join(through)}")]
    found: list[tuple[Change, Bools]] = []
    for change in named:
        mask = masks.get(change.name)
        if mask is not None and mask.any():
            everyone = np.zeros(len(ids), bool)
            everyone[between.lines] = mask
            found.append((change, everyone))
    return [change for change, _ in found], [mask for _, mask in found]


class _Between:
    """The policies between two, and how the lines that matter stand under each.

    The lines that matter are those that moved, and where a budget passes lines over also those that ask for something
    else; all others stand in its queue as they do under both policies.
    """

    def __init__(
        self,
        book: Book,
        sides: tuple[JudgedBook, JudgedBook],
        ids: pa.Array,
        standings: tuple[Standing, Standing],
        changes: list[Change],
    ) -> None:
        before, after = standings
        matter = differ(before.gets, after.gets)
        self.budget_binds = any(_is_passed_over(standing).any() for standing in standings)
        if self.budget_binds:
            matter |= differ(before.asks, after.asks)
        self.lines = np.flatnonzero(matter)
        self.ids = ids.take(pa.array(self.lines))
        self.before, self.after = before.at(self.lines), after.at(self.lines)
        self.moved = differ(self.before.gets, self.after.gets)
        self.changes = changes
        self._policies = sides[0].rules.policy, sides[1].rules.policy
        self._is_checked = any(change.name.startswith("attribute ") for change in changes)
        rows = [table.filter(pc.is_in(table["account_id"], value_set=self.ids)) for table in book.tables]
        self._book = Book([table for table in rows if len(table)], book.business_date)
        others = np.flatnonzero(~matter & (after.asks[3] != NONE)) if self.budget_binds else np.zeros(0, np.int64)
        self._others = _queue(after.asks[:, others], ids.take(pa.array(others)))

    def under(self, applied: frozenset[str]) -> Standing:
        """How the lines stand with only some of the changes made."""
        if not applied:
            return self.before
        if len(applied) == len(self.changes):
            return self.after
        rules = rules_of(Mixture(*self._policies, applied).policy())
        asks = _asks(judge_lines(self._book, rules, is_checked=self._is_checked), self.ids)
        return Standing(asks, _gets(asks, self._granted(asks, rules.policy.nightly_budget)))

    def _granted(self, asks: Ints, budget: NightlyBudget | None) -> Bools:
        granted = np.ones(asks.shape[1], bool)
        if self.budget_binds:
            queued = np.flatnonzero(asks[3] != NONE)
            queue = pd.concat([self._others, _queue(asks[:, queued], self.ids.take(pa.array(queued)))])
            granted[queued] = granted_within(budget, queue.reset_index(drop=True))[len(self._others) :]
        return granted


def _found(between: _Between) -> tuple[dict[str, Bools], list[str]]:
    """For what moved lines, which; and the changes through which there was competition."""
    masks: dict[str, Bools] = {}
    through: list[str] = []
    unexplained = between.moved.copy()
    if not unexplained.any():
        return masks, through
    for steps in (_by_themselves(between), _on_the_way(between)):
        here = unexplained.copy()
        for name, moves, touches in steps:
            own = here & moves & (touches | (name == BUDGET))
            others = here & moves & ~own
            for mover, mask in ((name, own), (COMPETITION, others)):
                masks[mover] = masks.get(mover, np.zeros_like(mask)) | mask
            if others.any() and name not in through:
                through.append(name)
            unexplained &= ~moves
        if not unexplained.any():
            break
    return masks, through


def _by_themselves(between: _Between) -> Iterator[tuple[str, Bools, Bools]]:
    """For every change the lines that cannot do without it or that it moves alone, and of whose own asking it changes."""
    before, after = between.before, between.after
    everything = frozenset(change.name for change in between.changes)
    for name in (change.name for change in between.changes):
        without = between.under(everything - {name})
        yield name, differ(without.gets, after.gets), differ(without.asks, after.asks)
        alone = between.under(frozenset({name}))
        yield name, between.moved & ~differ(alone.gets, after.gets), differ(before.asks, alone.asks)


def _on_the_way(between: _Between) -> Iterator[tuple[str, Bools, Bools]]:
    """The same for each change on the way from one policy to the other."""
    applied: frozenset[str] = frozenset()
    here = between.before
    for name in (change.name for change in between.changes):
        applied |= {name}
        there = between.under(applied)
        yield name, differ(here.gets, there.gets), differ(here.asks, there.asks)
        here = there


def _asks(lines: JudgedLines, ids: pa.Array) -> Ints:
    evidence, candidates = lines.evidence, lines.candidates
    places = pc.index_in(ids, value_set=evidence["account_id"].combine_chunks())
    words, values = pa.array(OUTCOMES), pa.array(list(QUEUE.values()))
    refused = pc.is_in(ids, value_set=lines.quarantine["account_id"].combine_chunks())
    instead = pc.if_else(refused, OUTCOMES.index(QUARANTINED), OUTCOMES.index(NOT_JUDGED))
    outcome = pc.index_in(evidence["decision"].combine_chunks(), value_set=words).take(places)
    route = pc.index_in(evidence["route"].combine_chunks(), value_set=pa.array(list(QUEUE))).take(places)
    rank = _filled(values.take(route))
    own = pc.index_in(ids, value_set=candidates["account_id"].combine_chunks())
    fallback = pc.index_in(candidates["fallback_decision"].combine_chunks(), value_set=words).take(own)
    return np.array(
        [
            pc.coalesce(outcome, instead.cast(pa.int32())).to_numpy(),
            _filled(evidence["limit_cents"].combine_chunks().take(places)),
            _filled(evidence["valid_until"].combine_chunks().take(places).cast(pa.int32())),
            rank,
            np.where(rank == NONE, NONE, _filled(evidence["score"].combine_chunks().take(places))),
            np.where(rank == NONE, NONE, _filled(fallback)),
        ],
        np.int64,
    )


def _filled(numbers: pa.Array) -> Ints:
    return pc.fill_null(numbers.cast(pa.int64()), NONE).to_numpy()


def _gets(asks: Ints, granted: Bools) -> Ints:
    passed_over = (asks[3] != NONE) & ~granted
    instead = np.concatenate([asks[5:], np.broadcast_to(NO_LIMIT_NO_END, (2, asks.shape[1]))])
    return np.where(passed_over, instead, asks[:3])


def _is_passed_over(standing: Standing) -> Bools:
    return differ(standing.asks[:3], standing.gets)


def _queue(asks: Ints, ids: pa.Array) -> pd.DataFrame:
    """Lines of the budget's queue, as it wants them."""
    routes = np.array(list(QUEUE), dtype=object)[asks[3]] if len(ids) else np.zeros(0, object)
    ranked = {"route": routes, "score": asks[4], "account_id": ids.to_pandas(), "limit_cents": asks[1]}
    return pd.DataFrame(ranked)
