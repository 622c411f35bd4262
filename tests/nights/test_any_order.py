"""Snapshots of four nights that arrive in every order: the dates that come too late are refused, the others end alike.

After each arrival everything that is due is run, as the nightly flow does it. What an order of arrival leaves is kept
and copied for every order that begins with it.
"""

import datetime
import shutil
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import pytest

from schemas.errors import NightRefused
from tasks import nights
from tasks.nights import store_of
from tests.digest import digest
from tests.nights.conftest import DAY
from tests.plain_nights import run_again
from tests.small_book import FIRST_NIGHT, make_world

DATES = [FIRST_NIGHT + number * DAY for number in range(4)]
ORDERS = list(permutations(range(4)))
Order = tuple[int, ...]


@dataclass(frozen=True)
class Left:
    """What an order of arrival leaves: a digest, the dates that were published, and the dates of the ledger."""

    digest: str
    published: list[datetime.date]
    entries: list[datetime.date]


class Arrivals:
    """Books to which snapshots come in some order; each order is run once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._world = make_world(folder / "world", lines=400, nights=4)
        self._known: dict[Order, Left] = {}

    def after(self, order: Order) -> Left:
        """What is left once the snapshots of `order` have come, one after the other."""
        if order not in self._known:
            if order[:-1]:
                self.after(order[:-1])
            with self._at_home(order):
                self._known[order] = self._arrive(DATES[order[-1]])
        return self._known[order]

    def _arrive(self, date: datetime.date) -> Left:
        """Deliver one snapshot more, run what is due, and try a date that came too late."""
        shutil.copy(self._world / "base" / f"{date}.parquet", self._snapshots)
        last = store_of("small").last_published()
        due = nights.nights_to_run("small")
        assert due == ([date] if last is None or date > last else [])
        if due:
            run_again("small", date)
        else:
            before = digest(store_of("small"))
            with pytest.raises(NightRefused, match=f"{date} is not after {last}"):
                run_again("small", date)
            assert digest(store_of("small")) == before
        return self._left()
