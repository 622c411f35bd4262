"""Snapshots read from a table or a query, on SQLite and on PostgreSQL."""

import datetime
import sqlite3
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from schemas.errors import ConfigurationError, SnapshotRefused
from schemas.handles import Snapshot
from tasks.sources import databases, sql
from tasks.sources.opening import open_source
from tests.sources.small_snapshots import COLUMNS, HEADER, NIGHT, portfolio, read_all, row, rows

DAY_BEFORE = NIGHT - datetime.timedelta(days=1)
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


def test_a_table_reads_as_the_rows_that_it_holds(database: Database) -> None:
    database.fill(rows(30))
    snapshot = database.take(rows_per_partition=12)
    assert [part.row_count for part in snapshot.partitions] == [12, 12, 6]
    assert read_all(snapshot) == rows(30)


def test_other_business_dates_of_a_table_are_left_alone(database: Database) -> None:
    database.fill([*rows(3), *(row(number, business_date=DAY_BEFORE) for number in range(3))])
    assert read_all(database.take()) == rows(3)


def test_the_dates_of_a_table_are_listed(database: Database) -> None:
    database.fill([*rows(3), row(9, business_date=DAY_BEFORE)])
    assert database.source().dates() == [DAY_BEFORE, NIGHT]


def test_the_dates_of_a_query_are_listed(database: Database) -> None:
    database.fill([*rows(3), row(9, business_date=DAY_BEFORE)])
    assert database.source(query=f"select * from {database.table}").dates() == [DAY_BEFORE, NIGHT]


def test_a_query_that_asks_for_its_date_lists_none_and_is_given_it(database: Database) -> None:
    database.fill([*rows(3), row(9, business_date=DAY_BEFORE)])
    query = f"select * from {database.table} where business_date = :business_date -- the night's; only"
    assert database.source(query=query).dates() == []
    assert read_all(database.take(query=query)) == rows(3)


def test_a_query_that_gives_other_dates_than_asked_for_is_refused(database: Database) -> None:
    database.fill([*rows(3), row(9, business_date=DAY_BEFORE)])
    query = f"select * from {database.table} where business_date <= :business_date;"
    assert "1 of 4 rows of the snapshot of 2026-10-28 carry another business_date" in database.refusal(query=query)


def test_a_query_may_rename_and_hold_colons_and_percent_signs(database: Database) -> None:
    database.fill(rows(3))
    query = (
        "with those as (select * from " + database.table + ") "
        "select account_id, business_date, case when line_status like '%os%' then 'x: 5%' else 'y\\:z' end as line_status, "
        "closed_limit_cents, utilisation_ratio, deceased, closed_on from those"
    )
    assert [line["line_status"] for line in read_all(database.take(query=query))] == ["y:z", "x: 5%", "y:z"]


def test_columns_of_other_names_are_mapped(database: Database) -> None:
    database.fill(rows(5))
    names = {"Acct No": "account_id", "as of": "business_date", "select": "deceased"}
    for source, ours in names.items():
        database.run(f'alter table {database.table} rename column {ours} to "{source}"')
    assert read_all(database.take(names=names), names) == rows(5)
    assert database.source(names=names).dates() == [NIGHT]


@pytest.mark.usefixtures("short_ranges")
@pytest.mark.parametrize(
    "ids",
    [
        ["A", "B", "C", "D", "E", "F"],
        ["A", "B", "C", "C", "C", "D"],
        ["A", "A", "A", "A", "A", "A", "A", "B"],
        ["A", "B", "C", "D", "D", "D", "D"],
        ["A", "A", "B", "B", "C", "C", None, None],
        [None, None, None, None],
        ["", "", " ", "a", "A", "ä", "中", "1E5", "000123", "NA"],
    ],
    ids=str,
)
def test_no_row_is_lost_or_read_twice_at_the_border_of_a_range(database: Database, ids: list[str | None]) -> None:
    lines = [row(number, account_id=identifier) for number, identifier in enumerate(ids)]
    database.fill(lines)
    found = read_all(database.take())
    assert sorted(line["closed_limit_cents"] for line in found) == [line["closed_limit_cents"] for line in lines]
    assert sorted(str(line["account_id"]) for line in found) == sorted(map(str, ids))


@pytest.mark.usefixtures("short_ranges")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_ids_that_a_collation_holds_equal_are_read_once_each(database: Database) -> None:
    ids = ["a", "A", "a", "B", "b", "A", "c", "C"]
    lines = [row(number, account_id=identifier) for number, identifier in enumerate(ids)]
    database.fill(lines, account_id="text collate nocase")
    found = read_all(database.take())
    assert sorted(line["account_id"] for line in found) == sorted(ids)


