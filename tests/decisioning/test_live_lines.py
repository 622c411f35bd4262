"""Section 5 of the policy manual: lines that a campaign opened for a time, and reopened lines on probation."""

import datetime
from typing import Any

import pytest

from tests.factories import (
    LEFT_OUT,
    Row,
    candidates_of,
    days_ago,
    judge_one,
    policy_dict,
    probation_line,
    rules,
    temporary_line,
)

OVER = {"ledger_valid_until": days_ago(0)}


def settled(row: Row, **changes: Any) -> tuple[str, str, list[str]]:
    """Decision, step and reasons of one line under the small policy with `changes`."""
    found = judge_one(policy_dict(**changes), row)
    return found["decision"], found["step"], found["reasons"]


# ---- Temporary lines: those of the factory are held by CLOSED_90D alone


def test_a_temporary_line_that_its_cause_keeps_closed_stays_until_its_end() -> None:
    assert settled(temporary_line()) == ("keep_temporary", "temporary", [])


def test_a_temporary_line_that_became_recoverable_is_made_permanent() -> None:
    found = judge_one(policy_dict(), temporary_line(ledger_closed_on=days_ago(90)))
    assert (found["decision"], found["step"], found["route"]) == ("reopen", "granted", "reevaluation")
    assert (found["limit_cents"], found["valid_until"], found["recoverable"]) == (1_000_000, None, True)


def test_it_is_judged_with_the_ledgers_cause_closing_date_and_limit() -> None:
    shown = {"closure_cause": "product_operation", "closed_on": days_ago(300), "closed_limit_cents": 90_000,
             "closure_initiator": "customer", "line_status": "closed"}  # fmt: skip
    assert settled(temporary_line(**shown))[0] == "keep_temporary"
    found = judge_one(policy_dict(), temporary_line(**shown, ledger_closed_on=days_ago(300)))
    assert (found["cause"], found["limit_cents"]) == ("credit_assessment", 1_000_000)


def test_its_expressions_see_the_ledgers_closing() -> None:
    found = judge_one(policy_dict(), temporary_line(line_status="closed", closed_on=days_ago(300)))
    assert found["criterion.CLOSED_90D"] == "fail"


@pytest.mark.parametrize(
    ("until", "decision"), [(days_ago(-1), "keep_temporary"), (days_ago(0), "expire"), (days_ago(1), "expire")]
)
def test_it_ends_on_the_first_day_without_access(until: datetime.date, decision: str) -> None:
    assert settled(temporary_line(ledger_valid_until=until))[0] == decision


def test_an_end_has_its_own_step_and_no_reasons() -> None:
    assert settled(temporary_line(**OVER, deceased=True, days_past_due=90)) == ("expire", "expiry", [])


def test_a_line_that_may_become_permanent_does_so_on_the_day_of_its_end() -> None:
    assert settled(temporary_line(**OVER, ledger_closed_on=days_ago(90)))[0] == "reopen"


def test_an_upheld_appeal_makes_it_permanent() -> None:
    found = judge_one(policy_dict(), temporary_line(appeal_status="upheld", days_past_due=40))
    assert (found["decision"], found["route"], found["recoverable"]) == ("reopen", "appeal", False)


def test_an_exclusion_closes_it_again() -> None:
    assert settled(temporary_line(deceased=True)) == ("reclose", "exclusion", ["account_holder_deceased"])


def test_a_freeze_closes_it_again() -> None:
    assert settled(temporary_line(customer_segment="student")) == ("reclose", "freeze", ["group_restricted"])


def test_lateness_closes_it_again() -> None:
    assert settled(temporary_line(days_past_due=31)) == ("reclose", "probation", ["payment_far_overdue"])
    assert settled(temporary_line(days_past_due=31), probation=LEFT_OUT)[0] == "keep_temporary"


def test_an_unknown_exclusion_leaves_it_as_it_is_and_lists_what_is_unknown() -> None:
    found = judge_one(policy_dict(), temporary_line(deceased=None))
    assert (found["decision"], found["unknown"], found["reasons"]) == ("keep_temporary", ["EX_DECEASED"], [])


@pytest.mark.parametrize(
    "unknown", [{"customer_segment": None}, {"days_past_due": None}, {"monthly_income_cents": None}]
)
def test_whatever_else_is_unknown_leaves_it_as_it_is_and_is_not_listed(unknown: Row) -> None:
    found = judge_one(policy_dict(), temporary_line(**unknown, ledger_closed_on=days_ago(90)))
    assert (found["decision"], found["unknown"]) == ("keep_temporary", [])


