"""Cells of text as typed columns, a whole column at a time: what does not read as its type is null and marked.

Every function takes text without nulls, in which the empty cell is a missing value, and returns the values with the
mask of cells that do not read as their type.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.vocabulary import AttributeType

Mask = npt.NDArray[np.bool_]
Cells = tuple[pa.Array, Mask]

SAFE_DIGITS: Final = 18
"""Whole numbers of so many digits fit 64 bits whatever they are."""
_GREATEST: Final = str(2**63 - 1)
_LEAST: Final = str(2**63)
_INTEGER: Final = r"^-?[0-9]+$"
_NUMBER: Final = r"^-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$|^[-+]?(?i:nan|inf|infinity)$"
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def typed_cells(cells: pa.Array, kind: AttributeType) -> Cells:
    """Read a column of text as `kind`: int64, double, bool, date32 or text."""
    return _READERS[kind](cells)


def texts(cells: pa.Array) -> Cells:
    """Text as it is; the empty cell is missing."""
    return _without(cells, _mask(pc.equal(cells, ""))), np.zeros(len(cells), bool)


def unparsable_names(marked: Mapping[str, Mask], row_count: int) -> pa.Array:
    """Per row the names of the columns that are marked, joined by commas; null where none is."""
    names = [name for name, mask in marked.items() if mask.any()]
    result = np.full(row_count, None, dtype=object)
    if names:
        matrix = np.column_stack([marked[name] for name in names])
        rows = np.flatnonzero(matrix.any(axis=1))
        patterns, which = np.unique(matrix[rows], axis=0, return_inverse=True)
        joined = [",".join(name for name, hit in zip(names, pattern, strict=True) if hit) for pattern in patterns]
        result[rows] = np.array(joined, dtype=object)[which.reshape(-1)]
    return pa.array(result, pa.string())


def _integers(cells: pa.Array) -> Cells:
    well = _mask(pc.match_substring_regex(cells, _INTEGER))
    lengths = pc.utf8_length(cells).to_numpy(zero_copy_only=False)
    short = well & (lengths <= SAFE_DIGITS)
    if not (well & ~short).any():
        return _without(cells, ~short).cast(pa.int64()), _marked(cells, short)
    minus = _mask(pc.starts_with(cells, "-"))
    digits = pc.replace_substring_regex(cells, r"^-?0*", "")
    sizes = pc.utf8_length(digits).to_numpy(zero_copy_only=False)
    edge = np.where(minus, _mask(pc.less_equal(digits, _LEAST)), _mask(pc.less_equal(digits, _GREATEST)))
    fits = well & ((sizes <= SAFE_DIGITS) | ((sizes == SAFE_DIGITS + 1) & edge))
    bare = pc.binary_join_element_wise(
        pc.if_else(pa.array(minus), "-", ""), pc.if_else(pc.equal(digits, ""), "0", digits), ""
    )
    return _without(bare, ~fits).cast(pa.int64()), _marked(cells, fits)


def _numbers(cells: pa.Array) -> Cells:
    well = _mask(pc.match_substring_regex(cells, _NUMBER))
    texts_only = _without(cells, ~well)
    try:
        values = texts_only.cast(pa.float64())
    except pa.ArrowInvalid:  # a number beyond doubles, which numpy reads as infinite
        read = texts_only.fill_null("0").to_numpy(zero_copy_only=False).astype(np.float64)
        values = pa.array(read, mask=~well)
    return values, _marked(cells, well)


def _booleans(cells: pa.Array) -> Cells:
    lower = pc.ascii_lower(cells)
    true, false = _mask(pc.equal(lower, "true")), _mask(pc.equal(lower, "false"))
    return pa.array(true, mask=~(true | false)), _marked(cells, true | false)


def _dates(cells: pa.Array) -> Cells:
    well = _mask(pc.match_substring_regex(cells, _DATE))
    likely = pc.if_else(pa.array(well), cells, "1970-01-01")
    year, month, day = (
        pc.utf8_slice_codeunits(likely, start, stop).cast(pa.int32()).to_numpy(zero_copy_only=False)
        for start, stop in ((0, 4), (5, 7), (8, 10))
    )
    real_month = np.clip(month, 1, 12)
    months = ((year - 1970) * 12 + real_month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    real = well & (year >= 1) & (month == real_month) & (day >= 1) & (days.astype("datetime64[M]") == months)
    return pa.array(days.astype(np.int64).astype(np.int32), mask=~real).cast(pa.date32()), _marked(cells, real)


_READERS: Final[Mapping[AttributeType, Callable[[pa.Array], Cells]]] = MappingProxyType(
    {
        AttributeType.INTEGER: _integers,
        AttributeType.NUMBER: _numbers,
        AttributeType.BOOLEAN: _booleans,
        AttributeType.DATE: _dates,
        AttributeType.CATEGORY: texts,
    }
)


def _mask(answers: pa.Array) -> Mask:
    return np.asarray(answers.to_numpy(zero_copy_only=False), dtype=bool)


def _marked(cells: pa.Array, fits: Mask) -> Mask:
    """Cells that hold something which does not fit."""
    return ~fits & ~_mask(pc.equal(cells, ""))


def _without(cells: pa.Array, left_out: Mask) -> pa.Array:
    return pc.if_else(pa.array(left_out), pa.scalar(None, cells.type), cells)
