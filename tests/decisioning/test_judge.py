"""Section 5 of the policy manual, steps 1 to 9: how a closed line is judged."""

import datetime
import math
from typing import Any

import pytest

from tests.factories import (
    LEFT_OUT,
    Row,
    days_ago,
    judge,
    judge_one,
    kinds_of,
    line,
    policy_dict,
    probation_line,
    rules,
    temporary_line,
)

CURRENT = {"CURRENT": {"require": "days_past_due == 0", "reason": "payment_overdue"}}
DATED_JOB = {"employment": {"observed_on": "employment_seen_on", "max_age_days": 30}}


def settled(row: Row, **changes: Any) -> tuple[str, str, list[str]]:
    """Decision, step and reasons of one line under the small policy with `changes`."""
    found = judge_one(policy_dict(**changes), row)
    return found["decision"], found["step"], found["reasons"]


def is_judged(row: Row, **changes: Any) -> bool:
    return bool(judge(rules(policy_dict(**changes)), [row]))


# ---- Which lines are up for judgement


def test_a_closed_line_is_judged_and_an_open_one_is_not() -> None:
    assert is_judged(line())
    assert not is_judged(line(line_status="open"))


@pytest.mark.parametrize("state", ["reopened", "temporary"])
def test_a_line_closed_anew_after_the_job_opened_it_is_an_ordinary_closed_line(state: str) -> None:
    anew = {"ledger_since": days_ago(20), "closed_on": days_ago(19), "line_status": "closed"}
    row = temporary_line(**anew, ledger_state=state, closure_cause="product_operation", closure_initiator="issuer")
    found = judge_one(policy_dict(), row)
    assert (found["line_kind"], found["cause"], found["decision"]) == ("closed", "product_operation", "reopen")


def test_a_line_still_closed_after_its_reopening_waits_for_activation_and_is_not_judged() -> None:
    row = line(ledger_state="reopened", ledger_since=days_ago(20), closed_on=days_ago(20))
    assert not is_judged(row)
    assert kinds_of(rules(policy_dict()), [line(account_id="1"), row]).pending_activation.tolist() == [1]


@pytest.mark.parametrize(
    "shown", [{}, {"line_status": "closed", "closed_on": days_ago(10), "closure_cause": "product_operation"}]
)
def test_a_temporary_line_is_one_whatever_status_the_snapshot_shows(shown: Row) -> None:
    found = judge_one(policy_dict(), temporary_line(**shown))
    assert (found["line_kind"], found["cause"]) == ("temporary", "credit_assessment")


@pytest.mark.parametrize(("days", "judged"), [(180, True), (181, False)])
def test_probation_lasts_as_many_days_as_the_policy_says(days: int, judged: bool) -> None:
    assert is_judged(probation_line(ledger_since=days_ago(days))) is judged


def test_without_probation_no_open_line_is_judged() -> None:
    assert not is_judged(probation_line(), probation=LEFT_OUT)


def test_every_row_of_a_partition_may_be_not_up_for_judgement() -> None:
    assert judge(rules(policy_dict()), [line(line_status="open")]) == {}
    assert judge(rules(policy_dict()), []) == {}


# ---- Evidence


def test_everything_is_asked_of_every_line_so_that_the_evidence_is_complete() -> None:
    found = judge_one(policy_dict(), line(closure_initiator="customer", days_past_due=3, on_time_streak_months=4))
    answers = [found[f"criterion.{name}"] for name in ("CURRENT", "UTILISATION", "CLOSED_90D", "QUIET_180D")]
    assert answers == ["fail", "pass", "pass", "unknown"]
    assert (found["points.on_time_streak_months"], found["points.employment"], found["score"]) == (25, 20, 545)


def test_a_granted_line_has_no_reasons_and_only_it_has_route_limit_and_end() -> None:
    granted, kept = judge_one(policy_dict(), line()), judge_one(policy_dict(), line(days_past_due=3))
    outcome = ("decision", "step", "route", "limit_cents", "valid_until", "reasons", "recoverable")
    assert [granted[name] for name in outcome] == ["reopen", "granted", "reevaluation", 1_000_000, None, [], True]
    assert [kept[name] for name in outcome] == ["keep_closed", "cause", None, None, None, ["payment_overdue"], False]


# ---- Step 1: initiator


def test_a_line_that_its_customer_closed_stays_closed() -> None:
    assert settled(line(closure_initiator="customer")) == ("keep_closed", "initiator", ["closed_at_customer_request"])


def test_who_closed_the_line_comes_before_everything_else() -> None:
    row = line(closure_initiator="customer", deceased=True, customer_segment="student", appeal_status="upheld")
    assert settled(row)[1] == "initiator"


