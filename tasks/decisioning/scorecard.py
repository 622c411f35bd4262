"""Points of the scorecard, and the reasons that lost points give, for many rows at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.decisioning.columns import Ints, Rows
from tasks.decisioning.rules import Rules, Scored

Points = NDArray[np.int32]


@dataclass(frozen=True)
class Scores:
    """Points per attribute (attributes by rows) and the score per row."""

    points: Points
    score: Points


def score_rows(rules: Rules, rows: Rows) -> Scores:
    """Score every row: `base_points` plus the points of each attribute; an unknown attribute has `missing`."""
    points = np.empty((len(rules.scorecard), len(rows)), np.int32)
    for place, scored in enumerate(rules.scorecard):
        points[place] = _points(scored, rows)
    return Scores(points, points.sum(axis=0, dtype=np.int32) + np.int32(rules.policy.scorecard.base_points))


def _points(scored: Scored, rows: Rows) -> Points:
    column = rows[scored.name]
    if scored.shape.bins:
        few = len(scored.edges) <= np.iinfo(np.int16).max
        position = np.zeros(len(rows), np.dtype("int16" if few else "int32"))
        for edge in scored.edges:
            position += column.values >= edge
        found = np.array(scored.points, np.int32)[position]
    elif column.categories:
        table = [_listed(scored, category) for category in column.categories]
        found = np.array([*table, scored.shape.missing], np.int32)[column.values]
    else:
        found = np.array([_listed(scored, False), _listed(scored, True)], np.int32)[column.values.astype(np.int8)]
    if column.unknown is not None:
        np.putmask(found, column.unknown, scored.shape.missing)
    return found


def _listed(scored: Scored, value: str | bool) -> int:
    other = scored.shape.other
    return (scored.shape.values or {}).get(value, other if other is not None else scored.shape.missing)


def ranked_losses(losses: Points) -> Ints:
    """Rank the attributes by points lost, most first, ties in the scorecard's order.

    Args:
        losses: attributes by rows; only losses above zero are ranked.

    Returns:
        Rows by attributes: positions of attributes in rank order, -1 after the last one that lost anything.
    """
    count = len(losses)
    order = np.arange(count - 1, -1, -1, dtype=np.int64)[:, None]
    keys = np.where(losses > 0, losses.astype(np.int64) * count + order, -1).T
    keys = -np.sort(-keys, axis=1)
    return np.where(keys >= 0, count - 1 - keys % max(count, 1), -1)
