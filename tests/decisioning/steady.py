"""Random nights whose policies do not go to and fro by what they say themselves.

Three things in a policy bring the calendar, or the job's own doing, into what closes a line again; each is fixed here,
and each has its counterexample in `test_many_nights`:

- exclusions and `reclose_when` read neither a date nor a count of the ledger;
- an upheld appeal does not open what `reclose_when` would close at once;
- there is no budget: what others are granted is not a fact of the line.
"""

from collections.abc import Callable
from typing import Any

from tests.decisioning.strategies import RandomNight, random_night

STEADY: dict[str, Any] = {
    "exclusions": [{"id": "EX_0", "when": "flagged", "reason": "reason_a"}],
    "probation": {"days": 180, "reclose_when": "late_days > 30", "reason": "reason_b"},
    "appeal": {
        "upheld_when": 'status == "blue" and not (late_days > 30)',
        "pending_when": 'status == "red"',
        "refused_when": 'status == "red"',
        "limit_bp": 8000,
    },
    "nightly_budget": None,
}


def steady_night(choose: Callable[[int], int]) -> RandomNight:
    """A random night, see `random_night`, with these sections as they are."""
    return random_night(choose, 2, STEADY)