# ---- Step 2: exclusions

TWO_MORE = [
    {"id": "EX_LATE", "when": "days_past_due > 90", "reason": "far_overdue"},
    {"id": "EX_DECEASED", "when": "deceased", "reason": "account_holder_deceased"},
    {"id": "EX_USED", "when": "utilisation_ratio > 5", "reason": "far_overdue"},
]


def test_an_exclusion_that_passes_keeps_the_line_closed() -> None:
    assert settled(line(deceased=True)) == ("keep_closed", "exclusion", ["account_holder_deceased"])


def test_all_exclusions_that_pass_give_their_reasons_once_each_in_file_order() -> None:
    row = line(deceased=True, days_past_due=91, utilisation_ratio=6.0)
    assert settled(row, exclusions=TWO_MORE)[2] == ["far_overdue", "account_holder_deceased"]


def test_an_exclusion_that_passes_outweighs_one_that_is_unknown() -> None:
    found = judge_one(policy_dict(exclusions=TWO_MORE), line(deceased=None, days_past_due=91))
    assert (found["decision"], found["reasons"], found["unknown"]) == ("keep_closed", ["far_overdue"], [])


def test_an_unknown_exclusion_refers_the_line_with_what_is_unknown() -> None:
    found = judge_one(policy_dict(exclusions=TWO_MORE), line(deceased=None, utilisation_ratio=math.nan))
    assert (found["decision"], found["step"]) == ("refer", "exclusion")
    assert found["reasons"] == ["account_holder_deceased", "far_overdue"]
    assert found["unknown"] == ["EX_DECEASED", "EX_USED"]


def test_an_exclusion_stands_even_against_an_appeal_that_was_upheld() -> None:
    assert settled(line(deceased=True, appeal_status="upheld"))[1] == "exclusion"


# ---- Step 3: freezes


def test_an_active_freeze_keeps_its_group_closed() -> None:
    assert settled(line(customer_segment="student")) == ("keep_closed", "freeze", ["group_restricted"])


def test_a_line_that_may_belong_to_a_frozen_group_is_referred() -> None:
    found = judge_one(policy_dict(), line(customer_segment=None))
    assert (found["decision"], found["step"]) == ("refer", "freeze")
    assert (found["reasons"], found["unknown"]) == (["group_restricted"], ["FZ_STUDENTS"])


@pytest.mark.parametrize(
    ("first", "until", "frozen"), [(0, -1, True), (0, None, True), (-1, None, False), (5, 0, False)]
)
def test_a_freeze_holds_from_its_first_night_until_before_its_end(first: int, until: int | None, frozen: bool) -> None:
    freeze = policy_dict()["freezes"][0] | {
        "from": days_ago(first),
        "until": None if until is None else days_ago(until),
    }
    assert (settled(line(customer_segment="student"), freezes=[freeze])[1] == "freeze") is frozen


# ---- Step 4: appeals


def test_an_upheld_appeal_opens_a_line_that_its_cause_would_keep_closed() -> None:
    row = line(appeal_status="upheld", days_past_due=3, closure_cause="closed_for_another_cause")
    found = judge_one(policy_dict(appeal={"limit_bp": 3_000}), row)
    assert (found["decision"], found["route"], found["limit_cents"]) == ("reopen", "appeal", 300_000)
    assert found["recoverable"] is False


def test_a_pending_appeal_waits_for_a_person() -> None:
    assert settled(line(appeal_status="received", days_past_due=3)) == ("refer", "appeal", ["appeal_pending"])


@pytest.mark.parametrize("status", ["refused", None])
def test_an_appeal_refused_or_unknown_leaves_the_line_to_its_cause(status: str | None) -> None:
    assert settled(line(appeal_status=status, days_past_due=3))[1] == "cause"
    assert settled(line(appeal_status=status))[0] == "reopen"


def test_an_upheld_appeal_needs_no_confirmation() -> None:
    assert settled(line(appeal_status="upheld"), confirm_nights=3)[0] == "reopen"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (line(monthly_income_cents=None), ("refer", "limit", ["limit_cap_unknown"])),
        (line(closed_limit_cents=49_999), ("keep_closed", "limit", ["limit_below_floor"])),
    ],
)
def test_an_upheld_appeal_is_bound_by_the_caps_and_the_floor(row: Row, expected: tuple[str, str, list[str]]) -> None:
    assert settled(row | {"appeal_status": "upheld"}) == expected


# ---- Step 5: the contract of the cause


def test_a_cause_without_a_contract_is_a_persons() -> None:
    assert settled(line(closure_cause="customer_request")) == ("refer", "cause", ["cause_not_covered"])


