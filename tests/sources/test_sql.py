"""Snapshots read from a table or a query, on SQLite and on PostgreSQL."""

import datetime
from typing import Any

import pytest

from tasks.sources import sql
from tests.sources.small_databases import Database
from tests.sources.small_snapshots import HEADER, NIGHT, read_all, row, rows

DAY_BEFORE = NIGHT - datetime.timedelta(days=1)


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


def test_numbers_of_any_kind_are_numbers(database: Database) -> None:
    kind = "integer" if database.is_sqlite else "numeric"
    database.fill([row(1, utilisation_ratio=3), row(2, utilisation_ratio=None)], utilisation_ratio=kind)
    assert [line["utilisation_ratio"] for line in read_all(database.take())] == [3.0, None]
