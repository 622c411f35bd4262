"""Snapshots of four nights that arrive in every order: the dates that come too late are refused, the others end alike.

After each arrival everything that is due is run, as the nightly flow does it. What an order of arrival leaves is kept
and copied for every order that begins with it.
"""

import datetime
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import NightRefused, SnapshotRefused
from tasks import nights
from tasks.nights import store_of
from tests.digest import digest
from tests.nights.tiny import NAME, NIGHTS, tiny_home
from tests.plain_nights import forget, run_again, use_home

ORDERS = [*permutations(range(4))]
Order = tuple[int, ...]


@dataclass(frozen=True)
class Left:
    """What an order of arrival leaves: a digest, the nights that were published, and the dates of the ledger."""

    digest: str
    published: Order
    entries: list[datetime.date]


class Arrivals:
    """Books of one calendar to which snapshots come in some order; each order is run once."""

    def __init__(self, folder: Path, calendar: str) -> None:
        self._folder = folder
        self._is_daily = calendar == "daily"
        self._home = tiny_home(folder / "home", source="{kind: folder, path: snapshots}", calendar=calendar)
        self._known: dict[Order, Left] = {}

    def after(self, order: Order) -> Left:
        """What is left once the snapshots of `order` have come, one after the other."""
        if order not in self._known:
            if order[:-1]:
                self.after(order[:-1])
            with self._at_home(order):
                self._known[order] = self._arrive(NIGHTS[order[-1]], self._data(order))
        return self._known[order]

    def _data(self, order: Order) -> Path:
        return self._folder / "".join(map(str, order))

    @contextmanager
    def _at_home(self, order: Order) -> Iterator[None]:
        """Work on a copy of what the order before its last arrival left."""
        data = self._data(order)
        if order[:-1]:
            shutil.copytree(self._data(order[:-1]), data)
        (data / "snapshots").mkdir(parents=True, exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            use_home(patch, data, self._home)
            yield
        forget()

    def _arrive(self, date: datetime.date, data: Path) -> Left:
        """Deliver one snapshot more, run what is due, and try a date that came too late."""
        shutil.copy(self._home / "delivered" / f"{date}.parquet", data / "snapshots")
        last = store_of(NAME).last_published()
        if last is not None and date < last:
            self._refused_late(date, last, data)
        else:
            self._run_due(date)
        return _left()

    def _refused_late(self, date: datetime.date, last: datetime.date, data: Path) -> None:
        """A date before the last one published is not due, and by hand it is refused and touches nothing."""
        assert nights.nights_to_run(NAME) == []
        before = everything(data)
        with pytest.raises(NightRefused, match=f"{date} is not after {last}"):
            run_again(NAME, date)
        assert everything(data) == before

    def _run_due(self, date: datetime.date) -> None:
        """Run the nights that are due up to the first without a snapshot; there is none where dates come as they like."""
        due = nights.nights_to_run(NAME)
        assert due == sorted(due)
        assert self._is_daily or due == [date]
        for night in due:
            try:
                run_again(NAME, night)
            except SnapshotRefused:
                assert self._is_daily
                return


def _left() -> Left:
    store = store_of(NAME)
    published = [run["business_date"] for run in store.select_mine("runs", status="published")]
    entries = [entry["business_date"] for entry in store.select_mine("ledger")]
    return Left(digest(store), tuple(map(NIGHTS.index, published)), entries)


def everything(data: Path) -> dict[str, Any]:
    """What a refused night may not touch: the rows of the store, and every file but the store's own."""
    tables = ("runs", "attempts", "line_states", "ledger", "notices", "recoverable_nights", "pauses", "approvals")
    rows = {table: list(map(dict, store_of(NAME).select_mine(table))) for table in tables}
    files = [path for path in data.rglob("*") if path.is_file() and not path.name.startswith("store.sqlite")]
    return {**rows, **{str(path): path.read_bytes() for path in files}}


@pytest.fixture(scope="module")
def as_delivered(tmp_path_factory: pytest.TempPathFactory) -> Arrivals:
    """Books whose nights are the dates that were delivered."""
    return Arrivals(tmp_path_factory.mktemp("as-delivered"), "as_delivered")


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Arrivals:
    """Books that have a night on every day, delivered or not."""
    return Arrivals(tmp_path_factory.mktemp("daily"), "daily")


def accepted(order: Order) -> Order:
    """The nights of an order that come after every night before them."""
    return tuple(night for place, night in enumerate(order) if night >= max(order[: place + 1]))


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_the_dates_that_came_in_time_end_as_if_no_other_had_come(as_delivered: Arrivals, order: Order) -> None:
    left = as_delivered.after(order)
    assert left.published == accepted(order)
    assert left.digest == as_delivered.after(accepted(order)).digest


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_no_line_moves_backwards(as_delivered: Arrivals, order: Order) -> None:
    entries = as_delivered.after(order).entries
    assert entries == sorted(entries)
    assert {*entries} <= {NIGHTS[night] for night in accepted(order)}


@pytest.mark.parametrize("order", [*permutations(range(3))], ids=str)
def test_where_every_day_has_a_night_all_orders_end_alike(daily: Arrivals, order: Order) -> None:
    left = daily.after(order)
    assert left == daily.after((0, 1, 2))
    assert left.published == (0, 1, 2)
