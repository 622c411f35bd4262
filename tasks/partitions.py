"""Partitions of a private snapshot: from Parquet to canonical Arrow tables and on to typed frames.

Whatever a file's own integer widths, date types or text encodings are, what is read here has one type per kind of
column: int64, double, bool, date32, dictionary text; the id is plain text.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import SnapshotRefused
from schemas.handles import Partition
from schemas.vocabulary import UNPARSABLE, AttributeType

ACCOUNT_ID: Final = "account_id"
BUSINESS_DATE: Final = "business_date"

CANONICAL_TYPES: Final[Mapping[AttributeType, pa.DataType]] = MappingProxyType(
    {
        AttributeType.INTEGER: pa.int64(),
        AttributeType.NUMBER: pa.float64(),
        AttributeType.BOOLEAN: pa.bool_(),
        AttributeType.DATE: pa.date32(),
        AttributeType.CATEGORY: pa.dictionary(pa.int32(), pa.string()),
    }
)


def read_partition(
    partition: Partition, columns: Mapping[str, AttributeType], names: Mapping[str, str] = MappingProxyType({})
) -> pa.Table:
    """Read the rows of one partition, `account_id` first, then `columns` in their order, then `unparsable` if it is there.

    Args:
        partition: row groups of one file of a private copy.
        columns: the type of every column but `account_id`.
        names: leads from a column's name in the file, which is the source's, to its name here.

    Raises:
        SnapshotRefused: the file is gone, was altered, lacks a column, or holds text that is not UTF-8.
    """
    in_file = source_names(columns, names)
    texts = [in_file[name] for name, kind in columns.items() if kind is AttributeType.CATEGORY]
    try:
        footer = pq.read_metadata(partition.path)
        extra = [UNPARSABLE] if UNPARSABLE in footer.schema.names else []
        encoded = [name for name in (*texts, *extra) if name in footer.schema.names]  # a list of texts is not there
        with pq.ParquetFile(partition.path, metadata=footer, read_dictionary=encoded) as file:
            table = file.read_row_groups(list(partition.row_groups), columns=[*in_file.values(), *extra])
        if len(table) != partition.row_count:
            raise pa.ArrowInvalid
        kinds = {**columns, **dict.fromkeys(extra, AttributeType.CATEGORY)}
        arrays = {ACCOUNT_ID: table[in_file[ACCOUNT_ID]].cast(pa.string())}
        arrays |= {name: to_canonical(table[in_file.get(name, name)], kind) for name, kind in kinds.items()}
        for name in (ACCOUNT_ID, *(name for name, kind in kinds.items() if kind is AttributeType.CATEGORY)):
            arrays[name].validate(full=True)  # Parquet does not promise that text is UTF-8
    except (pa.ArrowException, OSError, KeyError):
        pass
    else:
        return pa.table(arrays).unify_dictionaries()
    raise SnapshotRefused(
        f"partition {partition.number} cannot be read from {partition.path}: the private copy is gone, was altered, was "
        "taken under another policy, or holds text that is not UTF-8; move the copy away and pull the snapshot again"
    )


def read_ids(partition: Partition, columns: Mapping[str, AttributeType], names: Mapping[str, str]) -> pa.Array:
    """Read only the ids of one partition, in the order of its rows."""
    column = source_names(columns, names)[ACCOUNT_ID]
    with pq.ParquetFile(partition.path) as file:
        table = file.read_row_groups(list(partition.row_groups), columns=[column])
    return table[column].cast(pa.string()).combine_chunks()


def source_names(columns: Mapping[str, AttributeType], names: Mapping[str, str]) -> dict[str, str]:
    """What `account_id` and every one of `columns` is called in the source."""
    source_of = {ours: source for source, ours in names.items()}
    return {name: source_of.get(name, name) for name in (ACCOUNT_ID, *columns)}


def to_canonical(column: pa.ChunkedArray, kind: AttributeType) -> pa.ChunkedArray:
    """Cast a column of any accepted physical type to the one type of its kind."""
    target = CANONICAL_TYPES[kind]
    if column.type == target:
        return column
    if kind is AttributeType.CATEGORY:
        return as_text(column).dictionary_encode()
    return column.cast(target, safe=False)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text of any encoding as plain text; a list of texts is joined by commas, a missing one of them as an empty text."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pa.chunked_array([_joined(chunk) for chunk in column.cast(pa.list_(pa.string())).chunks], pa.string())
    return column.cast(pa.string())


def _joined(lists: pa.ListArray) -> pa.StringArray:
    whole = pa.ListArray.from_arrays(lists.offsets, pc.fill_null(lists.values, ""))
    return pc.if_else(lists.is_valid(), pc.binary_join(whole, ","), pa.scalar(None, pa.string()))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A typed frame of a canonical table, index from 0.

    Whole numbers are int64 and booleans bool where every value is known, else `Int64` and `boolean`; numbers float64,
    dates datetime64[ms], dictionary text categories, plain text `str`.
    """
    return pd.DataFrame(
        {
            name: _values(column.combine_chunks())
            for name, column in zip(table.column_names, table.columns, strict=True)
        },
        index=pd.RangeIndex(len(table)),
        copy=False,
    )


def _values(column: pa.Array) -> np.ndarray | pd.api.extensions.ExtensionArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        codes = column.indices.fill_null(-1) if column.null_count else column.indices
        return pd.Categorical.from_codes(
            codes.to_numpy(), pd.Index(column.dictionary.to_pylist(), dtype="str"), validate=False
        )
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("ms")).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(kind):
        return _nullable(column.cast(pa.int64()), 0, pd.arrays.IntegerArray)
    if pa.types.is_boolean(kind):
        return _nullable(column, False, pd.arrays.BooleanArray)
    if pa.types.is_floating(kind):
        return column.to_numpy(zero_copy_only=False)
    return column.to_pandas().array


def _nullable(column: pa.Array, filler: int | bool, nullable: type) -> np.ndarray | pd.api.extensions.ExtensionArray:
    if not column.null_count:
        return column.to_numpy(zero_copy_only=False)
    values = column.fill_null(filler).to_numpy(zero_copy_only=False)
    return nullable(values, column.is_null().to_numpy(zero_copy_only=False))
