"""One book under two policies: who is decided differently, and what in the policies moved each line."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.attributing import OUTCOMES, Standing, attribute, differ, standing_of
from tasks.decisioning.columns import Bools
from tasks.decisioning.ragged import chosen
from tasks.judging import Book, JudgedBook

KEPT_COLUMNS = ("decision", "step", "route", "score", "limit_cents", "valid_until")
"""What is written of every line, under the one policy and, with `_against` behind the name, under the other."""


@dataclass(frozen=True)
class Cell:
    """The lines that one policy decides so and the other so; limits in cents.

    Of lines with the same decision `other` says what is not the same: `limit`, `end`, or both, in this order.
    """

    before: str
    after: str
    other: tuple[str, ...]
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
    """A swap table and its lines; `rows` has one row a line judged under either policy, `moved_by` empty where unmoved.

    `moved_count` lines have another decision, limit or end; `only_terms_count` of them the same decision.
    """

    before: JudgedBook
    after: JudgedBook
    rows: pa.Table
    cells: list[Cell]
    movers: list[Mover]
    moved_count: int
    only_terms_count: int


def compare(book: Book, before: JudgedBook, after: JudgedBook) -> Compared:
    """Put the judgements of one book under two policies side by side.

    Args:
        book: what was judged.
        before: under the policy that is compared against.
        after: under the policy in question.
    """
    ids = _all_ids(before, after)
    standings = standing_of(before, ids), standing_of(after, ids)
    changes, masks = attribute(book, (before, after), ids, standings)
    listed = [Mover(each.name, each.text, int(mask.sum())) for each, mask in zip(changes, masks, strict=True)]
    moved_by = _lists(masks, [change.name for change in changes], len(ids))
    decided = differ(standings[0].gets[:1], standings[1].gets[:1])
    moved = differ(standings[0].gets, standings[1].gets)
    return Compared(
        before=before,
        after=after,
        rows=_rows(ids, (before, after), standings).append_column("moved_by", moved_by),
        cells=_cells(standings),
        movers=sorted(listed, key=lambda mover: (-mover.lines, mover.name)),
        moved_count=int(moved.sum()),
        only_terms_count=int((moved & ~decided).sum()),
    )


def _all_ids(before: JudgedBook, after: JudgedBook) -> pa.Array:
    own, others = (book.evidence["account_id"].combine_chunks() for book in (after, before))
    return pa.concat_arrays([own, others.filter(pc.invert(pc.is_in(others, value_set=own)))])


def _rows(ids: pa.Array, sides: tuple[JudgedBook, JudgedBook], standings: tuple[Standing, Standing]) -> pa.Table:
    before, after = (
        book.evidence.select(KEPT_COLUMNS)
        .take(pc.index_in(ids, value_set=book.evidence["account_id"].combine_chunks()))
        .set_column(0, "decision", pa.array(OUTCOMES).take(pa.array(standing.gets[0])))
        for book, standing in zip(sides, standings, strict=True)
    )
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"account_id": ids}
    for name in KEPT_COLUMNS:
        columns |= {name: after[name], f"{name}_against": before[name]}
    return pa.table(columns)


def _lists(masks: list[Bools], names: list[str], count: int) -> pa.ListArray:
    """For every line the names whose masks hit it."""
    moved = np.flatnonzero(np.logical_or.reduce([*masks, np.zeros(count, bool)]))
    codes = chosen([mask[moved] for mask in masks], list(range(len(names))), len(moved))
    counts = np.zeros(count, np.int64)
    counts[moved] = (codes >= 0).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = pa.array(names, pa.string()).take(pa.array(codes[codes >= 0]))
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _cells(standings: tuple[Standing, Standing]) -> list[Cell]:
    """The swap table, unchanged cells included, most lines first."""
    before, after = (standing.gets for standing in standings)
    same = before[0] == after[0]
    both = pa.table(
        {
            "before": before[0], "after": after[0],
            "limit": same & (before[1] != after[1]), "end": same & (before[2] != after[2]),
            "limit_before": np.maximum(before[1], 0), "limit_after": np.maximum(after[1], 0),
        }
    )  # fmt: skip
    grouped = both.group_by(["before", "after", "limit", "end"]).aggregate(
        [([], "count_all"), ("limit_before", "sum"), ("limit_after", "sum")]
    )
    cells = [
        Cell(
            before=OUTCOMES[row["before"]],
            after=OUTCOMES[row["after"]],
            other=tuple(name for name in ("limit", "end") if row[name]),
            lines=row["count_all"],
            limit_before_cents=row["limit_before_sum"],
            limit_after_cents=row["limit_after_sum"],
        )
        for row in grouped.to_pylist()
    ]
    return sorted(cells, key=lambda cell: (-cell.lines, cell.before, cell.after, cell.other))
