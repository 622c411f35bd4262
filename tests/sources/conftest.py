"""What the tests of the sources share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.sources import sql
from tests.sources.small_databases import POSTGRES_TYPES, SQLITE_TYPES, Database
from tests.sources.small_snapshots import Drops


@pytest.fixture
def drops(tmp_path: Path) -> Drops:
    """An empty folder of deliveries."""
    return Drops(tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'book.sqlite'}", tmp_path, "", SQLITE_TYPES)
    else:
        made = Database(request.getfixturevalue("postgres_url"), tmp_path, "core", POSTGRES_TYPES)
        made.run("create schema if not exists core")
    monkeypatch.setenv("BOOK_URL", made.url)
    yield made
    if not made.is_sqlite:
        made.run("drop schema core cascade")


@pytest.fixture
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of three ids and batches of two rows."""
    monkeypatch.setattr(sql, "RANGE_ROWS", 3)
    monkeypatch.setattr(sql, "BATCH_ROWS", 2)
