"""Section 5 of the policy manual, step 6: temporary reopenings of lines that their cause keeps closed."""

import math
from typing import Any

import pytest

from tests.factories import PolicyDict, Row, candidates_of, days_ago, judge_one, line, policy_dict, rules

RECENT = {"closed_on": days_ago(3), "campaign_code": "SPRING"}


def with_campaign(**changes: Any) -> PolicyDict:
    """The small policy, its campaign changed."""
    policy = policy_dict()
    policy["campaigns"][0] |= changes
    return policy


def route(row: Row, policy: PolicyDict | None = None) -> str | None:
    return judge_one(policy or policy_dict(), row)["route"]


def test_a_campaign_opens_for_a_time_what_only_waived_criteria_keep_closed() -> None:
    found = judge_one(policy_dict(), line(**RECENT))
    assert (found["decision"], found["step"], found["route"]) == ("reopen_temporarily", "granted", "campaign")
    assert (found["limit_cents"], found["valid_until"]) == (200_000, days_ago(-30))
    assert (found["recoverable"], found["reasons"]) == (False, [])


def test_a_line_taken_by_a_campaign_has_no_path() -> None:
    found = judge_one(policy_dict(), line(**RECENT))
    assert (found["must_wait"], found["score_gap"], found["earliest_on"]) == ([], None, None)


def test_a_campaign_opens_a_line_whose_score_is_short() -> None:
    found = judge_one(policy_dict(), line(campaign_code="SPRING", on_time_streak_months=0))
    assert (found["decision"], found["score"]) == ("reopen_temporarily", 520)


@pytest.mark.parametrize(
    "unfit",
    [
        {"campaign_code": "no_campaign"},
        {"campaign_code": None},
        {"days_past_due": 3},
        {"utilisation_ratio": math.nan, "on_time_streak_months": 0},
        {"on_time_streak_months": 0, "employment": "part_time"},
        {"ledger_campaigns_used": ["SPRING"]},
        {"ledger_campaigns_used": ["AUTUMN", "SPRING"]},
        {"monthly_income_cents": None},
        {"closed_limit_cents": 249_999},
        {"closure_cause": "abnormal_behaviour", "alert_cleared_on": days_ago(3)},
    ],
    ids=[
        "not asked",
        "unknown",
        "fails another",
        "unknown other",
        "score",
        "used",
        "used among others",
        "cap",
        "floor",
        "cause",
    ],
)
def test_a_line_that_does_not_fit_stays_as_its_cause_left_it(unfit: Row) -> None:
    found = judge_one(policy_dict(), line(**(RECENT | unfit)))
    assert (found["decision"], found["step"], found["route"]) == ("keep_closed", "cause", None)


def test_a_campaign_used_before_does_not_stand_in_the_way_of_another_of_a_longer_name() -> None:
    policy = with_campaign(code="SPRING_2")
    assert route(line(**RECENT, ledger_campaigns_used=["SPRING"]), policy) == "campaign"


def test_what_the_cause_refers_or_opens_is_no_campaigns_business() -> None:
    assert judge_one(policy_dict(), line(campaign_code="SPRING"))["route"] == "reevaluation"
    assert judge_one(policy_dict(), line(campaign_code="SPRING", utilisation_ratio=None))["decision"] == "refer"
    assert judge_one(policy_dict(confirm_nights=2), line(campaign_code="SPRING"))["step"] == "confirmation"


def test_no_campaign_waives_what_would_close_the_line_again_at_once() -> None:
    policy = with_campaign(waives=["CLOSED_90D", "CURRENT"])
    assert route(line(**RECENT, days_past_due=30), policy) == "campaign"
    assert route(line(**RECENT, days_past_due=31), policy) is None


def test_a_waived_criterion_may_be_unknown() -> None:
    policy = with_campaign(waives=["CLOSED_90D", "UTILISATION"])
    assert route(line(**RECENT, utilisation_ratio=None), policy) == "campaign"


def test_a_campaign_without_a_score_takes_any_score() -> None:
    row = line(**RECENT, on_time_streak_months=None, employment=None)
    assert route(row) is None
    assert route(row, with_campaign(score_min=None)) == "campaign"


@pytest.mark.parametrize(("first", "until", "takes"), [(0, -1, True), (-1, -2, False), (5, 0, False)])
def test_a_campaign_runs_from_its_first_night_until_before_its_end(first: int, until: int, takes: bool) -> None:
    policy = with_campaign(**{"from": days_ago(first), "until": days_ago(until)})
    assert (route(line(**RECENT), policy) == "campaign") is takes


def test_the_first_campaign_in_file_order_that_takes_a_line_serves_it() -> None:
    policy = policy_dict()
    second = policy["campaigns"][0] | {"code": "SECOND", "valid_days": 5}
    policy["campaigns"].append(second)
    assert judge_one(policy, line(**RECENT))["valid_until"] == days_ago(-30)
    assert judge_one(policy, line(**RECENT, ledger_campaigns_used=["SPRING"]))["valid_until"] == days_ago(-5)
    assert (
        candidates_of(rules(policy), [line(**RECENT, ledger_campaigns_used=["SPRING"])])["000123"]["campaign"]
        == "SECOND"
    )


def test_a_campaign_whose_limit_is_too_small_leaves_the_line_to_the_next() -> None:
    policy = with_campaign(limit_bp=1)
    policy["campaigns"].append(policy["campaigns"][0] | {"code": "SECOND", "limit_bp": 2_000})
    assert candidates_of(rules(policy), [line(**RECENT)])["000123"]["campaign"] == "SECOND"


@pytest.mark.parametrize(
    ("changes", "limit_cents"),
    [
        ({"limit_max_cents": None, "limit_bp": 2_500}, 250_000),
        ({"limit_max_cents": 195_000}, 190_000),
        ({"limit_max_cents": 0}, None),
    ],
)
def test_the_limit_is_a_share_of_the_closed_limit_up_to_the_campaigns_most(
    changes: Row, limit_cents: int | None
) -> None:
    assert judge_one(with_campaign(**changes), line(**RECENT))["limit_cents"] == limit_cents


def test_the_limit_of_a_campaign_is_bound_by_the_caps() -> None:
    assert judge_one(policy_dict(), line(**RECENT, monthly_income_cents=20_000))["limit_cents"] == 60_000


def test_a_campaign_for_several_causes_waives_what_each_of_them_asks() -> None:
    policy = with_campaign(causes=["credit_assessment", "abnormal_behaviour"], waives=["CLOSED_90D", "QUIET_180D"])
    alerted = line(closure_cause="abnormal_behaviour", alert_cleared_on=days_ago(3), campaign_code="SPRING")
    assert route(alerted, policy) == "campaign"
    assert route(line(**RECENT), policy) == "campaign"
