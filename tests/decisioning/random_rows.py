"""Random rows: a line with which all is well, in some state, with a few cells changed to values near the literals."""

import datetime
import math
from typing import Any

from tests import oracle
from tests.decisioning.random_expressions import Author, Known
from tests.factories import PolicyDict, Row, days_ago

NO_NUMBERS = (math.nan, math.inf, -math.inf)


def cells_of(author: Author, policy: PolicyDict) -> list[tuple[str, Any]]:
    """Values that a row may hold instead of the good one: near the literals, at the ends, unknown."""
    cells: list[tuple[str, Any]] = []
    dated = {
        spec["observed_on"]: spec["max_age_days"] for spec in policy["attributes"].values() if "observed_on" in spec
    }
    for name, known in author.names.items():
        declared = name in policy["attributes"]
        if not declared and (name.startswith("clos") or name not in oracle.CORE_NAMES + oracle.LEDGER_COUNTS):
            continue  # what only the kind of line decides, and what this policy does not declare
        values = [*author.near[name], *(known.allowed or ()), *_others(known, author.night)]
        values = [_typed(known, value) for value in values]
        cells += [
            (name, value)
            for value in values
            if known.allows(value) and _is_held(known, value, author.night, name in dated)
        ]
        cells += [(name, None)] * (not name.startswith("ledger_"))
    for name, days in dated.items():
        cells += [(name, days_ago(age, author.night)) for age in (days, days + 1, 400)] + [(name, None)]
    return cells


def _others(known: Known, night: datetime.date) -> tuple[Any, ...]:
    return {
        "integer": (known.good, 1, 2, 10**13, -(10**13)),
        "number": (known.good, 0.0, -0.0, 1e300, *NO_NUMBERS),
        "boolean": (True, False),
        "date": (night, days_ago(1, night), days_ago(-1, night), days_ago(1000, night)),
        "category": ("red", "elsewhere"),
    }[known.type]


def _typed(known: Known, value: Any) -> Any:
    if known.type == "integer":
        return math.floor(value)
    return float(value) if known.type == "number" else value


def _is_held(known: Known, value: Any, night: datetime.date, dates_others: bool) -> bool:
    """Whether a snapshot holds such a value: whole numbers of at most 10^13, no observation after the night."""
    if known.type == "integer":
        return abs(value) <= oracle.LARGEST_WHOLE_NUMBER
    return not (dates_others and value > night)


def random_row(author: Author, policy: PolicyDict, cells: list[tuple[str, Any]]) -> Row:
    """The good line in some state, with a few cells changed."""
    pick, night = author.pick, author.night
    row: Row = {"account_id": "", "business_date": night, **{name: known.good for name, known in author.names.items()}}
    row |= {spec["observed_on"]: night for spec in policy["attributes"].values() if "observed_on" in spec}
    causes = [*policy["causes"]] * 3 + ["closed_for_another_cause"]
    row["closure_cause"] = pick(*causes)
    row["closure_initiator"] = pick(*["issuer"] * 15, "customer")
    row["closed_limit_cents"] = pick(1_000_000, 1_000_000, 1_000_000, 0, 49_999, 50_000, 1_234_567, 10**13)
    row["closed_on"] = pick(*(date for date in (row["closed_on"], *author.near["closed_on"]) if date <= night))
    row["ledger_recoverable_nights_count"] = pick(2, 2, 2, 1, 0)
    for _ in range(pick(0, 1, 1, 2, 3, 8)):
        name, value = pick(*cells)
        row[name] = value
    row["line_status"], held = "closed", pick(*["none"] * 5, "temporary", "temporary", "reopened", "reopened", "open")
    if held == "open":
        row |= {
            "line_status": "open",
            "closed_on": pick(None, row["closed_on"]),
            "closure_cause": None,
            "closure_initiator": None,
        }
    elif held != "none":
        row |= _held_by_ledger(author, row, held, causes)
    return row


def _held_by_ledger(author: Author, row: Row, state: str, causes: list[str]) -> Row:
    """A line that the ledger holds: open, still closed, or closed anew (on a day after the ledger's)."""
    pick, night = author.pick, author.night
    since = days_ago(pick(0, 1, 2, 179, 180, 181), night)
    held = {
        "ledger_state": state,
        "ledger_since": since,
        "ledger_route": pick("reevaluation", "campaign", "appeal"),
        "ledger_cause": pick(*causes),
        "ledger_closed_on": min(row["closed_on"], since),
        "ledger_closed_limit_cents": pick(1_000_000, 1_000_000, 49_999),
        "ledger_campaigns_used": pick([], ["SPRING"], ["AUTUMN", "SPRING"]),
    }
    if state == "temporary":
        held["ledger_valid_until"] = days_ago(pick(1, 0, -1, -7), night)
    if pick(True, True, False):
        return held | {"line_status": "open", "closed_on": None, "closure_cause": None, "closure_initiator": None}
    return held | {"closed_on": min(night, since + datetime.timedelta(days=pick(-5, 0, 0, 1)))}
