"""The contract of a snapshot, in Pandera: built from the core columns and the attributes that a policy declares.

A new attribute needs a policy file, not code. Every check is on one column and vectorised; its name is the reason that
a quarantined row is given. Whether a column is there and has its type is decided before any row is looked at.
"""

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.policy import Policy
from schemas.vocabulary import CORE_ALLOWED, WHOLE_NUMBER_LIMIT, AttributeType

Bools = NDArray[np.bool_]
Rule = tuple[str, Callable[[pd.Series], Bools]]
"""What is wrong where it does not hold, and where it holds."""
TEXT_LENGTH_MAX = 256
CLOSING_COLUMNS = ("closed_on", "closure_cause", "closure_initiator")
REQUIRED = ("line_status",)

ID_MISSING = "is missing"
ID_REPEATED = "stands on more than one row"
NOT_ALLOWED = "is outside what is allowed"
TOO_LARGE = "is larger than 10^13 in size"
NEGATIVE = "is missing or negative"
IN_FUTURE = "is after the business date"
NOT_CLOSED = "is missing on a closed line"
NOT_TEXT = "is longer than 256 characters or holds control characters"
UNPARSABLE = "does not read as its type"

_DTYPES: dict[AttributeType, Callable[[object], bool]] = {
    AttributeType.INTEGER: pd.api.types.is_integer_dtype,
    AttributeType.NUMBER: pd.api.types.is_float_dtype,
    AttributeType.BOOLEAN: pd.api.types.is_bool_dtype,
    AttributeType.DATE: pd.api.types.is_datetime64_dtype,
    AttributeType.CATEGORY: lambda dtype: isinstance(dtype, pd.CategoricalDtype),
}
_CANONICAL = {
    AttributeType.INTEGER: "Int64",
    AttributeType.NUMBER: "float64",
    AttributeType.BOOLEAN: "boolean",
    AttributeType.DATE: "datetime64[ms]",
    AttributeType.CATEGORY: "category",
}


def snapshot_contract(
    policy: Policy,
    columns: dict[str, AttributeType],
    business_date: datetime.date,
    frame: pd.DataFrame,
    found: dict[str, Bools],
) -> pa.DataFrameSchema:
    """Build the contract for one partition.

    A check that fails tells Pandera so, and sets down in `found` where: Pandera's own report of it holds values, and takes
    longer than all checks together.

    Args:
        policy: declares the attributes and what they allow.
        columns: type of every column but `account_id`.
        business_date: no closing and no observation is later.
        frame: the partition, typed; which of its lines are closed decides what must be known of them.
        found: `column: what is wrong` to a mask of rows; each check that fails adds its own.
    """
    closed = frame["line_status"].eq("closed").fillna(False).to_numpy(dtype=bool) if "line_status" in frame else None
    dating = {attribute.observed_on for attribute in policy.attributes.values() if attribute.observed_on}
    rules: dict[str, list[Rule]] = {"account_id": [(ID_MISSING, _has_id), (NOT_TEXT, _plain)]}
    for name, kind in columns.items():
        rules[name] = _bounds(name, kind, policy)
        if name == "closed_on" or name in dating:
            rules[name].append((IN_FUTURE, _not_after(business_date)))
        if name in CLOSING_COLUMNS and closed is not None:
            rules[name].append((NOT_CLOSED, _known_where(closed)))
    dtypes = {"account_id": "str", **{name: _dtype(name, kind, frame) for name, kind in columns.items()}}
    built = {
        name: pa.Column(dtypes[name], nullable=True, checks=[_check(*rule, found) for rule in rules[name]])
        for name in rules
    }
    if "unparsable" in frame:
        built["unparsable"] = pa.Column("category", nullable=True)
    return pa.DataFrameSchema(built, strict=True, coerce=False)


def _check(name: str, holds: Callable[[pd.Series], Bools], found: dict[str, Bools]) -> pa.Check:
    def is_well(series: pd.Series) -> bool:
        well = holds(series)
        if well.all():
            return True
        found[f"{series.name}: {name}"] = ~well
        return False

    return pa.Check(is_well, name=name, ignore_na=False)


