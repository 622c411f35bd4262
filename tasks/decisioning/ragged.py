"""Lists of codes per row, kept flat: what Arrow stores, and what no Python object per row could be fast with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.decisioning.columns import Bools, Ints

Codes = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True)
class Ragged:
    """`values` of all rows one after the other, `counts` of them per row."""

    values: Codes
    counts: Ints

    @property
    def offsets(self) -> Ints:
        """Where each row's values start, and after the last row where they end."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    def take(self, rows: Ints) -> "Ragged":
        """The lists of some rows, in that order."""
        counts = self.counts[rows]
        return Ragged(self.values[_spread(self.offsets[:-1][rows], counts)], counts)

    def lists(self) -> list[list[int]]:
        """Plain lists, for the few."""
        return [part.tolist() for part in np.split(self.values, self.offsets[1:-1])]


def join(parts: list[Ragged]) -> Ragged:
    """One after the other."""
    return Ragged(
        np.concatenate([part.values for part in parts] or [np.zeros(0, np.int64)]),
        np.concatenate([part.counts for part in parts] or [np.zeros(0, np.int64)]),
    )


class RaggedRows:
    """Collects lists for rows of a block; a row that nothing is said of has an empty list."""

    def __init__(self, count: int) -> None:
        self._counts = np.zeros(count, np.int64)
        self._parts: list[tuple[Ints, Codes]] = []

    def put(self, rows: Ints, codes: np.ndarray) -> None:
        """Give each of `rows`, none of which has a list yet, the codes of its line in `codes` that are not NONE.

        Args:
            rows: positions in the block.
            codes: rows by places, in order, NONE where a place is empty.
        """
        present = codes != NONE
        self._counts[rows] = present.sum(axis=1)
        self._parts.append((rows, codes[present]))

    def build(self) -> Ragged:
        """All that was put, in the order of the rows."""
        offsets = np.concatenate([[0], np.cumsum(self._counts)])
        values = np.empty(offsets[-1], np.int64)
        for rows, flat in self._parts:
            values[_spread(offsets[rows], self._counts[rows])] = flat
        return Ragged(values, self._counts)


def _spread(starts: Ints, counts: Ints) -> Ints:
    """Positions `start, start + 1, ..` for every row, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - counts), counts)


def chosen(hits: list[Bools], codes: list[int], count: int) -> np.ndarray:
    """Rows by places: each code where its mask hits, NONE elsewhere, and NONE where the same code stands before."""
    out = np.full((count, len(codes)), NONE, np.int64)
    for place, (hit, code) in enumerate(zip(hits, codes, strict=True)):
        first = hit
        for before in range(place):
            if codes[before] == code:
                first = first & ~hits[before]
        out[first, place] = code
    return out
