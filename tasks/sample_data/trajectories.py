"""How many months late a customer is, from one month end to the next, as measured on real credit cards.

`MONTHS_LATE_STEP` holds facts of the public data set "Default of Credit Card Clients" (30,000 cards, Taiwan, April to
September 2005; Yeh & Lien 2009, Expert Systems with Applications 36(2); doi 10.24432/C55S3H, CC BY 4.0): the share of
cards that went from one number of months late to another within a month, pooled over the five pairs of neighbouring
months, the codes -2, -1 and 0 all read as on time. One row could not be measured this way: the file uses "1 month
late" for September alone, so nothing is known of the month after but the default of October. That row holds it: 33.9 %
defaulted (here: two months late), the others are read as on time again. Above 4 months the rows rest on few cards.

People differ. A person is of one kind for good: one who recovers, one who stays bad, or one who seems to recover until
a certain day. The kinds tilt every row of the matrix, and with `KIND_SHARES` the tilts cancel: taken over all
people alike, a month moves them exactly as measured.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.sample_data.book import Integers

Floats = npt.NDArray[np.float64]

MONTHS_LATE_MAX: Final = 8
MONTHS_LATE_STEP: Final[Floats] = np.array(
    [
        # to   0       1       2       3       4       5       6       7       8   months late
        [0.9388, 0.0141, 0.0471, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000],  # from 0
        [0.6605, 0.0000, 0.3395, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000],  # from 1, see above
        [0.2534, 0.1028, 0.5805, 0.0633, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000],  # from 2
        [0.1588, 0.0984, 0.3267, 0.1588, 0.2573, 0.0000, 0.0000, 0.0000, 0.0000],  # from 3
        [0.0424, 0.0849, 0.2255, 0.0769, 0.2812, 0.2891, 0.0000, 0.0000, 0.0000],  # from 4
        [0.0541, 0.0631, 0.1622, 0.0631, 0.0991, 0.1081, 0.4503, 0.0000, 0.0000],  # from 5
        [0.0317, 0.0317, 0.0794, 0.0159, 0.0159, 0.0476, 0.0635, 0.7143, 0.0000],  # from 6
        [0.0000, 0.0048, 0.2679, 0.0096, 0.0000, 0.0000, 0.0048, 0.6029, 0.1100],  # from 7
        [0.0000, 0.1111, 0.3333, 0.0000, 0.1111, 0.0000, 0.0000, 0.1111, 0.3334],  # from 8
    ]
)
"""Share of cards by months late at one month end (row) and at the next (column); every row adds up to 1."""

RECOVERS, STABLE_BAD, RELAPSES = range(3)
KIND_SHARES: Final = (0.50, 0.35, 0.15)
KIND_TILTS: Final = (0.40, -0.26 / 0.35, 0.40)
"""Between -1 (worst) and 1 (best); the mean over `KIND_SHARES` is 0."""

HISTORY_MONTHS: Final = 24


def step_chances(tilt: float) -> Floats:
    """Move every row of the measured matrix towards fewer (tilt above 0) or more months late.

    A cumulative share c becomes c + tilt * c * (1 - c): still rising, and the measured one on average over tilts.

    Returns:
        The chance of every step, (9, 9); rows add up to 1.
    """
    reached = np.cumsum(MONTHS_LATE_STEP, axis=1)
    reached[:, -1] = 1.0
    return np.diff(reached + tilt * reached * (1.0 - reached), axis=1, prepend=0.0)


_REACHED: Final[Floats] = np.stack([np.cumsum(step_chances(tilt), axis=1)[:, :-1] for tilt in KIND_TILTS])
"""By kind, months late now and months late next (all but the last): the cumulative chance."""


def next_months_late(rng: np.random.Generator, kind: Integers, months_late: Integers) -> Integers:
    """Draw how many months late each person is a month later; all arrays have one entry per person."""
    drawn = rng.random(len(kind), dtype=np.float32)
    beyond: Integers = np.count_nonzero(drawn[:, None] >= _REACHED[kind, months_late], axis=1)
    return beyond


def months_late_history(
    rng: np.random.Generator, kind: Integers, trouble_months_ago: Integers
) -> npt.NDArray[np.uint8]:
    """Draw the last 24 month ends of every person.

    Args:
        rng: the source of chance.
        kind: per person one of `RECOVERS`, `STABLE_BAD`, `RELAPSES`.
        trouble_months_ago: per person the month end at which it was two or three months late for certain (0: the
            latest one); negative or beyond the history if there was none.

    Returns:
        Months late, (persons, 24), the latest month end first.
    """
    history = np.zeros((len(kind), HISTORY_MONTHS), dtype=np.uint8)
    now = np.where(rng.random(len(kind)) < 0.1, 2, 0)  # noqa: PLR2004 - about as many as in the data
    for months_ago in reversed(range(HISTORY_MONTHS)):
        now = next_months_late(rng, kind, now)
        trouble = 2 + (rng.random(len(kind), dtype=np.float32) < 0.2)  # noqa: PLR2004
        now = np.where(trouble_months_ago == months_ago, np.maximum(now, trouble), now)
        history[:, months_ago] = now
    return history
