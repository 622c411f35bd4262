"""Canaries: values of lines that nobody may find outside store, evidence and exports; and listening for them.

Each column has one that lines can have, so that nights go well with it, and one with which a row is bad.
"""

import csv
import datetime
import io
import logging
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.guarding import guarded
from tasks.nights import store_of
from tests.nights.tiny import NAME, NIGHTS, tiny_home
from tests.plain_nights import forget, run_again, use_home

WORD = "canaryword"
WELL = {
    "closed_limit_cents": 640_917_353,
    "monthly_income_cents": 917_340_263,
    "utilisation_ratio": 0.2917340263,
    "closed_on": datetime.date(1987, 4, 23),
    "alert_cleared_on": datetime.date(1991, 7, 19),
}
"""What well-formed lines have; the balance, a date of income and the rest must be what the book's story needs."""
BAD = {
    "account_id": WORD + "\n",
    "business_date": datetime.date(1989, 3, 17),
    "product_code": WORD + "\x07",
    "customer_segment": WORD + "\x1b",
    "line_status": WORD,
    "closed_limit_cents": -7_040_139,
    "balance_cents": 70_401_391_234_567_890,
    "closed_on": datetime.date(2093, 7, 19),
    "closure_cause": WORD + "\x00",
    "closure_initiator": WORD,
    "days_past_due": 7_040_139,
    "on_time_streak_months": 7_040_139,
    "utilisation_ratio": 7_040_139.5,
    "monthly_income_cents": -7_040_139,
    "income_observed_on": datetime.date(2093, 7, 19),
    "employment": WORD,
    "appeal_status": WORD,
    "campaign_code": WORD,
}
"""Values with which a row is set aside, or, where all rows have them, the snapshot refused."""
IDS = "canarybird"


def spellings() -> tuple[str, ...]:
    """Every way in which a canary may be written."""
    values = [*WELL.values(), *BAD.values()]
    numbers = [abs(value) for value in values if isinstance(value, int)]
    dates = [value for value in values if isinstance(value, datetime.date)]
    floats = [value for value in values if isinstance(value, float)]
    spelt = [f"{number}" for number in numbers] + [f"{number:,}" for number in numbers]
    spelt += [f"{number / 100:.2f}" for number in numbers] + [f"{number / 100:,.2f}" for number in numbers]
    return (IDS, WORD, *spelt, *map(str, dates), *map(repr, dates), *map(str, floats))


def found_in(text: str) -> list[str]:
    return [spelling for spelling in spellings() if spelling in text]


@dataclass
class Aviary:
    """The tiny book with canaries in its lines, after two nights; the third is about to be delivered."""

    home: Path
    data: Path

    @property
    def night(self) -> datetime.date:
        return NIGHTS[2]

    @property
    def delivery(self) -> Path:
        return self.data / "snapshots" / f"{self.night}.parquet"

    def table(self) -> pa.Table:
        return planted(pq.read_table(self.home / "delivered" / self.delivery.name))

    def deliver(self, table: pa.Table) -> None:
        pq.write_table(table, self.delivery)

    def deliver_csv(self, text: str | bytes, rows: int) -> None:
        """A CSV with a manifest that says how many rows it has."""
        path = self.delivery.with_suffix(".csv")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.with_suffix(".manifest.json").write_text(f'{{"business_date": "{self.night}", "row_count": {rows}}}')

    def fly(self) -> str:
        """Run the third night, whatever comes of it; all that can be heard of it from outside."""
        return heard(lambda: guarded(run_again)(NAME, self.night)) + self.kept()

    def kept(self) -> str:
        """What the store says of runs, and every page and file of a report."""
        rows = [str(dict(row)) for table in ("runs", "attempts") for row in store_of(NAME).select_mine(table)]
        reports = [path.read_text() for path in (self.data / "nights").rglob("report.*")]
        return "\n".join(rows + reports)


def planted(table: pa.Table) -> pa.Table:
    """A snapshot with a canary in every id and in every column that can have one."""
    ids = [IDS + name for name in table["account_id"].to_pylist()]
    table = with_column(table, "account_id", pa.array(ids))
    for name, value in WELL.items():
        cells = [known if known is None and name == "closed_on" else value for known in table[name].to_pylist()]
        table = with_column(table, name, pa.array(cells, table.schema.field(name).type))
    return table


def with_column(table: pa.Table, name: str, cells: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, cells)


def with_value(table: pa.Table, name: str, value: Any, *rows: int) -> pa.Table:
    """The value in some rows of a column, or in all of them."""
    wanted = rows or range(len(table))
    cells = [value if row in wanted else known for row, known in enumerate(table[name].to_pylist())]
    return with_column(table, name, pa.array(cells, table.schema.field(name).type))


def as_csv(table: pa.Table, *, header: bool = True) -> str:
    """A snapshot as CSV."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    if header:
        writer.writerow(table.column_names)
    cells = [["" if cell is None else str(cell).lower() if isinstance(cell, bool) else cell for cell in row.values()]
             for row in table.to_pylist()]  # fmt: skip
    writer.writerows(cells)
    return sink.getvalue()


def make_aviary(folder: Path) -> Aviary:
    """Make the book and run its first two nights."""
    home = tiny_home(folder / "home", source="{kind: folder, path: snapshots}", quarantined_share_max_bp="9000")
    aviary = Aviary(home, folder / "data")
    (aviary.data / "snapshots").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, aviary.data, home)
        for night in NIGHTS[:2]:
            name = f"{night}.parquet"
            pq.write_table(planted(pq.read_table(home / "delivered" / name)), aviary.data / "snapshots" / name)
            run_again(NAME, night)
        forget()
    return aviary


@contextmanager
def copied(aviary: Aviary, data: Path) -> Iterator[Aviary]:
    """Work on a copy of the book."""
    shutil.copytree(aviary.data, data)
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, data, aviary.home)
        yield Aviary(aviary.home, data)
    forget()


def heard(act: Callable[[], object]) -> str:
    """All that is logged while something is done, and all that the error says with which it ends, if it does."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        act()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what leaves
        lines.append(all_of(error))
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    return "\n".join(lines)


def all_of(error: BaseException) -> str:
    """An error and every error before it, with arguments and notes."""
    text = "".join(traceback.format_exception(error))
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or link in seen:
            continue
        seen.append(link)
        text += f"{link!r} {link.args!r} {vars(link)!r}\n"
        waiting += [link.__cause__, link.__context__]
    return text