def test_failed_criteria_give_their_reasons_in_the_order_in_which_the_cause_asks() -> None:
    row = line(days_past_due=3, utilisation_ratio=0.9, closed_on=days_ago(3))
    assert settled(row)[2] == ["payment_overdue", "utilisation_high", "closed_too_recently"]
    turned = {"credit_assessment": {"criteria": ["CLOSED_90D", "UTILISATION", "CURRENT"]}}
    assert settled(row, causes=turned)[2] == ["closed_too_recently", "utilisation_high", "payment_overdue"]


def test_a_reason_shared_by_two_failed_criteria_stands_once_where_it_first_occurs() -> None:
    shared = {"CLOSED_90D": {"reason": "payment_overdue"}}
    assert settled(line(days_past_due=3, utilisation_ratio=0.9, closed_on=days_ago(3)), criteria=shared)[2] == [
        "payment_overdue", "utilisation_high",
    ]  # fmt: skip


def test_only_the_criteria_of_the_own_cause_are_asked() -> None:
    row = line(closure_cause="product_operation", utilisation_ratio=9.0, on_time_streak_months=0)
    assert settled(row)[0] == "reopen"


def test_a_failed_criterion_outweighs_an_unknown_one() -> None:
    found = judge_one(policy_dict(), line(days_past_due=3, utilisation_ratio=None))
    assert (found["decision"], found["reasons"], found["unknown"]) == ("keep_closed", ["payment_overdue"], [])


def test_an_unknown_criterion_refers_the_line_with_its_reason_and_id() -> None:
    found = judge_one(policy_dict(), line(days_past_due=None, utilisation_ratio=math.inf))
    assert (found["decision"], found["step"]) == ("refer", "cause")
    assert found["reasons"] == ["payment_overdue", "utilisation_high"]
    assert found["unknown"] == ["CURRENT", "UTILISATION"]


def test_a_short_score_outweighs_an_unknown_criterion() -> None:
    row = line(on_time_streak_months=0, utilisation_ratio=None)
    assert settled(row) == ("keep_closed", "cause", ["payment_history_short"])


def test_the_score_meets_its_minimum_exactly() -> None:
    part_time = {"causes": {"credit_assessment": {"score_min": 570}}}
    assert settled(line(employment="part_time"), **part_time)[0] == "reopen"
    part_time["causes"]["credit_assessment"]["score_min"] = 571
    assert settled(line(employment="part_time"), **part_time) == ("keep_closed", "cause", ["employment_not_verified"])


def test_what_would_close_the_line_again_at_once_stands_as_the_last_failed_criterion() -> None:
    lenient = {"CURRENT": {"require": "days_past_due < 60"}}
    assert settled(line(days_past_due=30), criteria=lenient)[0] == "reopen"
    assert settled(line(days_past_due=31), criteria=lenient) == ("keep_closed", "cause", ["payment_far_overdue"])
    assert settled(line(days_past_due=60, closed_on=days_ago(3)))[2] == [
        "payment_overdue", "closed_too_recently", "payment_far_overdue",
    ]  # fmt: skip


def test_a_reclosing_question_that_is_unknown_keeps_nothing_closed() -> None:
    assert (
        settled(line(alert_cleared_on=None), probation={"reclose_when": "days_since(alert_cleared_on) < 3"})[0]
        == "reopen"
    )


def test_a_cause_that_asks_nothing_opens_its_lines() -> None:
    policy = policy_dict()
    policy["causes"]["product_operation"]["criteria"] = []
    assert judge_one(policy, line(closure_cause="product_operation", days_past_due=9))["decision"] == "reopen"


# ---- What grows stale


@pytest.mark.parametrize(("seen_on", "answer"), [(days_ago(30), "pass"), (days_ago(31), "unknown"), (None, "unknown")])
@pytest.mark.parametrize(
    "question",
    ['employment == "full_time"', 'employment in ["full_time"]', 'employment != "none"', 'employment not in ["none"]',
     "not missing(employment) or employment == employment"],
)  # fmt: skip
def test_a_category_older_than_its_age_is_unknown(seen_on: datetime.date | None, answer: str, question: str) -> None:
    policy = policy_dict(
        attributes=DATED_JOB, criteria={"CURRENT": {"require": f"({question}) and days_past_due == 0"}}
    )
    found = judge_one(policy, line(employment_seen_on=seen_on))
    assert found["criterion.CURRENT"] == answer
    assert found["points.employment"] == (20 if answer == "pass" else 5)


