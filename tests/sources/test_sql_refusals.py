"""Tables, queries and databases that are refused, and what is not told about them."""

import datetime
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.errors import ConfigurationError, SnapshotRefused
from tasks.sources import databases
from tasks.sources.opening import open_source
from tests.sources.small_databases import Database
from tests.sources.small_snapshots import NIGHT, portfolio, read_all, row, rows

DAY_BEFORE = NIGHT - datetime.timedelta(days=1)


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
        ("closed_on", "text", "text", "", "column 'closed_on' holds"),
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
