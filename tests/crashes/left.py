"""What a process left: the rows of its store, and its files."""

import datetime
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from schemas import tables
from schemas.handles import Settled
from tasks.nights import FIRST_REVISION, SETTLED_NAME
from tasks.store import Store, canonical_json

CLOCK = {"accepted_at", "started_at", "finished_at", "given_at", "since"}
WHO = {"holder", "session"}
NOT_COMPARED = {"writers", "attempts"}
"""How often somebody set to work is another number where somebody was killed."""
UNNAMED = re.compile(r"(?<=\.snapshot\.)[^/]+(?=\.partial)|(?<=\.)[0-9]+-[0-9]+(?=\.unfinished$)")
"""What is of chance in the name of a folder, or of a process in that of a file."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """Everything that must be the same however often a process was killed."""

    rows: dict[str, list[Row]]
    deliveries: dict[str, str]
    files: dict[str, int]

    def differences(self, other: "Found") -> list[str]:
        """Where two are not the same, in words."""
        return [
            f"{kind}/{name}: {_brief(mine.get(name))} became {_brief(theirs.get(name))}"
            for kind, mine, theirs in (
                ("rows", self.rows, other.rows),
                ("deliveries", self.deliveries, other.deliveries),
                ("files", self.files, other.files),
            )
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]

    @property
    def digest(self) -> str:
        """SHA-256 of what is the same in every folder and on every store."""
        return hashlib.sha256(canonical_json([self.rows, self.deliveries]).encode()).hexdigest()


class Left:
    """What a process left; to be looked at only."""

    def __init__(self, store: Store, data: Path) -> None:
        self.store = store
        self.data = data
        self.has_tables = inspect(store.engine).get_table_names()

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """All rows of the portfolio by table, in the order of their keys; none where there are no tables."""
        mine = [table for table in tables.metadata.tables.values() if "portfolio" in table.columns]
        if set(tables.metadata.tables) - set(self.has_tables):
            return {table.name: [] for table in mine}
        return {table.name: [dict(row) for row in self.store.select_mine(table.name)] for table in mine}

    @cached_property
    def files(self) -> dict[str, int]:
        """A checksum of every file and a mark for every folder, but for those of the store itself."""
        paths = [path for path in self.data.rglob("*") if not path.name.startswith("store.sqlite")]
        return {
            UNNAMED.sub("_", str(path.relative_to(self.data))): zlib.crc32(path.read_bytes()) if path.is_file() else -1
            for path in paths
        }

    @cached_property
    def delivered(self) -> dict[str, str]:
        """Every file that a recipient may fetch."""
        files = (self.data / "deliveries").rglob("[!.]*")
        return {str(path.relative_to(self.data)): path.read_text("utf-8") for path in files if path.is_file()}

    def delivered_ids(self) -> list[str]:
        """The notices in those files; a line that is cut off has none."""
        lines = [line for text in self.delivered.values() for line in text.splitlines() if line.endswith("}")]
        return [json.loads(line)["notice_id"] for line in lines]

    def directory(self, run: Row) -> Path:
        """Where a run has its files."""
        name = str(run["business_date"])
        revised = "" if run["revision"] == FIRST_REVISION else f"-revision-{run['revision']}"
        return self.data / "nights" / run["portfolio"] / f"{name}{revised}"

    def settled(self, run: Row) -> Settled:
        """What a run has set down."""
        return Settled.model_validate_json((self.directory(run) / SETTLED_NAME).read_text("utf-8"))

    def found(self) -> Found:
        """Everything that must be the same at the end."""
        rows = {
            table: [_without(row, CLOCK) for row in rows]
            for table, rows in self.rows.items()
            if table not in NOT_COMPARED
        }
        files = {name: checksum for name, checksum in self.files.items() if not name.startswith("deliveries/")}
        return Found(rows, self.delivered, files)

    def state(self) -> str:
        """A name for all of it: what is left alike goes on alike."""
        rows = {table: [_without(row, CLOCK | WHO) for row in rows] for table, rows in self.rows.items()}
        return hashlib.sha256(canonical_json([self.has_tables, rows, self.files]).encode()).hexdigest()


def _without(row: Row, names: set[str]) -> Row:
    """A row without what the clock wrote; the `since` of a line is a business date, and stays."""
    return {name: value for name, value in row.items() if name not in names or _is_date(value)}


def _is_date(value: object) -> bool:
    return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)


def _brief(value: object) -> str:
    text = f"{len(value)} rows" if isinstance(value, list) else str(value)
    return text if len(text) < 200 else f"{text[:200]}..."