@pytest.mark.parametrize(
    ("seen_on", "decision"), [(days_ago(400), "reopen"), (days_ago(401), "refer"), (None, "refer")]
)
def test_a_number_older_than_its_age_is_unknown(seen_on: datetime.date | None, decision: str) -> None:
    assert settled(line(income_observed_on=seen_on))[0] == decision


@pytest.mark.parametrize(("seen_on", "decision"), [(days_ago(30), "reopen"), (days_ago(31), "refer"), (None, "refer")])
def test_a_boolean_older_than_its_age_is_unknown(seen_on: datetime.date | None, decision: str) -> None:
    dated = {"deceased": {"observed_on": "registry_seen_on", "max_age_days": 30}}
    assert settled(line(registry_seen_on=seen_on), attributes=dated)[0] == decision


def test_a_date_may_date_itself() -> None:
    dated = {"alert_cleared_on": {"observed_on": "alert_cleared_on", "max_age_days": 300}}
    row = line(closure_cause="abnormal_behaviour")
    assert settled(row | {"alert_cleared_on": days_ago(300)}, attributes=dated)[0] == "reopen"
    assert settled(row | {"alert_cleared_on": days_ago(301)}, attributes=dated)[0] == "refer"


def test_a_date_that_has_grown_old_itself_still_says_how_old_a_value_is() -> None:
    """What is old is not missing: the date is unknown to a question, and still dates."""
    aged = {
        "alert_cleared_on": {"observed_on": "registry_seen_on", "max_age_days": 5},
        "days_past_due": {"observed_on": "alert_cleared_on", "max_age_days": 300},
    }
    row = line(alert_cleared_on=days_ago(250), registry_seen_on=days_ago(10))
    assert settled(row, attributes=aged)[0] == "reopen"
    assert settled(row | {"alert_cleared_on": days_ago(301)}, attributes=aged)[0] == "refer"


def test_two_dates_may_date_each_other() -> None:
    aged = {
        "alert_cleared_on": {"observed_on": "registry_seen_on", "max_age_days": 300},
        "registry_seen_on": {"type": "date", "observed_on": "alert_cleared_on", "max_age_days": 300},
    }
    row = line(closure_cause="abnormal_behaviour", alert_cleared_on=days_ago(250), registry_seen_on=days_ago(301))
    question = {"CURRENT": {"require": "days_past_due == 0 and not missing(registry_seen_on)"}}
    assert settled(row, attributes=aged, criteria=question)[0] == "refer"
    assert settled(row | {"registry_seen_on": days_ago(300)}, attributes=aged, criteria=question)[0] == "reopen"


# ---- Step 7: confirmation


@pytest.mark.parametrize(("before", "decision"), [(0, "keep_closed"), (1, "keep_closed"), (2, "reopen"), (3, "reopen")])
def test_a_line_must_be_recoverable_on_enough_nights_in_a_row(before: int, decision: str) -> None:
    found = judge_one(policy_dict(confirm_nights=3), line(ledger_recoverable_nights_count=before))
    assert (found["decision"], found["recoverable"]) == (decision, True)


def test_a_line_not_yet_confirmed_says_so_and_has_no_path() -> None:
    found = judge_one(policy_dict(confirm_nights=2), line())
    assert (found["step"], found["reasons"]) == ("confirmation", ["confirming"])
    assert (found["score_gap"], found["earliest_on"]) == (None, None)


def test_confirmation_comes_before_the_limit() -> None:
    assert settled(line(closed_limit_cents=0), confirm_nights=2)[1] == "confirmation"


# ---- The order of the steps


def test_the_first_step_that_settles_a_line_gives_its_decision() -> None:
    row = line(closure_initiator="customer", deceased=True, customer_segment="student", appeal_status="received",
               closed_on=days_ago(3), closed_limit_cents=0)  # fmt: skip
    cures = [{"closure_initiator": "issuer"}, {"deceased": False}, {"customer_segment": "consumer"},
             {"appeal_status": "no_appeal"}, {"closed_on": days_ago(90)}, {"ledger_recoverable_nights_count": 1},
             {"on_time_streak_months": 6}, {"closed_limit_cents": 50_000}]  # fmt: skip
    row["on_time_streak_months"] = 3
    steps = []
    policy = policy_dict(confirm_nights=2, limit={"bands": [{"score_at_least": 550, "limit_bp": 10_000}]},
                         causes={"credit_assessment": {"score_min": 530, "keep_open_score_min": 510}})  # fmt: skip
    for cure in [{}, *cures]:
        row |= cure
        steps.append(judge_one(policy, row)["step"])
    assert steps == ["initiator", "exclusion", "freeze", "appeal", "cause", "confirmation", "band", "limit", "granted"]
