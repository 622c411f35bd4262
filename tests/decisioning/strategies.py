"""Random valid policies, and random rows near the values that they speak of.

A policy is drawn around a *good line*, one with which all is well: most questions are turned so that it passes them,
and most rows are that line with a few cells changed. So nights reopen lines often enough to mean something.
"""

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests import oracle
from tests.decisioning.random_expressions import Author, Known
from tests.decisioning.random_rows import cells_of, random_row
from tests.factories import PolicyDict, Row, days_ago

NIGHTS = (
    datetime.date(2026, 10, 28),
    datetime.date(2028, 2, 29),
    datetime.date(2027, 1, 1),
    datetime.date(2026, 3, 31),
)
CAUSES = ("credit_assessment", "policy_tightening", "product_operation", "abnormal_behaviour")
REASONS = ("reason_a", "reason_b", "reason_c", "reason_d", "payment_overdue", "nightly_budget_spent")
CAMPAIGN_CODES = ("SPRING", "AUTUMN")
IDS = ("", "0", "00", "1E", "A", "a", "NA", "é", "\uffff", "\U0001f600")
"""Beginnings of account ids; the last two stand in another order by UTF-16 than by code point."""


@dataclass(frozen=True)
class RandomNight:
    """A policy, the rows it is asked about and the date."""

    policy: PolicyDict
    rows: list[Row]
    date: datetime.date


def random_night(
    choose: Callable[[int], int], depth: int = 2, fixed: dict[str, Any] | None = None, count: int | None = None
) -> RandomNight:
    """A night drawn by `choose`.

    Criteria nest `depth` deep; `fixed` sections stand in the policy as they are, and None leaves one out. There are
    `count` rows, or a few.
    """
    author, policy = _policy(_author(choose), depth, fixed or {})
    count = count or author.pick(16, 24, 8, 4, 1)
    cells = cells_of(author, policy)
    starts = author.some(IDS, least=len(IDS))
    rows = [random_row(author, policy, cells) | {"account_id": f"{starts[n % len(starts)]}{n}"} for n in range(count)]
    return RandomNight(policy, rows, author.night)


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@st.composite
def nights(draw: st.DrawFn, depth: int = 2, **fixed: Any) -> RandomNight:
    """Random nights, see `random_night`; failing ones shrink to few rows near the good line."""
    return random_night(lambda count: draw(_below(count)), depth, fixed)


def _author(choose: Callable[[int], int]) -> Author:
    night = NIGHTS[choose(len(NIGHTS))]
    core = {
        "product_code": Known("category", "red"),
        "customer_segment": Known("category", "green"),
        "closed_limit_cents": Known("integer", 1_000_000, [0, 10**13]),
        "balance_cents": Known("integer", 0),
        "closed_on": Known("date", days_ago(200, night)),
        "closure_cause": Known("category", CAUSES[0]),
        "closure_initiator": Known("category", "issuer", ["issuer", "customer"]),
        "ledger_reopens_365d_count": Known("integer", 0, [0, 3]),
        "ledger_reopens_1825d_count": Known("integer", 1, [0, 3]),
        "ledger_temporary_365d_count": Known("integer", 0, [0, 3]),
        "ledger_recoverable_nights_count": Known("integer", 2, [0, 5]),
    }
    return Author(choose, night, core)


def _attributes(author: Author) -> dict[str, dict[str, Any]]:
    """A catalogue of every type, with and without bounds, some dated; adds its names to the author's."""
    pick, night = author.pick, author.night
    catalogue: dict[str, Known] = {
        "late_days": Known("integer", 0, pick([0, 99], [-10, 99], [0, 0])),
        "streak_months": Known("integer", 12, pick([0, 600], None)),
        "income_cents": Known("integer", 500_000, pick([0, 10**10], [-(10**13), 10**13], None)),
        "used_ratio": Known("number", 0.5, pick([0.0, 1.0], [0, 1], None)),
        "growth": Known("number", 1.5, pick(None, [-1e6, 1e6])),
        "flagged": Known("boolean", False),
        "verified": Known("boolean", True),
        "cured_on": Known("date", days_ago(100, night)),
        "heard_on": Known("date", night),
        "status": Known("category", "green", ["red", "green", "blue"]),
        "job": Known("category", "full", pick(["full", "part"], ["full", "part", "none", "retired"])),
        "region": Known("category", "red"),
    }
    specs: dict[str, dict[str, Any]] = {}
    for name, known in catalogue.items():
        specs[name] = {"type": known.type, "actionable": pick(True, True, False)}
        if known.allowed is not None:
            specs[name]["allowed"] = known.allowed
        dated = pick(
            None, None, None, "seen_on", "bureau_on", "heard_on", *(["cured_on"] if name == "heard_on" else [])
        )
        if dated:
            specs[name] |= {"observed_on": dated, "max_age_days": pick(0, 30, 35)}
    author.names |= catalogue
    return specs


