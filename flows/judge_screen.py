"""What `reinstate judge` shows on a terminal."""

import datetime
import sys
from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from tasks import wording
from tasks.attributing import NOT_JUDGED, QUARANTINED
from tasks.comparing import Cell, Compared
from tasks.judging import JudgedBook
from tasks.wording import amount, counted, day, number, share, words

PLAIN_WIDTH = 110
LISTED_MOST = 12
T = TypeVar("T")
OUTCOMES = {**wording.DECISIONS, QUARANTINED: "Quarantined", NOT_JUDGED: "Not judged"}


def show(judged: JudgedBook, title: str, business_date: datetime.date) -> None:
    """The counts of one judgement: decisions with their steps and limits, the reasons given, the rows refused."""
    console = _console()
    console.print(f"{title}, judged for {day(business_date)}")
    console.print(_rows_in(judged))
    console.print()
    console.print(_decisions(judged))
    for heading, tally in (
        ("reason of a line not opened", _tally(judged.evidence["reasons"])),
        ("why a row was refused", _tally(judged.quarantine["reasons"])),
    ):
        if tally:
            console.print()
            console.print(_counts(heading, tally))


def show_compared(compared: Compared, titles: tuple[str, str], business_date: datetime.date) -> None:
    """Two judgements of one book: the swap table, and what moved the lines."""
    console = _console()
    console.print(f"{titles[1]}, compared with {titles[0]}, judged for {day(business_date)}")
    console.print(_rows_in(compared.after))
    console.print(_moved(compared))
    console.print()
    console.print(_swaps(compared))
    if compared.movers:
        console.print()
        console.print(_moved_by(compared))


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def _rows_in(judged: JudgedBook) -> str:
    parts = [
        f"{number(len(judged.evidence))} judged",
        f"{number(judged.not_up_count)} not up for judgement",
        f"{number(len(judged.quarantine))} quarantined",
    ]
    if judged.pending_activation_count:
        parts[1] += f" ({number(judged.pending_activation_count)} of them reopened and not yet active)"
    return f"{counted(judged.row_count, 'row', 'rows')}: {', '.join(parts)}"


def _decisions(judged: JudgedBook) -> Table:
    table = _table(("decision", "settled by"), ("lines", "share", "limits granted"))
    grouped = judged.evidence.group_by(["decision", "step"]).aggregate([([], "count_all"), ("limit_cents", "sum")])
    order = list(wording.DECISIONS)
    for row in sorted(grouped.to_pylist(), key=lambda row: (order.index(row["decision"]), -row["count_all"])):
        limits = row["limit_cents_sum"]
        table.add_row(
            words(row["decision"], wording.DECISIONS),
            words(row["step"], wording.STEPS),
            number(row["count_all"]),
            share(row["count_all"], len(judged.evidence)),
            "" if limits is None else amount(limits, ""),
        )
    return table


def _tally(lists: pa.ChunkedArray) -> Counter[str]:
    counted_values = pc.value_counts(pc.list_flatten(lists))
    return Counter({row["values"]: row["counts"] for row in counted_values.to_pylist()})


def _counts(title: str, tally: Counter[str]) -> Table:
    table = _table((title,), ("times",))
    for name, count in _most(tally.most_common(), table):
        table.add_row(name, number(count))
    return table


def _moved(compared: Compared) -> str:
    moved = f"{counted(compared.moved_count, 'line is', 'lines are')} decided differently"
    if compared.only_terms_count:
        moved += f", {number(compared.only_terms_count)} of them with the same decision and another limit or end"
    return f"{moved}."


def _swaps(compared: Compared) -> Table:
    table = _table(("before", "now"), ("lines", "limits before", "limits now"))
    for cell in compared.cells:
        table.add_row(
            OUTCOMES[cell.before],
            _now(cell),
            number(cell.lines),
            amount(cell.limit_before_cents, "") if cell.limit_before_cents else "",
            amount(cell.limit_after_cents, "") if cell.limit_after_cents else "",
            style="dim" if cell.before == cell.after and not cell.other else None,
        )
    return table


def _now(cell: Cell) -> str:
    if cell.before != cell.after:
        return OUTCOMES[cell.after]
    return f"the same, other {' and '.join(cell.other)}" if cell.other else "the same"


def _moved_by(compared: Compared) -> Table:
    table = _table(("moved by", "change"), ("lines",))
    for mover in _most(compared.movers, table):
        table.add_row(mover.name, mover.change, number(mover.lines))
    return table


def _most(items: list[T], table: Table) -> Iterable[T]:
    if len(items) > LISTED_MOST:
        table.caption = f"and {len(items) - LISTED_MOST} more"
    return items[:LISTED_MOST]


def _table(texts: tuple[str, ...], figures: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", caption_justify="left")
    for name in texts:
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    return table
