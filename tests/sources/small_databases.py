"""A database with a small table of lines, on SQLite or on PostgreSQL, and what takes snapshots from it."""

import datetime
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from tasks.sources.opening import open_source
from tests.sources.small_snapshots import COLUMNS, HEADER, NIGHT, portfolio

SQLITE_TYPES = ("text", "text", "text", "integer", "real", "integer", "text")
POSTGRES_TYPES = ("text", "date", "text", "bigint", "double precision", "boolean", "date")


class Database:
    """A database with the table `core.lines`, or `lines`, and what takes snapshots from it."""

    def __init__(self, url: str, folder: Path, schema: str, types: Sequence[str]) -> None:
        self.url = url
        self.table = f"{schema}.lines" if schema else "lines"
        self.target = folder / "private" / NIGHT.isoformat()
        self.data = folder
        self.types = dict(zip(HEADER, types, strict=True))
        self.is_sqlite = url.startswith("sqlite")

    def run(self, statement: str, parameters: Sequence[dict[str, Any]] = ()) -> None:
        """Run one statement, as whoever feeds the database would."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement), [self._plain(each) for each in parameters] or None)

    def fill(self, lines: Sequence[dict[str, Any]], **types: str) -> None:
        """Make the table anew with `lines` in it."""
        declared = ", ".join(f"{name} {kind}" for name, kind in {**self.types, **types}.items())
        self.run(f"drop table if exists {self.table}")
        self.run(f"create table {self.table} ({declared})")
        if lines:
            self.run(f"insert into {self.table} values (:{', :'.join(HEADER)})", lines)

    def _plain(self, line: dict[str, Any]) -> dict[str, Any]:
        if not self.is_sqlite:
            return line
        return {name: str(value) if isinstance(value, datetime.date) else value for name, value in line.items()}

    def source(self, *, query: str | None = None, table: str | None = None, names: dict[str, str] | None = None) -> Any:
        """The source of a portfolio that reads the table, or what is given."""
        what = {"query": query} if query else {"table": table or self.table}
        settings = {"kind": "sql", "url": {"environment": "BOOK_URL"}, **what}
        return open_source(portfolio(settings, columns=names or {}), self.data)

    def take(self, rows_per_partition: int = 1000, **options: Any) -> Snapshot:
        """Take the night's snapshot."""
        snapshot: Snapshot = self.source(**options).take(NIGHT, COLUMNS, self.target, rows_per_partition)
        return snapshot

    def refusal(self, **options: Any) -> str:
        """Take the night's snapshot, which must be refused, and return everything that the error tells."""
        with pytest.raises(SnapshotRefused) as refused:
            self.take(**options)
        assert not self.target.exists()
        assert refused.value.__context__ is None
        return "".join(traceback.format_exception(refused.value))