def _policy(author: Author, depth: int, fixed: dict[str, Any]) -> tuple[Author, PolicyDict]:
    attributes = _attributes(author)
    pick = author.pick
    criteria = {
        f"ASK_{number}": {"require": author.leaning(wanted=True, depth=depth), "reason": pick(*REASONS)}
        for number in range(pick(3, 2, 4, 1, 5, 6, 0))
    }
    scorecard = _scorecard(author, attributes)
    best, good = _best_and_good_score(author, attributes, scorecard)
    causes = {name: _cause(author, list(criteria), best, good) for name in author.some(CAUSES, least=1)}
    asked = {name for cause in causes.values() for name in cause["criteria"]}
    scoreless = any(cause["score_min"] is None for cause in causes.values())
    optional: dict[str, Any] = {
        "exclusions": [_barrier(author, "EX", number) for number in range(pick(1, 0, 2))],
        "freezes": [_freeze(author, number) for number in range(pick(1, 0, 2))],
        "appeal": _appeal(author),
        "campaigns": [
            _campaign(author, code, causes, best, good) for code in pick(CAMPAIGN_CODES[:1], CAMPAIGN_CODES, ())
        ],
        "confirm_nights": pick(1, 2, 3),
        "probation": {
            "days": pick(0, 1, 180),
            "reclose_when": author.leaning(wanted=False, depth=1),
            "reason": pick(*REASONS),
        },
    }
    limit = _limit(author, good, scoreless=scoreless)
    optional["nightly_budget"] = {
        "lines": pick(100, 4, 3, 2, 1, 0),
        "limit_cents": limit["ceiling_cents"] * pick(1, 1, 2, 100) + pick(0, 1, 10_000),
    }
    policy: PolicyDict = {
        "policy": "random",
        "version": "1",
        "in_force": {"from": author.night},
        "attributes": attributes,
        "criteria": {name: spec for name, spec in criteria.items() if name in asked},
        "causes": causes,
        "scorecard": scorecard,
        "limit": limit,
        "notices": {"reasons_max": 4, "kept_closed_every_days": 180, "quiet_days": 30, "expiring_days_before": 7},
        **{name: section for name, section in optional.items() if pick(True, True, False)},
    }
    policy = {name: section for name, section in (policy | fixed).items() if section is not None}
    return author, without_unread(policy)


def without_unread(policy: PolicyDict) -> PolicyDict:
    """`policy` with only the attributes that it reads, and the dates that date them."""
    words = set(re.findall(r"\w+", repr({name: section for name, section in policy.items() if name != "attributes"})))
    read = {name: spec for name, spec in policy["attributes"].items() if name in words}
    kept = dict(read)
    while dating := {spec.get("observed_on") for spec in kept.values()} & set(policy["attributes"]) - set(kept):
        kept |= {name: policy["attributes"][name] for name in dating}
    return policy | {"attributes": kept}


def _barrier(author: Author, kind: str, number: int) -> dict[str, Any]:
    return {"id": f"{kind}_{number}", "when": author.leaning(wanted=False, depth=1), "reason": author.pick(*REASONS)}


def _span(author: Author, *, ends: bool) -> dict[str, Any]:
    """From and until, mostly around tonight."""
    start, last = author.pick(-10, -10, -1, 0, 1), author.pick(1, 1, 30, 0)
    until = author.night + datetime.timedelta(days=last)
    first = min(author.night + datetime.timedelta(days=start), until - datetime.timedelta(days=1))
    return {"from": first, "until": until if ends or author.pick(True, False) else None}


def _freeze(author: Author, number: int) -> dict[str, Any]:
    return _barrier(author, "FZ", number) | _span(author, ends=False)


def _appeal(author: Author) -> dict[str, Any]:
    return {
        "upheld_when": author.leaning(wanted=False, depth=1),
        "pending_when": author.leaning(wanted=False, depth=1),
        "refused_when": author.question(0),
        "limit_bp": author.pick(10_000, 5_000, 0),
    }


