"""The night's budget: one queue over all partitions, walked once."""

import numpy as np
import pandas as pd

from schemas.policy import NightlyBudget
from schemas.vocabulary import Route
from tasks.decisioning.columns import Bools

QUEUE = {Route.REEVALUATION.value: 0, Route.CAMPAIGN.value: 1}
"""The routes that spend the budget, in the order in which they are served; appeals are granted outside it."""


def granted_within(budget: NightlyBudget | None, candidates: pd.DataFrame) -> Bools:
    """Say which of the night's candidates are granted.

    Args:
        budget: lines and cents that one night may open; None for no bound.
        candidates: every line that would be granted, with `route`, `score`, `account_id` and `limit_cents`.

    Returns:
        One truth per candidate, in the order given. It does not depend on that order.
    """
    granted = np.ones(len(candidates), bool)
    if budget is None:
        return granted
    rank = candidates["route"].map(QUEUE)
    queued = candidates[rank.notna()].assign(rank=rank[rank.notna()].astype(int), position=np.flatnonzero(rank.notna()))
    queue = queued.sort_values(["rank", "score", "account_id"], ascending=[True, False, True])
    positions, limits = queue["position"].to_numpy(), queue["limit_cents"].to_numpy(dtype=np.int64)
    cents = limits.tolist()  # whole numbers without a bound: no sum of them wraps around
    if len(queue) <= budget.lines and sum(cents) <= budget.limit_cents:
        return granted
    granted[positions] = False
    granted[positions[_walk(cents, budget)]] = True
    return granted


def _walk(limits: list[int], budget: NightlyBudget) -> list[int]:
    """Places in the queue that fit, each beside those granted before it; one that does not fit is passed over."""
    lines, cents, fits = 0, 0, []
    for place, limit in enumerate(limits):
        if lines == budget.lines:
            break
        if cents + limit <= budget.limit_cents:
            lines, cents = lines + 1, cents + limit
            fits.append(place)
    return fits
