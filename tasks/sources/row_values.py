"""Values of database rows as typed columns; a value of another type refuses the snapshot with its column's name."""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from schemas.errors import SnapshotRefused
from schemas.vocabulary import AttributeType
from tasks.sources.text_cells import typed_cells

_TYPES: Final[Mapping[AttributeType, frozenset[type]]] = MappingProxyType(
    {
        AttributeType.INTEGER: frozenset({int}),
        AttributeType.NUMBER: frozenset({int, float, Decimal}),
        AttributeType.BOOLEAN: frozenset({bool}),
        AttributeType.DATE: frozenset({datetime.date}),
        AttributeType.CATEGORY: frozenset({str}),
    }
)


def column_of_values(name: str, values: Sequence[Any], kind: AttributeType, *, has_own_types: bool) -> pa.Array:
    """A typed column of the values of one column of rows.

    Args:
        name: the column's name, for messages.
        values: None where a value is missing.
        kind: what the values must be; an id is a category here.
        has_own_types: the database has booleans and dates; one that has not gives 0 and 1, and ISO text.

    Raises:
        SnapshotRefused: a value is of another type, or too large for it.
    """
    found = set(map(type, values)) - {type(None)}
    if not has_own_types and kind is AttributeType.BOOLEAN and found == {int} and set(values) <= {0, 1, None}:
        return pa.array(values, pa.int64()).cast(pa.bool_())
    if not has_own_types and kind is AttributeType.DATE and found == {str}:
        return _dates_of_text(name, values)
    if not found <= _TYPES[kind]:
        others = ", ".join(sorted(each.__name__ for each in found - _TYPES[kind]))
        raise SnapshotRefused(
            f"column '{name}' holds values of type {others}, expected {_words(kind)}; cast it in a query"
        )
    if Decimal in found:
        values = [None if value is None else float(value) for value in values]
    try:
        return pa.array(values, _arrow_type(kind))
    except (pa.ArrowException, OverflowError, UnicodeError):
        pass
    raise SnapshotRefused(f"column '{name}' holds a value that does not fit {_words(kind)}; put it right in the source")


def _dates_of_text(name: str, values: Sequence[str | None]) -> pa.Array:
    cells = pa.array(["" if value is None else value or "?" for value in values], pa.string())
    dates, marked = typed_cells(cells, AttributeType.DATE)
    if marked.any():
        raise SnapshotRefused(
            f"column '{name}' holds text that is not a date as YYYY-MM-DD; put it right in the source"
        )
    return dates


def _arrow_type(kind: AttributeType) -> pa.DataType:
    types = {
        AttributeType.INTEGER: pa.int64(),
        AttributeType.NUMBER: pa.float64(),
        AttributeType.BOOLEAN: pa.bool_(),
        AttributeType.DATE: pa.date32(),
    }
    return types.get(kind, pa.string())


def _words(kind: AttributeType) -> str:
    words = {AttributeType.INTEGER: "a whole number of 64 bits", AttributeType.CATEGORY: "text"}
    return words.get(kind, f"a {kind.value}")