@pytest.mark.usefixtures("short_ranges")
def test_all_ranges_see_the_table_as_it_was_when_the_first_was_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        database.run("pragma journal_mode = wal")
    database.fill(rows(12))
    typed = sql._typed

    def change_and_type(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(sql, "_typed", typed)
        database.run(f"update {database.table} set closed_limit_cents = 0")
        database.run(f"delete from {database.table} where account_id = 'A000011'")
        return typed(*arguments, **options)

    monkeypatch.setattr(sql, "_typed", change_and_type)
    assert read_all(database.take()) == rows(12)


def test_missing_values_are_missing(database: Database) -> None:
    empty = {**dict.fromkeys(HEADER), "account_id": "A", "business_date": NIGHT}
    database.fill([empty])
    assert read_all(database.take()) == [empty]


def test_rows_without_a_date_are_not_silently_left_out(database: Database) -> None:
    database.fill([*rows(3), row(4, business_date=None)])
    assert "1 rows have no business_date" in database.refusal()


def test_a_date_without_rows_is_refused(database: Database) -> None:
    database.fill([row(1, business_date=DAY_BEFORE)])
    assert "the snapshot of 2026-10-28 has no rows" in database.refusal()


def test_missing_and_unexpected_columns_are_all_listed(database: Database) -> None:
    database.fill(rows(3))
    database.run(f"alter table {database.table} rename column deceased to decased")
    database.run(f"alter table {database.table} add column loaded_by text")
    words = database.refusal()
    assert "column 'deceased' is missing (boolean); did you mean 'decased'?" in words
    assert "column 'loaded_by' is not expected" in words


def test_a_column_that_a_query_gives_twice_is_refused(database: Database) -> None:
    database.fill(rows(3))
    words = database.refusal(query=f"select l.*, deceased from {database.table} l")
    assert "column 'deceased" in words
    assert "stands twice" in words or "is not expected" in words


@pytest.mark.parametrize(
    ("column", "sqlite_type", "postgres_type", "value", "words"),
    [
        ("account_id", "integer", "bigint", 4711, "column 'account_id' holds values of type int, expected text"),
        (
            "closed_limit_cents",
            "real",
            "real",
            4711.5,
            "column 'closed_limit_cents' holds values of type float, expected",
        ),
        (
            "closed_limit_cents",
            "text",
            "text",
            "s4711",
            "column 'closed_limit_cents' holds values of type str, expected",
        ),
        ("closed_limit_cents", "blob", "numeric(30)", 4711, "column 'closed_limit_cents' holds"),
        (
            "utilisation_ratio",
            "text",
            "text",
            "s4711",
            "column 'utilisation_ratio' holds values of type str, expected a number",
        ),
        ("deceased", "integer", "integer", 4711, "column 'deceased' holds values of type int, expected a boolean"),
        ("line_status", "integer", "integer", 4711, "column 'line_status' holds values of type int, expected text"),
        ("closed_on", "text", "text", "s4711", "column 'closed_on' holds"),
        ("closed_on", "text", "timestamp", "2026-10-01 04:47:11", "column 'closed_on' holds"),
        ("closed_on", "integer", "integer", 4711, "column 'closed_on' holds values of type int, expected a date"),
    ],
)
def test_a_value_that_does_not_fit_its_type_refuses_the_snapshot_and_is_not_told(
    database: Database, column: str, sqlite_type: str, postgres_type: str, value: object, words: str
) -> None:
    if database.is_sqlite and sqlite_type == "blob":
        value = b"4711"
    if not database.is_sqlite and postgres_type == "timestamp":
        value = datetime.datetime(2026, 10, 1, 4, 47, 11)  # noqa: DTZ001 - as the column
    database.fill([row(1, **{column: value})], **{column: sqlite_type if database.is_sqlite else postgres_type})
    told = database.refusal()
    assert words in told
    assert "4711" not in told
    assert "47:11" not in told


def test_numbers_of_any_kind_are_numbers(database: Database) -> None:
    kind = "integer" if database.is_sqlite else "numeric"
    database.fill([row(1, utilisation_ratio=3), row(2, utilisation_ratio=None)], utilisation_ratio=kind)
    assert [line["utilisation_ratio"] for line in read_all(database.take())] == [3.0, None]


@pytest.mark.parametrize(
    "name", ['lines"; drop table lines; --', "lines; drop table lines", "lines where 1=1 or (1", "'lines'"]
)
def test_nothing_can_be_smuggled_in_by_the_name_of_a_table(database: Database, name: str) -> None:
    database.fill(rows(3))
    assert "there is no such table" in database.refusal(table=name)
    assert read_all(database.take()) == rows(3)


@pytest.mark.parametrize("name", ["a.b.c", ".lines", "lines.", "."])
def test_the_name_of_a_table_has_one_dot_at_most(database: Database, name: str) -> None:
    with pytest.raises(ConfigurationError, match="with one dot at most"):
        database.source(table=name)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from nowhere", "there is no such table"),
        ("select secret_4711", "the snapshot cannot be read from its database: "),
        ("selct 4711", "is not SQL"),
        ("delete from {table} returning *", "the snapshot cannot be read from its database: "),
        ("select 4711/0 as account_id", "the snapshot"),
    ],
)
def test_what_a_database_says_against_a_query_is_not_told(database: Database, query: str, words: str) -> None:
    database.fill(rows(3))
    told = database.refusal(query=query.format(table=database.table))
    assert words in told
    assert "4711" not in told
    assert read_all(database.take()) == rows(3)


