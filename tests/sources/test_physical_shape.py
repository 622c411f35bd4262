"""The columns of a snapshot and the types in which they may come."""

import datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.sources.small_snapshots import NIGHT, Drops, read_all, row, rows, table

LATER = datetime.datetime(2026, 10, 28, 12, 30)  # noqa: DTZ001 - a timestamp without a zone


@pytest.mark.parametrize(
    ("types", "changes"),
    [
        ({"closed_limit_cents": pa.int8()}, {"closed_limit_cents": 5}),
        ({"closed_limit_cents": pa.uint32()}, {"closed_limit_cents": 2**32 - 1}),
        ({"utilisation_ratio": pa.float32()}, {"utilisation_ratio": 0.5}),
        ({"utilisation_ratio": pa.int64()}, {"utilisation_ratio": 7}),
        ({"closed_on": pa.date64()}, {"closed_on": NIGHT}),
        ({"closed_on": pa.timestamp("ns")}, {"closed_on": NIGHT}),
        ({"business_date": pa.timestamp("us")}, {}),
        ({"line_status": pa.large_string()}, {}),
        ({"line_status": pa.string()}, {}),
        ({"line_status": pa.dictionary(pa.int8(), pa.large_string())}, {}),
        ({"account_id": pa.large_string()}, {}),
        ({"account_id": pa.dictionary(pa.int32(), pa.string())}, {}),
        ({"closed_limit_cents": pa.null()}, {"closed_limit_cents": None}),
        ({"line_status": pa.null()}, {"line_status": None}),
        ({"deceased": pa.null()}, {"deceased": None}),
    ],
    ids=str,
)
@pytest.mark.parametrize("rows_per_partition", [1000, 2], ids=["kept", "rewritten"])
def test_a_column_may_come_as_any_physical_type_of_its_kind(
    drops: Drops, types: dict[str, pa.DataType], changes: dict[str, Any], rows_per_partition: int
) -> None:
    lines = [row(number, **changes) for number in range(3)]
    drops.parquet(table(lines, **types))
    assert read_all(drops.take(rows_per_partition)) == lines


def test_columns_of_other_names_are_mapped(drops: Drops) -> None:
    names = {"acct": "account_id", "Stichtag": "business_date", "deceased": "line_status", "st": "deceased"}
    ours = {ours: source for source, ours in names.items()}
    content = table(rows(5))
    drops.parquet(content.rename_columns([ours.get(name, name) for name in content.column_names]))
    assert read_all(drops.take(columns=names), names) == rows(5)


def test_names_are_mapped_in_a_copy_that_was_written_anew(drops: Drops) -> None:
    names = {"deceased": "line_status", "line_status": "deceased"}
    content = table(rows(5))
    drops.parquet(content.rename_columns([names.get(name, name) for name in content.column_names]))
    assert read_all(drops.take(2, columns=names), names) == rows(5)


def test_all_wrong_columns_are_listed_at_once(drops: Drops) -> None:
    wrong = table(rows(2), closed_on=pa.timestamp("us", "UTC"), account_id=pa.string())
    wrong = wrong.rename_columns({"deceased": "decased"}).append_column("extra", pa.array([1, 2]))
    wrong = wrong.drop_columns(["utilisation_ratio"])
    drops.parquet(wrong, "a.parquet")
    drops.parquet(wrong, "b.parquet")
    words = drops.refusal()
    assert "column 'utilisation_ratio' is missing (number) (a.parquet and 1 more)" in words
    assert "column 'deceased' is missing (boolean); did you mean 'decased'?" in words
    assert "column 'decased' is not expected; did you mean 'deceased'?" in words
    assert "column 'extra' is not expected" in words
    assert "column 'closed_on' is timestamp[us, tz=UTC], expected a date" in words


@pytest.mark.parametrize(
    ("column", "kind", "value", "words"),
    [
        ("account_id", pa.int64(), 5, "column 'account_id' is int64, expected text: an id is text"),
        ("account_id", pa.null(), None, "column 'account_id' is null, expected text"),
        ("business_date", pa.null(), None, "column 'business_date' is null, expected a date"),
        ("business_date", pa.string(), "2026-10-28", "column 'business_date' is string, expected a date"),
        ("closed_limit_cents", pa.float64(), 1.0, "column 'closed_limit_cents' is double, expected a whole number"),
        ("closed_limit_cents", pa.uint64(), 1, "column 'closed_limit_cents' is uint64, expected a whole number"),
        ("closed_limit_cents", pa.decimal128(9, 2), 1, "column 'closed_limit_cents' is decimal128(9, 2), expected"),
        ("utilisation_ratio", pa.string(), "1", "column 'utilisation_ratio' is string, expected a number"),
        ("deceased", pa.int8(), 1, "column 'deceased' is int8, expected a boolean"),
        ("line_status", pa.int8(), 1, "column 'line_status' is int8, expected text"),
        ("line_status", pa.list_(pa.string()), ["x"], "column 'line_status' is list<element: string>, expected text"),
        ("closed_on", pa.timestamp("s"), LATER, "has times of day in closed_on"),
        ("business_date", pa.timestamp("ms"), LATER, "has times of day in business_date"),
    ],
)
def test_a_column_of_another_physical_type_refuses_the_snapshot(
    drops: Drops, column: str, kind: pa.DataType, value: Any, words: str
) -> None:
    drops.parquet(table([row(1, **{column: value}), row(2, **{column: value})], **{column: kind}))
    assert words in drops.refusal()


def test_a_column_that_stands_twice_refuses_the_snapshot(drops: Drops) -> None:
    content = table(rows(2))
    drops.parquet(content.append_column("deceased", content["deceased"]))
    assert "column 'deceased' stands twice" in drops.refusal()


def test_a_mapped_column_that_is_missing_is_named_as_the_portfolio_maps_it(drops: Drops) -> None:
    drops.parquet(table(rows(2)))
    words = drops.refusal(columns={"tot": "deceased"})
    assert "column 'tot', which the portfolio file maps to 'deceased', is missing" in words
    assert "column 'deceased' is not expected" in words


def test_rows_of_another_business_date_refuse_the_snapshot_with_their_number(drops: Drops) -> None:
    other = NIGHT - datetime.timedelta(days=1)
    drops.parquet(table([*rows(3), row(3, business_date=other), row(4, business_date=None)]))
    assert "2 of 5 rows of the snapshot of 2026-10-28 carry another business_date or none" in drops.refusal()


def test_a_snapshot_without_rows_is_refused(drops: Drops) -> None:
    drops.parquet(table(rows(1)).slice(0, 0))
    assert "the snapshot of 2026-10-28 has no rows" in drops.refusal()
