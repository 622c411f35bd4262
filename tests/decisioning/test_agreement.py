"""What must hold for every policy and every line, tried on random ones.

`REINSTATE_PROPERTY_EXAMPLES` sets how many nights the first test draws, the others draw a share of them; by default
the same few hundred every time.
"""

import copy
import datetime
import itertools
import math
import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.decisioning import campaign
from tests.decisioning.agreement import REOPENED, differences
from tests.decisioning.strategies import RandomNight, nights, without_unread
from tests.factories import Evidence, PolicyDict, Row, judge, judge_partitions, rules

EXAMPLES = int(os.environ.get("REINSTATE_PROPERTY_EXAMPLES", "120"))
CLOSED = ("keep_closed", "expire", "reclose")
BARRIERS = ("exclusions", "freezes", "appeal", "campaigns", "nightly_budget")


def examples(share: float = 1.0) -> settings:
    return settings(
        max_examples=max(1, round(EXAMPLES * share)), derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@examples()
@given(night=nights())
def test_core_and_oracle_agree_on_every_field_of_every_line(night: RandomNight) -> None:
    assert not differences(night)


@examples(0.25)
@given(night=nights(depth=4, **dict.fromkeys(BARRIERS)))
def test_core_and_oracle_agree_on_deeply_nested_questions(night: RandomNight) -> None:
    assert not differences(night)


def test_the_random_nights_reopen_lines_and_reach_every_step() -> None:
    figures = campaign.run(examples=80, seed=7)
    assert figures.differences == []
    assert figures.reopened >= 0.05 * figures.lines
    assert {decision for decision, _ in figures.outcomes} == {
        "reopen", "reopen_temporarily", "keep_closed", "refer", "expire", "reclose", "keep_temporary", "keep_open",
    }  # fmt: skip
    assert {step for _, step in figures.outcomes} == {
        "initiator", "exclusion", "freeze", "appeal", "cause", "confirmation", "band", "limit", "budget", "granted",
        "expiry", "probation", "temporary",
    }  # fmt: skip


@examples(0.2)
@given(night=nights(), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(night: RandomNight, order: random.Random) -> None:
    compiled, shuffled = rules(night.policy), list(night.rows)
    order.shuffle(shuffled)
    assert judge(compiled, shuffled, night.date) == judge(compiled, night.rows, night.date)


@examples(0.2)
@given(night=nights(), cuts=st.lists(st.integers(0, 24), max_size=4))
def test_one_partition_or_many_does_not_matter(night: RandomNight, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(night.rows)]
    parts = [night.rows[start:end] for start, end in itertools.pairwise(edges)]
    compiled = rules(night.policy)
    assert judge_partitions(compiled, parts, night.date) == judge(compiled, night.rows, night.date)


@examples(0.2)
@given(night=nights(confirm_nights=1, nightly_budget=None, campaigns=None), fewer=st.integers(1, 50))
def test_a_lower_score_keeps_no_more_lines_closed(night: RandomNight, fewer: int) -> None:
    laxer = copy.deepcopy(night.policy)
    for cause in (cause for cause in laxer["causes"].values() if cause["score_min"] is not None):
        cause["score_min"] -= fewer
        cause["keep_open_score_min"] -= fewer
    assert_no_more_closed(night, night.policy, laxer)


@examples(0.2)
@given(
    night=nights(confirm_nights=1, nightly_budget=None, campaigns=None),
    most=st.integers(-1, 2),
    more=st.integers(1, 100),
)
def test_a_wider_bound_of_a_criterion_keeps_no_more_lines_closed(night: RandomNight, most: int, more: int) -> None:
    strict = asking(night.policy, f"late_days <= {most}", "late_days", type="integer")
    laxer = asking(night.policy, f"late_days <= {most + more}", "late_days", type="integer")
    assert_no_more_closed(night, strict, laxer)


@pytest.mark.parametrize(
    ("name", "question", "kind", "good"),
    [
        ("late_days", "late_days >= -1000", "integer", 0),
        ("growth", "growth > -1e308 and growth < 1e308", "number", 1.5),
        ("flagged", "flagged or not flagged", "boolean", False),
        ("cured_on", "days_since(cured_on) > -100000", "date", datetime.date(2026, 1, 1)),
        ("status", 'status in ["red", "green", "blue"]', "category", "green"),
        ("status", 'status != "elsewhere"', "category", "green"),
    ],
)
@examples(0.04)
@given(night=nights(campaigns=None, appeal=None))
def test_what_is_unknown_never_answers_a_criterion(
    night: RandomNight, name: str, question: str, kind: str, good: Any
) -> None:
    dated = {"type": kind, "observed_on": "last_seen_on", "max_age_days": 30}
    compiled = rules(asking(night.policy, question, name, **dated))
    seen, stale = night.date, night.date - datetime.timedelta(days=31)
    unknown = [(None, seen), (good, stale), (good, None), *((value, seen) for value in no_numbers(kind))]
    for value, seen_on in unknown:
        rows = [row | {name: value, "last_seen_on": seen_on} for row in night.rows]
        decisions = {found["decision"] for found in judge(compiled, rows, night.date).values()}
        assert decisions.isdisjoint(REOPENED), (value, seen_on)


@examples(0.25)
@given(night=nights(campaigns=None, nightly_budget=None))
def test_a_line_whose_path_is_followed_is_recoverable_from_earliest_on_and_no_day_sooner(night: RandomNight) -> None:
    found = judge(rules(night.policy), night.rows, night.date)
    paths = [row for row in night.rows if (found.get(row["account_id"]) or {}).get("earliest_on")]
    for row in paths[:3]:
        path = found[row["account_id"]]
        days = (path["earliest_on"] - night.date).days
        assert recoverable_after(night, row, path, days)
        assert days == 0 or not recoverable_after(night, row, path, days - 1)


@examples(0.2)
@given(night=nights(campaigns=None, nightly_budget=None))
def test_a_criterion_to_wait_for_passes_on_its_day_and_not_on_the_day_before(night: RandomNight) -> None:
    found = judge(rules(night.policy), night.rows, night.date)
    waits = [(row, wait) for row in night.rows for wait in found.get(row["account_id"], {}).get("must_wait", ())]
    asked = [(row, wait) for row, wait in waits if wait["criterion"] != "PROBATION"]
    for row, wait in asked[:3]:
        days = (wait["passes_on"] - night.date).days
        answers = [
            judged_later(night.policy, row, night.date, on)[f"criterion.{wait['criterion']}"] for on in (days, days - 1)
        ]
        assert days >= 1
        assert answers[0] == "pass"
        assert answers[1] != "pass"


def no_numbers(kind: str) -> tuple[float, ...]:
    return (math.nan, math.inf, -math.inf) if kind == "number" else ()


def asking(policy: PolicyDict, question: str, name: str, **spec: Any) -> PolicyDict:
    """`policy` with one more criterion in every cause, over an attribute that is declared anew."""
    out = copy.deepcopy(policy)
    out["attributes"] = {**out["attributes"], name: spec}
    if spec["type"] == "category":
        out["attributes"][name] |= {"allowed": ["red", "green", "blue", "elsewhere"]}
    out["scorecard"]["attributes"].pop(name, None)
    for cause in out["causes"].values():
        cause["criteria"] = [*cause["criteria"], "ONE_MORE"]
        cause.update({"score_min": None, "keep_open_score_min": None} if "observed_on" in spec else {})
    out["limit"]["no_score_bp"] = out["limit"]["no_score_bp"] or 10_000
    out["criteria"]["ONE_MORE"] = {"require": question, "reason": "one_more"}
    return without_unread(out)


def assert_no_more_closed(night: RandomNight, strict: PolicyDict, laxer: PolicyDict) -> None:
    before, after = judge(rules(strict), night.rows, night.date), judge(rules(laxer), night.rows, night.date)
    assert named(after, CLOSED) <= named(before, CLOSED)
    assert named(before, REOPENED) <= named(after, REOPENED)


def named(found: Evidence, decisions: tuple[str, ...]) -> set[str]:
    return {account for account, result in found.items() if result["decision"] in decisions}


def recoverable_after(night: RandomNight, row: Row, path: dict[str, Any], days: int) -> bool:
    """Whether the line is recoverable `days` on if its path is followed: criteria put right, points gained."""
    policy = copy.deepcopy(night.policy)
    for name in {*path["must_fix"], *path["must_show"]} - {"PROBATION"}:
        policy["criteria"][name]["require"] = f"true or ({policy['criteria'][name]['require']})"
    if "PROBATION" in path["must_fix"]:
        policy["probation"]["reclose_when"] = f"false and ({policy['probation']['reclose_when']})"
    for barrier in (*policy.get("exclusions", ()), *policy.get("freezes", ())):
        barrier["when"] = f"false and ({barrier['when']})"
    for question in ("upheld_when", "pending_when") if "appeal" in policy else ():
        policy["appeal"][question] = f"false and ({policy['appeal'][question]})"
    policy["scorecard"]["base_points"] += sum(step["gain"] for step in path["score_steps"])
    return judged_later(policy, row, night.date, days)["recoverable"]


def judged_later(policy: PolicyDict, row: Row, date: datetime.date, days: int) -> dict[str, Any]:
    """The line judged `days` on, when nothing but the calendar has moved: nothing more has grown stale."""
    later = copy.deepcopy(policy)
    for spec in (spec for spec in later["attributes"].values() if "observed_on" in spec):
        spec["max_age_days"] += days
    return judge(rules(later), [row], date + datetime.timedelta(days=days))[row["account_id"]]