def test_a_row_that_a_database_cannot_deliver_is_not_told(database: Database) -> None:
    database.fill(rows(3))
    cast = "cast(x'ff' || account_id as text)" if database.is_sqlite else "cast(account_id || '4711' as integer)::text"
    query = f"select {cast} as line_status, account_id, business_date, closed_limit_cents, utilisation_ratio, deceased, closed_on from {database.table}"
    told = database.refusal(query=query)
    assert "cannot be read from its database" in told
    assert "A00000" not in told


def test_a_query_may_ask_for_its_business_date_only(database: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"source\.query asks for :branch; it may ask for :business_date only"):
        database.source(query="select 1 where 2 = :branch and 3 = :business_date")


def test_the_table_is_read_only(database: Database) -> None:
    database.fill(rows(3))
    engine = databases.read_engine(database.url)
    with pytest.raises(SnapshotRefused, match="cannot be read"):
        databases.consistent_read(engine, lambda connection: connection.execute(text(f"delete from {database.table}")))


def test_a_statement_that_takes_too_long_is_stopped(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "STATEMENT_TIMEOUT_SECONDS", 0.05)
    engine = databases.read_engine(postgres_url)
    with pytest.raises(SnapshotRefused, match="QueryCanceled 57014"):
        databases.consistent_read(engine, lambda connection: connection.execute(text("select pg_sleep(5)")))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "the environment variable BOOK_URL is not set"),
        ("geheim", "the database's URL cannot be read"),
        ("mysql://user:geheim@host/book", "SQLite and PostgreSQL can be read"),
        ("sqlite://", "the database's URL names no file"),
        ("postgresql://user:geheim@host:port/book", "the database's URL cannot be read"),
    ],
)
def test_an_address_that_cannot_be_used_is_not_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, words: str
) -> None:
    monkeypatch.setenv("BOOK_URL", url)
    settings = {"kind": "sql", "url": {"environment": "BOOK_URL"}, "table": "lines"}
    with pytest.raises(ConfigurationError) as refused:
        open_source(portfolio(settings), tmp_path)
    told = "".join(traceback.format_exception(refused.value))
    assert words in told
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://user:geheim@/book?host=/nowhere", "OperationalError; is the database running"),
        ("sqlite:////nowhere/book.sqlite", "there is no such database file"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, words: str
) -> None:
    monkeypatch.setenv("BOOK_URL", url)
    settings = {"kind": "sql", "url": {"environment": "BOOK_URL"}, "table": "lines"}
    with pytest.raises(SnapshotRefused) as refused:
        open_source(portfolio(settings), tmp_path).dates()
    told = "".join(traceback.format_exception(refused.value))
    assert words in told
    assert "geheim" not in told


def test_a_file_that_is_no_database_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "book.sqlite").write_bytes(b"not a database at all" * 100)
    monkeypatch.setenv("BOOK_URL", f"sqlite:///{tmp_path / 'book.sqlite'}")
    settings = {"kind": "sql", "url": {"environment": "BOOK_URL"}, "table": "lines"}
    with pytest.raises(SnapshotRefused, match="the file is not a SQLite database"):
        open_source(portfolio(settings), tmp_path).dates()


def test_a_secret_block_is_read_by_whoever_can(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table lines (business_date text)")
        connection.execute("insert into lines values ('2026-10-28')")
    settings = {"kind": "sql", "url": {"secret_block": "book"}, "table": "lines"}
    read: Callable[[str], str] = {"book": f"sqlite:///{path}"}.__getitem__
    assert open_source(portfolio(settings), tmp_path, read).dates() == [NIGHT]
    with pytest.raises(ConfigurationError, match="in the secret block book, which only a flow can read"):
        open_source(portfolio(settings), tmp_path)
