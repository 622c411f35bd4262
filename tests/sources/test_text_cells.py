"""Cells of text as typed columns."""

import datetime
import math
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vocabulary import AttributeType
from tasks.sources.text_cells import typed_cells, unparsable_names

INTEGER, NUMBER, BOOLEAN, DATE, CATEGORY = AttributeType


def read(kind: AttributeType, cell: str) -> tuple[object, bool]:
    """The value of a cell that stands between two others, and whether it is marked."""
    values, marked = typed_cells(pa.array(["", cell, ""], pa.string()), kind)
    assert (values[0].as_py(), values[2].as_py(), marked[0], marked[2]) == (None, None, False, False)
    return values[1].as_py(), bool(marked[1])


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (INTEGER, "0", 0),
        (INTEGER, "-0", 0),
        (INTEGER, "-17", -17),
        (INTEGER, "007", 7),
        (INTEGER, "00000000000000000000000042", 42),
        (INTEGER, "-00000000000000000000000042", -42),
        (INTEGER, "00000000000000000000", 0),
        (INTEGER, "9223372036854775807", 2**63 - 1),
        (INTEGER, "-9223372036854775808", -(2**63)),
        (NUMBER, "1", 1.0),
        (NUMBER, "-1.25", -1.25),
        (NUMBER, ".5", 0.5),
        (NUMBER, "1.", 1.0),
        (NUMBER, "1e-05", 1e-05),
        (NUMBER, "0.1", 0.1),
        (NUMBER, "123456789012345678901234567890.5", 123456789012345678901234567890.5),
        (NUMBER, "2.2250738585072011e-308", 2.2250738585072011e-308),
        (NUMBER, "1e-400", 0.0),
        (NUMBER, "1e400", math.inf),
        (NUMBER, "-1E400", -math.inf),
        (NUMBER, "inf", math.inf),
        (NUMBER, "-Infinity", -math.inf),
        (NUMBER, "9" * 400, math.inf),
        (BOOLEAN, "true", True),
        (BOOLEAN, "FALSE", False),
        (BOOLEAN, "True", True),
        (DATE, "2024-02-29", datetime.date(2024, 2, 29)),
        (DATE, "0001-01-01", datetime.date.min),
        (DATE, "9999-12-31", datetime.date.max),
        (DATE, "1969-12-31", datetime.date(1969, 12, 31)),
        (CATEGORY, "anything at all; =1+1", "anything at all; =1+1"),
        (CATEGORY, "NA", "NA"),
        (CATEGORY, " ", " "),
    ],
)
def test_a_cell_reads_as_its_column_s_type(kind: AttributeType, cell: str, value: object) -> None:
    assert read(kind, cell) == (value, False)


@pytest.mark.parametrize("cell", ["nan", "NaN", "-NAN"])
def test_nan_is_read_and_not_marked(cell: str) -> None:
    value, marked = read(NUMBER, cell)
    assert isinstance(value, float)
    assert math.isnan(value)
    assert not marked


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        *((INTEGER, cell) for cell in ("1.0", "+1", " 1", "1 ", "1e3", "x", "1_000", "٣", "--1", "-", "1\n", "1\x00")),
        *((INTEGER, cell) for cell in ("9223372036854775808", "-9223372036854775809", "9" * 30, "-" + "9" * 30)),
        *((NUMBER, cell) for cell in ("x", "1,5", "1.2.3", "e5", "0x1p3", " 1", "+1", ".", "1\n", "1_0", "infinit")),
        *((BOOLEAN, cell) for cell in ("1", "0", "yes", "t", " true", "true\n")),
        *(
            (DATE, cell)
            for cell in ("2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-04-31", "2100-02-29")
        ),
        *((DATE, cell) for cell in ("26-01-01", "2026-1-1", "20260101", "2026-01-01T00:00:00", "0000-01-01", "x")),
    ],
)
def test_a_cell_that_does_not_read_is_missing_and_marked(kind: AttributeType, cell: str) -> None:
    assert read(kind, cell) == (None, True)


def one_by_one(kind: AttributeType, cell: str) -> tuple[object, bool]:
    """What a cell reads as, told by Python one cell at a time; the mask says that it does not read."""
    if kind is INTEGER and re.fullmatch(r"-?[0-9]+", cell):
        return (int(cell), False) if -(2**63) <= int(cell) < 2**63 else (None, True)
    if kind is NUMBER and re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", cell):
        return float(cell), False
    if kind is BOOLEAN and cell.lower() in ("true", "false"):
        return cell.lower() == "true", False
    if kind is DATE and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        try:
            return datetime.date.fromisoformat(cell), False
        except ValueError:
            return None, True
    return None, cell != ""


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([INTEGER, NUMBER, BOOLEAN, DATE]),
    cells=st.lists(
        st.text("0123456789-+.eE", max_size=24)
        | st.from_regex(r"-?[0-9]{17,21}", fullmatch=True)
        | st.from_regex(r"[0-3][0-9]{3}-[01][0-9]-[0-3][0-9]", fullmatch=True)
        | st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e-?[0-9]{1,3})?", fullmatch=True)
        | st.sampled_from(["true", "FALSE", "1", "", " 1", "1 "]),
        max_size=20,
    ),
)
def test_columns_read_as_cells_would_one_by_one(kind: AttributeType, cells: list[str]) -> None:
    values, marked = typed_cells(pa.array(cells, pa.string()), kind)
    assert list(zip(values.to_pylist(), marked.tolist(), strict=True)) == [one_by_one(kind, cell) for cell in cells]


def test_one_number_beyond_doubles_does_not_disturb_the_others() -> None:
    cells = ["0.1", "1e400", "", "x", "1e-7", "NaN", "3"]
    values, marked = typed_cells(pa.array(cells), NUMBER)
    assert [repr(value) for value in values.to_pylist()] == ["0.1", "inf", "None", "None", "1e-07", "nan", "3.0"]
    assert marked.tolist() == [False, False, False, True, False, False, False]


def test_every_date_of_two_centuries_reads_as_itself() -> None:
    first = datetime.date(1899, 12, 25)
    days = [first + datetime.timedelta(days=number) for number in range(73_500)]
    values, marked = typed_cells(pa.array([day.isoformat() for day in days]), DATE)
    assert values.to_pylist() == days
    assert not marked.any()


def test_rows_name_the_columns_that_are_marked_and_only_those() -> None:
    marked = {
        "a": np.array([True, False, True, False]),
        "b": np.array([True, False, False, False]),
        "c": np.zeros(4, bool),
    }
    assert unparsable_names(marked, 4).to_pylist() == ["a,b", None, "a", None]


def test_without_marks_no_row_names_anything() -> None:
    assert unparsable_names({"a": np.zeros(2, bool)}, 2).to_pylist() == [None, None]