def _cause(author: Author, criteria: list[str], best: int, good: int) -> dict[str, Any]:
    least = author.pick(good, None, good - 5, good - 40, good + 1, good + 10)
    if least is not None:
        least = min(least, best)
    return {
        "criteria": author.some(criteria),
        "score_min": least,
        "keep_open_score_min": None if least is None else least - author.pick(1, 10, 40),
    }


def _campaign(author: Author, code: str, causes: dict[str, Any], best: int, good: int) -> dict[str, Any]:
    named = author.some(causes, least=1)
    asked = list(dict.fromkeys(name for cause in named for name in causes[cause]["criteria"]))
    return {
        "code": code,
        "when": author.leaning(wanted=True, depth=1),
        **_span(author, ends=True),
        "causes": named,
        "waives": [name for name in asked if author.pick(True, True, False)],
        "score_min": author.pick(None, min(best, good - 20), min(best, good)),
        "valid_days": author.pick(1, 7, 30),
        "limit_bp": author.pick(10_000, 2_000),
        "limit_max_cents": author.pick(None, 200_000),
    }


def _limit(author: Author, good: int, *, scoreless: bool) -> dict[str, Any]:
    pick = author.pick
    scores = pick((good + 10, good, good - 30), (good - 100,), (good + 1, good - 5), (good,), ())
    return {
        "bands": [{"score_at_least": score, "limit_bp": pick(10_000, 5_000, 3_333, 100_000)} for score in scores],
        "no_score_bp": pick(10_000, 5_000) if scoreless else pick(None, 0),
        "caps": [{"id": f"CAP_{number}", "at_most": _cap(author)} for number in range(pick(0, 0, 1, 2))],
        "round_down_to_cents": pick(1, 100, 10_000, 7),
        "floor_cents": pick(0, 0, 10_000, 50_000),
        "ceiling_cents": pick(400_000, 2_000_000, 10**13),
    }


def _cap(author: Author) -> str:
    """An amount that mostly leaves the good line something."""
    text = author.amount(2)
    value = author.value(text)
    if value is None or abs(value) > 10**14 or author.pick(False, False, False, True):
        return text
    return f"{text} + {math.ceil(max(0, author.pick(60_000, 300_000) - value))}"


def _scorecard(author: Author, attributes: dict[str, Any]) -> dict[str, Any]:
    scorable = [name for name, spec in attributes.items() if spec["type"] != "date" and (name != "region")]
    names = author.some(scorable, most=4)
    cards = {name: _card(author, name, attributes[name]) for name in names}
    return {"version": "1", "base_points": author.pick(500, 0, -50), "attributes": cards}


def _card(author: Author, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    pick, known = author.pick, author.names[name]
    points = [pick(0, 10, 25, 60, -20) for _ in range(pick(1, 2, 3, 4))]
    card: dict[str, Any] = {"reason": pick(*REASONS, f"{name}_low")}
    if spec["type"] in ("integer", "number"):
        steps = author.some((-100, -1, 0, 0.5, 1, 2, 100), least=len(points))
        edges = sorted(known.good + step for step in steps)[: len(points) - 1]
        author.near[name] += [edge + step for edge in edges for step in (0, 1, -1)]
        below = [{"below": edge} for edge in edges] + [{}]
        card["bins"] = [edge | {"points": earned} for edge, earned in zip(below, points, strict=True)]
    else:
        allowed = [False, True] if spec["type"] == "boolean" else spec["allowed"]
        listed = author.some(allowed, least=1)
        card["values"] = {value: pick(0, 10, 25, 60, -20) for value in listed}
        if len(listed) < len(allowed) or pick(True, False):
            card["other"] = pick(0, 5, 70)
    best = max(place["points"] for place in oracle.reachable(card, spec))
    return card | {"missing": min(best, pick(-20, 0, 10, 25))}


def _best_and_good_score(author: Author, attributes: dict[str, Any], scorecard: dict[str, Any]) -> tuple[int, int]:
    """The best score that any line can reach, and that of the good line."""
    best = good = scorecard["base_points"]
    for name, card in scorecard["attributes"].items():
        best += max(place["points"] for place in oracle.reachable(card, attributes[name]))
        good += oracle.points_of(card, author.names[name].good)
    return best, good