def test_no_campaign_serves_a_line_that_is_open_already() -> None:
    row = temporary_line(campaign_code="SPRING", ledger_campaigns_used=[])
    assert settled(row)[0] == "keep_temporary"
    assert settled(row | OVER)[0] == "expire"


def test_it_must_be_confirmed_like_any_other_before_it_is_permanent() -> None:
    found = judge_one(policy_dict(confirm_nights=2), temporary_line(ledger_closed_on=days_ago(90)))
    assert (found["decision"], found["step"], found["recoverable"]) == ("keep_temporary", "temporary", True)


def test_a_limit_below_the_floor_leaves_it_as_it_is() -> None:
    row = temporary_line(ledger_closed_on=days_ago(90), ledger_closed_limit_cents=49_999)
    assert settled(row) == ("keep_temporary", "temporary", [])


def test_a_cause_without_a_contract_leaves_it_as_it_is() -> None:
    assert settled(temporary_line(ledger_cause="closed_for_another_cause"))[0] == "keep_temporary"


def test_it_has_no_path() -> None:
    found = judge_one(policy_dict(), temporary_line(on_time_streak_months=0))
    assert [found[name] for name in ("must_wait", "must_fix", "must_show", "score_steps")] == [[], [], [], []]
    assert (found["score_gap"], found["earliest_on"]) == (None, None)


# ---- Lines on probation


def test_a_line_that_does_well_stays_open() -> None:
    found = judge_one(policy_dict(), probation_line())
    assert (found["decision"], found["step"], found["reasons"]) == ("keep_open", "probation", [])
    assert (found["recoverable"], found["route"], found["limit_cents"]) == (False, None, None)


def test_an_exclusion_lateness_and_a_low_score_each_close_it_again() -> None:
    assert settled(probation_line(deceased=True)) == ("reclose", "probation", ["account_holder_deceased"])
    assert settled(probation_line(days_past_due=31)) == ("reclose", "probation", ["payment_far_overdue"])
    assert settled(probation_line(on_time_streak_months=0, employment="none")) == (
        "reclose", "probation", ["payment_history_short", "employment_not_verified"],
    )  # fmt: skip


def test_its_reasons_stand_in_this_order() -> None:
    row = probation_line(deceased=True, days_past_due=31, on_time_streak_months=0, employment="none")
    assert settled(row)[2] == [
        "account_holder_deceased", "payment_far_overdue", "payment_history_short", "employment_not_verified",
    ]  # fmt: skip


def test_a_score_at_the_lower_minimum_keeps_it_open() -> None:
    row = probation_line(on_time_streak_months=0)
    assert settled(row)[0] == "keep_open"
    assert settled(row, causes={"credit_assessment": {"keep_open_score_min": 521}})[0] == "reclose"


@pytest.mark.parametrize(
    "spared",
    [{"ledger_route": "appeal"}, {"ledger_cause": "product_operation"}, {"ledger_cause": "closed_for_another_cause"}],
)
def test_a_low_score_closes_neither_what_an_appeal_opened_nor_what_needs_no_score(spared: Row) -> None:
    assert settled(probation_line(on_time_streak_months=0, employment="none", **spared))[0] == "keep_open"


def test_the_ledgers_cause_is_its_cause_and_its_own_row_is_what_is_asked() -> None:
    found = judge_one(policy_dict(), probation_line(closed_on=days_ago(3), ledger_cause="abnormal_behaviour"))
    assert found["cause"] == "abnormal_behaviour"
    assert found["criterion.CLOSED_90D"] == "fail"


def test_freezes_and_criteria_do_not_concern_it() -> None:
    assert (
        settled(probation_line(customer_segment="student", utilisation_ratio=9.0, days_past_due=30))[0] == "keep_open"
    )


def test_unknown_exclusions_are_listed_while_it_stays_open() -> None:
    found = judge_one(policy_dict(), probation_line(deceased=None, days_past_due=None))
    assert (found["decision"], found["unknown"]) == ("keep_open", ["EX_DECEASED"])


def test_a_line_closed_again_lists_nothing_unknown() -> None:
    assert judge_one(policy_dict(), probation_line(deceased=None, days_past_due=31))["unknown"] == []


# ---- What the plan is told


def test_the_plan_learns_which_closing_is_reversed() -> None:
    shown = temporary_line(line_status="closed", closed_on=days_ago(10), closed_limit_cents=7)
    told = candidates_of(rules(policy_dict()), [shown | OVER])["000123"]
    assert (told["decision"], told["closed_on"], told["closed_limit_cents"]) == ("expire", days_ago(60), 1_000_000)


def test_the_plan_learns_of_changes_only() -> None:
    assert candidates_of(rules(policy_dict()), [temporary_line(), probation_line(account_id="2")]) == {}
