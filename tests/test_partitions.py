"""From Parquet to canonical tables and typed frames."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SnapshotRefused
from schemas.handles import Partition
from tasks.partitions import read_partition, to_frame
from tests.sources.small_snapshots import COLUMNS, HEADER, NIGHT, row, rows, table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "part.parquet"


def written(path: Path, content: pa.Table, row_groups: tuple[int, ...] = (0,), **options: Any) -> Partition:
    """A partition of a file with `content` in it."""
    pq.write_table(content, path, **options)
    metadata = pq.read_metadata(path)
    count = sum(metadata.row_group(number).num_rows for number in row_groups)
    return Partition(number=0, path=path, row_groups=row_groups, row_count=count)


def test_a_partition_is_its_row_groups_and_nothing_else(path: Path) -> None:
    partition = written(path, table(rows(20)), row_groups=(1, 2), row_group_size=6)
    assert read_partition(partition, COLUMNS).to_pylist() == rows(20)[6:18]


def test_columns_come_in_the_order_of_the_policy_with_the_id_first(path: Path) -> None:
    content = table(rows(3))
    partition = written(path, content.select(list(reversed(content.column_names))))
    assert read_partition(partition, COLUMNS).column_names == list(HEADER)


def test_every_kind_has_one_type(path: Path) -> None:
    types = {
        "account_id": pa.large_string(),
        "business_date": pa.timestamp("ns"),
        "line_status": pa.dictionary(pa.int8(), pa.large_string()),
        "closed_limit_cents": pa.uint32(),
        "utilisation_ratio": pa.float32(),
        "closed_on": pa.date64(),
    }
    found = read_partition(written(path, table(rows(3), **types)), COLUMNS).schema
    assert [str(field.type) for field in found] == [
        "string", "date32[day]", "dictionary<values=string, indices=int32, ordered=0>", "int64", "double", "bool", "date32[day]",
    ]  # fmt: skip


def test_categories_are_the_same_across_row_groups(path: Path) -> None:
    lines = [
        row(number, line_status=status)
        for number, status in enumerate(["open", "closed", None, "closed", "other", "open"])
    ]
    partition = written(path, table(lines, line_status=pa.string()), row_groups=(0, 1, 2), row_group_size=2)
    content = read_partition(partition, COLUMNS)
    assert {tuple(chunk.dictionary.to_pylist()) for chunk in content["line_status"].chunks} == {
        ("open", "closed", "other")
    }
    frame = to_frame(content)
    assert list(frame["line_status"].cat.categories) == ["open", "closed", "other"]
    assert frame["line_status"].astype(object).tolist()[:2] == ["open", "closed"]
    assert frame["line_status"].cat.codes.tolist() == [0, 1, -1, 1, 2, 0]


def test_names_lead_from_the_file_to_the_table_even_where_they_swap(path: Path) -> None:
    names = {"deceased": "line_status", "line_status": "deceased", "a.b c": "closed_on"}
    ours = {ours: source for source, ours in names.items()}
    content = table(rows(4))
    partition = written(path, content.rename_columns([ours.get(name, name) for name in content.column_names]))
    assert read_partition(partition, COLUMNS, names).to_pylist() == rows(4)


@pytest.mark.parametrize("harm", ["gone", "cut", "spoiled", "shorter", "other columns"])
def test_a_file_that_is_not_what_was_copied_is_refused(path: Path, harm: str) -> None:
    partition = written(path, table(rows(5000)))
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(content[:-9])
    elif harm == "spoiled":
        path.write_bytes(content[:2000] + bytes(4000) + content[6000:])
    elif harm == "shorter":
        pq.write_table(table(rows(4999)), path)
    else:
        pq.write_table(table(rows(5000)).drop_columns("deceased"), path)
    with pytest.raises(
        SnapshotRefused, match="the private copy is gone, was altered, was taken under another policy"
    ) as refused:
        read_partition(partition, COLUMNS)
    assert refused.value.__context__ is None


@pytest.mark.parametrize("column", ["account_id", "line_status"])
@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_text_that_is_not_utf_8_is_refused_and_not_told(path: Path, column: str, kind: pa.DataType) -> None:
    offsets, content = pa.array([0, 6], pa.int32()).buffers()[1], pa.py_buffer(b"4711\xff\xfe")
    spoiled = pa.Array.from_buffers(pa.string(), 1, [None, offsets, content])
    if pa.types.is_dictionary(kind):
        spoiled = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), spoiled)
    line = table(rows(1))
    partition = written(path, line.set_column(line.column_names.index(column), column, spoiled))
    with pytest.raises(SnapshotRefused, match="or holds text that is not UTF-8") as refused:
        read_partition(partition, COLUMNS)
    assert "4711" not in str(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    ("column", "kind", "values", "dtype"),
    [
        ("whole", pa.int64(), [1, 2], "int64"),
        ("whole", pa.int64(), [1, None], "Int64"),
        ("narrow", pa.int32(), [1, None], "Int64"),
        ("flag", pa.bool_(), [True, False], "bool"),
        ("flag", pa.bool_(), [True, None], "boolean"),
        ("number", pa.float64(), [0.5, None], "float64"),
        ("date", pa.date32(), [NIGHT, None], "datetime64[ms]"),
        ("text", pa.string(), ["000123", None], "str"),
        ("category", pa.dictionary(pa.int32(), pa.string()), ["a", None], "category"),
        ("nothing", pa.dictionary(pa.int32(), pa.string()), [None, None], "category"),
    ],
)
def test_a_column_of_a_frame_has_the_dtype_of_its_kind(
    column: str, kind: pa.DataType, values: list[Any], dtype: str
) -> None:
    frame = to_frame(pa.table({column: pa.array(values, kind)}))
    assert str(frame[column].dtype) == dtype
    assert frame[column].isna().tolist() == [value is None for value in values]
    assert [value for value in frame[column] if not pd.isna(value)] == [
        pd.Timestamp(value) if isinstance(value, datetime.date) else value for value in values if value is not None
    ]


def test_large_whole_numbers_stay_exact_beside_missing_ones() -> None:
    frame = to_frame(pa.table({"whole": pa.array([2**62 + 1, None, -(2**62) - 1])}))
    assert frame["whole"].dropna().tolist() == [2**62 + 1, -(2**62) - 1]


def test_numbers_that_are_not_finite_stay_what_they_are() -> None:
    frame = to_frame(pa.table({"number": pa.array([np.inf, -np.inf, np.nan, None, -0.0])}))
    assert [repr(float(value)) for value in frame["number"]] == ["inf", "-inf", "nan", "nan", "-0.0"]


def test_dates_far_away_stay_what_they_are() -> None:
    frame = to_frame(pa.table({"date": pa.array([datetime.date.min, datetime.date.max])}))
    assert frame["date"].to_numpy().astype("datetime64[D]").tolist() == [datetime.date.min, datetime.date.max]


def test_the_index_counts_from_0_whatever_the_chunks() -> None:
    content = pa.concat_tables([table(rows(2)), table(rows(3, 2))]).unify_dictionaries()
    frame = to_frame(content)
    assert frame.index.equals(pd.RangeIndex(5))
    assert frame["account_id"].tolist() == [line["account_id"] for line in rows(5)]


def test_a_table_without_rows_gives_a_frame_with_all_columns() -> None:
    frame = to_frame(table(rows(1)).slice(0, 0))
    assert (len(frame), list(frame)) == (0, list(HEADER))
