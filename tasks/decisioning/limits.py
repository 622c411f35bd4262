"""The limit of a reopened line, in whole cents."""

import numpy as np

from schemas.policy import Limit
from tasks.decisioning.columns import Bools, Column, Ints

_FAR = float(10**15)
"""Beyond every limit, and exact as a double and as an integer."""


def limit_cents(shape: Limit, closed_limit: Ints, share_bp: Ints, caps: list[Column], most: int | None = None) -> Ints:
    """The least of the share, the caps, the ceiling and `most`, rounded down as the policy says.

    Args:
        shape: the policy's section on limits.
        closed_limit: cents per row, at most 10^13.
        share_bp: basis points of the closed limit per row.
        caps: cents per row for every cap; where a cap is unknown its value does not matter, see `unknown_caps`.
        most: one more bound for all rows, in cents.
    """
    least = np.minimum(closed_limit * share_bp // 10_000, shape.ceiling_cents)
    if most is not None:
        least = np.minimum(least, most)
    for cap in caps:
        least = np.minimum(least, _whole_cents(cap))
    return least // shape.round_down_to_cents * shape.round_down_to_cents


def _whole_cents(cap: Column) -> Ints:
    """A cap rounded down; where it is unknown it may not even be a number."""
    if cap.values.dtype.kind != "f":
        return cap.values
    values = cap.values if cap.unknown is None else np.where(cap.unknown, 0.0, cap.values)
    return np.floor(np.clip(values, -_FAR, _FAR)).astype(np.int64)


def unknown_caps(caps: list[Column], count: int) -> Bools:
    """Caps by rows: where a cap is unknown."""
    none = np.zeros(count, bool)
    return np.array([none if cap.unknown is None else cap.unknown for cap in caps]).reshape(len(caps), count)


def below_floor(shape: Limit, limits: Ints) -> Bools:
    """Where a limit is too small to open a line for."""
    return (limits < shape.floor_cents) | (limits < 0)