def _dtype(name: str, kind: AttributeType, frame: pd.DataFrame) -> object:
    """The frame's own dtype where it is one of the type's, else the canonical one, which then does not match."""
    found = frame[name].dtype if name in frame else None
    return found if found is not None and _DTYPES[kind](found) else _CANONICAL[kind]


def _bounds(name: str, kind: AttributeType, policy: Policy) -> list[Rule]:
    attribute = policy.attributes.get(name)
    allowed = CORE_ALLOWED.get(name) or (attribute.allowed if attribute else None)
    if name == "closed_limit_cents":
        return [(NEGATIVE, _from_zero), (TOO_LARGE, _within(-WHOLE_NUMBER_LIMIT, WHOLE_NUMBER_LIMIT))]
    if kind is AttributeType.CATEGORY:
        if allowed is None:
            return [(NOT_TEXT, _plain_categories)]
        return [(NOT_ALLOWED, _among(tuple(map(str, allowed)), unknown_is_well=name not in REQUIRED))]
    if allowed is not None:
        return [(NOT_ALLOWED, _within(*allowed))]
    if kind is AttributeType.INTEGER:
        return [(TOO_LARGE, _within(-WHOLE_NUMBER_LIMIT, WHOLE_NUMBER_LIMIT))]
    return []


def _has_id(series: pd.Series) -> Bools:
    return (series.notna() & series.ne("")).to_numpy(dtype=bool)


def _plain(series: pd.Series) -> Bools:
    """Texts of at most 256 characters without control characters; missing ones are no concern here."""
    if _all_plain(pyarrow.array(series)):
        return np.ones(len(series), bool)
    odd = series.str.len().gt(TEXT_LENGTH_MAX) | series.str.contains(r"[\x00-\x1f\x7f]", regex=True)
    return ~odd.fillna(False).to_numpy(dtype=bool)


def _all_plain(texts: pyarrow.Array | pyarrow.ChunkedArray) -> bool:
    """Whether no text can be too long or hold a control character: one look at the bytes of all of them."""
    for chunk in texts.chunks if isinstance(texts, pyarrow.ChunkedArray) else [texts]:
        longest = pc.max(pc.binary_length(chunk)).as_py() or 0
        data = np.frombuffer(chunk.buffers()[2] or b"", np.uint8)
        if longest > TEXT_LENGTH_MAX or data.min(initial=0x20) < 0x20 or (data == 0x7F).any():  # noqa: PLR2004 - ASCII
            return False
    return True


def _plain_categories(series: pd.Series) -> Bools:
    plain = _plain(pd.Series(series.cat.categories, dtype="str"))
    return np.append(plain, True)[series.cat.codes.to_numpy()]


def _from_zero(series: pd.Series) -> Bools:
    return (series.notna() & (series >= 0).fillna(False)).to_numpy(dtype=bool)


def _within(low: Any, high: Any) -> Callable[[pd.Series], Bools]:
    """Unknown values, and numbers that are not finite, are unknown and not outside."""

    def holds(series: pd.Series) -> Bools:
        if pd.api.types.is_float_dtype(series.dtype):
            values = series.to_numpy(dtype=np.float64, na_value=np.nan)
            return ~np.isfinite(values) | ((values >= low) & (values <= high))
        if not series.hasnans:
            values = series.to_numpy(dtype=np.int64)
            return (values >= low) & (values <= high)
        return (series.isna() | series.between(low, high)).to_numpy(dtype=bool)

    return holds


def _among(allowed: tuple[str, ...], *, unknown_is_well: bool) -> Callable[[pd.Series], Bools]:
    def holds(series: pd.Series) -> Bools:
        table = np.array([*(category in allowed for category in series.cat.categories), unknown_is_well])
        return table[series.cat.codes.to_numpy()]

    return holds


def _not_after(date: datetime.date) -> Callable[[pd.Series], Bools]:
    last = np.datetime64(date, "D")
    return lambda series: ~(series.to_numpy().astype("datetime64[D]") > last)


def _known_where(closed: Bools) -> Callable[[pd.Series], Bools]:
    return lambda series: series.notna().to_numpy() | ~closed
