"""Homes in which the nights of the tests are run, and all that those nights leave behind."""

import datetime
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.plain_nights import forget, use_home
from tests.small_book import FIRST_NIGHT, make_home

THREE = tuple(FIRST_NIGHT + datetime.timedelta(days=number) for number in range(3))
"""The nights of the tests' world."""
CLOCK = {"started_at", "finished_at", "accepted_at"}
TABLES = ("ledger", "line_states", "notices", "recoverable_nights", "runs")


@dataclass(frozen=True)
class Home:
    """A home whose portfolio `small` reads a folder of snapshots, and its data."""

    root: Path
    world: Path

    @property
    def folder(self) -> Path:
        return self.root / "home"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def snapshots(self) -> Path:
        return self.root / "snapshots"

    def deliver(self, *dates: datetime.date) -> None:
        """Put the snapshots of some nights into the folder."""
        self.snapshots.mkdir(exist_ok=True)
        for date in dates:
            shutil.copy(self.world / "base" / f"{date}.parquet", self.snapshots)

    def environment(self) -> dict[str, str]:
        """The settings of a program that works on this home."""
        return {"REINSTATE_HOME": str(self.folder), "REINSTATE_DATA": str(self.data)}

    def published(self) -> list[str]:
        """The nights that the store holds as published."""
        return [run["business_date"] for run in stored(self.data, "runs") if run["status"] == "published"]


@contextmanager
def opened_home(root: Path, world: Path) -> Iterator[Home]:
    """A home with the snapshot of the first night, on which this process works as long as it is open."""
    home = Home(root, world)
    make_home(home.folder, f"{{kind: folder, path: {home.snapshots}}}")
    home.deliver(THREE[0])
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, home.data, home.folder)
        yield home
    forget()


def stored(data: Path, table: str) -> list[dict[str, Any]]:
    """The rows of one of the store's tables, but for the times at which they were written; none without a store."""
    path = data / "store.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute(f"select * from {table} order by 1, 2, 3")]
    return [{name: value for name, value in row.items() if name not in CLOCK} for row in rows]


def left_behind(data: Path) -> dict[str, Any]:
    """What nights wrote, by its kind, but for when they did: the store, deliveries, reports and evidence."""
    nights = data / "nights" / "small"
    return {
        **{table: stored(data, table) for table in TABLES},
        "deliveries": {str(path.relative_to(data)): path.read_text() for path in data.glob("deliveries/**/*.jsonl")},
        "reports": {path.parent.name: json.loads(path.read_text()) for path in nights.glob("*/report.json")},
        "evidence": {path.parent.name: pq.read_table(path).to_pylist() for path in nights.glob("*/evidence")},
    }
