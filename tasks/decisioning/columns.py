"""A partition's columns as arrays with their unknowns, and views of some of its rows.

Arrays are as long as the rows they speak of. Dates are whole days since 1970-01-01, categories are codes into
`Column.categories` (-1: unknown), numbers are doubles, whole numbers 64-bit integers.
"""

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from schemas.vocabulary import LEDGER_COLUMNS, LEDGER_COUNTS, AttributeType
from tasks.decisioning.rules import Rules

EPOCH = datetime.date(1970, 1, 1)
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def day_number(date: datetime.date) -> int:
    """Whole days from 1970-01-01 to `date`."""
    return (date - EPOCH).days


@dataclass(frozen=True)
class Column:
    """Values of one column; `unknown` is None where every value is known."""

    values: np.ndarray
    unknown: Bools | None
    categories: tuple[str, ...] = ()

    def take(self, rows: slice | Ints) -> "Column":
        return Column(self.values[rows], None if self.unknown is None else self.unknown[rows], self.categories)


class Columns:
    """The columns of one partition, read from its frame when first asked for.

    Args:
        frame: clean rows, typed: nullable integers and booleans, floats, real dates, categories; ledger columns may
            be absent where the ledger holds none of the lines.
        rules: the policy; says which attributes grow stale.
        business_date: the night's date, against which values grow stale.
    """

    def __init__(self, frame: pd.DataFrame, rules: Rules, business_date: datetime.date) -> None:
        self.frame = frame
        self.rules = rules
        self.today = day_number(business_date)
        self._columns: dict[str, Column] = {}
        self._standing: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, name: str) -> Column:
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def _read(self, name: str) -> Column:
        if name not in self.frame and name in LEDGER_COLUMNS:
            return _absent(name, len(self.frame))
        column = self._as_it_stands(name)
        attribute = self.rules.policy.attributes.get(name)
        if attribute is None or attribute.observed_on is None or attribute.max_age_days is None:
            return column
        observed = self._as_it_stands(attribute.observed_on)
        unknown = (self.today - observed.values) > attribute.max_age_days
        for other in (observed.unknown, column.unknown):
            if other is not None:
                unknown |= other
        return _with_unknown(column, unknown)

    def _as_it_stands(self, name: str) -> Column:
        """A column whatever its age: a date that has grown old itself still says how old another value is."""
        if name not in self._standing:
            self._standing[name] = column_of(self.frame[name])
        return self._standing[name]


class Rows:
    """Some rows of a partition, and how many days after the business date they are looked at.

    `later_days` moves `days_since` and nothing else: 0 tonight, or one offset per row.
    """

    def __init__(self, columns: Columns, positions: slice | Ints, later_days: int | Ints = 0) -> None:
        self.columns = columns
        self.positions = positions
        self.later_days = later_days
        self._taken: dict[str, Column] = {}

    def __len__(self) -> int:
        if isinstance(self.positions, slice):
            return int(self.positions.stop - self.positions.start)
        return len(self.positions)

    def __getitem__(self, name: str) -> Column:
        if name not in self._taken:
            self._taken[name] = self.columns[name].take(self.positions)
        return self._taken[name]

    def days_since(self, name: str) -> Column:
        """Whole days from the dates of column `name` to the business date, `later_days` on."""
        dates = self[name]
        return Column(self.columns.today + self.later_days - dates.values, dates.unknown)

    def only(self, chosen: Ints) -> "Rows":
        """The rows at `chosen` positions of this view."""
        if isinstance(self.positions, slice):
            return Rows(self.columns, chosen + self.positions.start)
        return Rows(self.columns, self.positions[chosen])

    def later(self, days: Ints) -> "Rows":
        """The same rows, each as if `days` more had passed."""
        moved = Rows(self.columns, self.positions, days)
        moved._taken = self._taken  # values do not move with the calendar
        return moved


def column_of(series: pd.Series) -> Column:
    """The values and unknowns of one series of a typed frame."""
    kind = series.dtype
    if isinstance(kind, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        return Column(codes, _if_any(codes < 0), tuple(map(str, series.cat.categories)))
    if pd.api.types.is_datetime64_dtype(kind):
        days = series.to_numpy().astype("datetime64[D]")
        return _filled(days.astype(np.int64), np.isnat(days))
    if pd.api.types.is_bool_dtype(kind):
        return _filled(series.to_numpy(dtype=bool, na_value=False), series.isna().to_numpy())
    if pd.api.types.is_integer_dtype(kind):
        return _filled(series.to_numpy(dtype=np.int64, na_value=0), series.isna().to_numpy())
    if pd.api.types.is_float_dtype(kind):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return _filled(values, ~np.isfinite(values))
    return column_of(series.astype("category"))


def _with_unknown(column: Column, unknown: Bools) -> Column:
    """The same values, unknown also where they have grown old; a category says so in its code too."""
    if not unknown.any():
        return column
    values = np.where(unknown, column.values.dtype.type(-1), column.values) if column.categories else column.values
    return Column(values, unknown, column.categories)


def _filled(values: np.ndarray, unknown: Bools) -> Column:
    if not unknown.any():
        return Column(values, None)
    return Column(np.where(unknown, values.dtype.type(0), values), unknown)


def _if_any(unknown: Bools) -> Bools | None:
    return unknown if unknown.any() else None


def _absent(name: str, count: int) -> Column:
    """A ledger column of lines that the ledger does not hold."""
    if name in LEDGER_COUNTS:
        return Column(np.zeros(count, np.int64), None)
    if name == "ledger_state":
        return Column(np.zeros(count, np.int8), None, ("none",))
    unknown = np.ones(count, bool)
    kind = np.int64 if LEDGER_COLUMNS[name] in (AttributeType.INTEGER, AttributeType.DATE) else np.int8
    return Column(np.full(count, -1, kind), unknown)
