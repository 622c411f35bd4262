"""Section 6 of the policy manual: what a line that stays closed can wait for, put right and show, and from when."""

import datetime
from typing import Any

import pytest

from tests.factories import LEFT_OUT, NIGHT, Row, days_ago, judge_one, line, policy_dict

HORIZON_DAYS = 730
NO_PATH = {"must_wait": [], "must_fix": [], "must_show": [], "score_gap": None, "score_steps": [], "earliest_on": None}


def path(row: Row, **changes: Any) -> dict[str, Any]:
    """The path of one line under the small policy with `changes`."""
    found = judge_one(policy_dict(**changes), row)
    return {name: found[name] for name in NO_PATH}


def in_days(days: int) -> datetime.date:
    return NIGHT + datetime.timedelta(days=days)


def asking(question: str, **more: Any) -> dict[str, Any]:
    """Changes to the small policy: one criterion of `credit_assessment` asks `question`."""
    return {"criteria": {"CLOSED_90D": {"require": question}}} | more


# ---- Which lines have a path


@pytest.mark.parametrize(
    "row",
    [
        line(),
        line(closure_initiator="customer", days_past_due=3),
        line(deceased=True, days_past_due=3),
        line(customer_segment="student", days_past_due=3),
        line(appeal_status="received", days_past_due=3),
        line(closure_cause="closed_for_another_cause"),
        line(utilisation_ratio=None),
        line(closed_limit_cents=0),
    ],
    ids=["reopened", "initiator", "exclusion", "freeze", "appeal", "no contract", "referred", "limit"],
)
def test_only_a_line_that_its_cause_keeps_closed_has_a_path(row: Row) -> None:
    assert path(row) == NO_PATH


# ---- What to wait for, to put right and to show


def test_what_time_alone_cures_is_to_wait_for_with_the_day_on_which_it_passes() -> None:
    found = path(line(closed_on=days_ago(60)))
    assert found["must_wait"] == [{"criterion": "CLOSED_90D", "passes_on": in_days(30)}]
    assert (found["must_fix"], found["must_show"], found["earliest_on"]) == ([], [], in_days(30))


def test_what_time_does_not_cure_is_to_put_right() -> None:
    found = path(line(days_past_due=3, utilisation_ratio=0.9))
    assert (found["must_wait"], found["must_fix"]) == ([], ["CURRENT", "UTILISATION"])
    assert found["earliest_on"] == NIGHT


def test_what_is_unknown_is_to_show() -> None:
    found = path(line(days_past_due=3, utilisation_ratio=None))
    assert (found["must_fix"], found["must_show"], found["earliest_on"]) == (["CURRENT"], ["UTILISATION"], NIGHT)


def test_each_list_stands_in_the_order_of_the_cause() -> None:
    order = {"credit_assessment": {"criteria": ["CLOSED_90D", "UTILISATION", "QUIET_180D", "CURRENT"]}}
    found = path(
        line(days_past_due=3, utilisation_ratio=0.9, closed_on=days_ago(3), alert_cleared_on=days_ago(9)), causes=order
    )
    assert found["must_fix"] == ["UTILISATION", "CURRENT"]
    assert [wait["criterion"] for wait in found["must_wait"]] == ["CLOSED_90D", "QUIET_180D"]


def test_the_earliest_day_is_the_last_of_those_to_wait_for() -> None:
    order = {"credit_assessment": {"criteria": ["CLOSED_90D", "QUIET_180D"]}}
    rest = {"criteria": {"UTILISATION": LEFT_OUT}, "attributes": {"utilisation_ratio": LEFT_OUT}}
    assert path(line(closed_on=days_ago(3), alert_cleared_on=days_ago(9)), causes=order, **rest)[
        "earliest_on"
    ] == in_days(171)


def test_what_would_close_the_line_again_is_to_put_right_last() -> None:
    assert path(line(days_past_due=31))["must_fix"] == ["CURRENT", "PROBATION"]


def test_what_would_close_the_line_again_may_pass_by_time_alone() -> None:
    reclose = {"reclose_when": "days_since(alert_cleared_on) < 10"}
    found = path(line(alert_cleared_on=days_ago(4)), probation=reclose)
    assert found["must_wait"] == [{"criterion": "PROBATION", "passes_on": in_days(6)}]
    assert found["earliest_on"] == in_days(6)


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("days_since(closed_on) >= 90", 80),
        ("days_since(closed_on) > 90", 81),
        ("90 <= days_since(closed_on)", 80),
        ("days_since(closed_on) == 90", 80),
        ("not (days_since(closed_on) < 90)", 80),
        ("days_since(closed_on) != 10", 1),
        ("days_since(closed_on) != 10 and days_since(closed_on) != 11", 2),
        ("days_since(closed_on) >= on_time_streak_months", 2),
        ("on_time_streak_months < days_since(closed_on)", 3),
        ("(days_since(closed_on) >= 90) == true", 80),
        ("missing(alert_cleared_on) and days_since(closed_on) >= 90", 80),
        ("days_past_due > 3 or days_since(closed_on) >= 90 and days_since(closed_on) <= 95", 80),
        ("days_since(closed_on) >= 740", HORIZON_DAYS),
    ],
)
def test_the_first_day_is_found_however_days_are_asked_for(question: str, days: int) -> None:
    found = path(line(closed_on=days_ago(10)), **asking(question))
    assert found["must_wait"] == [{"criterion": "CLOSED_90D", "passes_on": in_days(days)}]
    assert found["earliest_on"] == in_days(days)


@pytest.mark.parametrize(
    "question",
    [
        "days_since(closed_on) >= 741",
        "days_since(closed_on) < 10",
        "days_since(closed_on) >= 90 and days_past_due > 3",
        'closed_on < "2026-01-01"',
        "days_since(closed_on) > 1000000000000000",
    ],
)
def test_what_no_day_within_two_years_cures_is_to_put_right(question: str) -> None:
    found = path(line(closed_on=days_ago(10)), **asking(question))
    assert (found["must_wait"], found["must_fix"], found["earliest_on"]) == ([], ["CLOSED_90D"], NIGHT)


def test_values_and_what_is_unknown_stay_while_the_calendar_moves() -> None:
    row = line(closed_on=days_ago(10), income_observed_on=days_ago(400))
    found = path(row, **asking("days_since(closed_on) >= 90 and monthly_income_cents > 0"))
    assert found["must_wait"] == [{"criterion": "CLOSED_90D", "passes_on": in_days(80)}]


def test_a_question_that_becomes_unknown_is_not_cured() -> None:
    row = line(closed_on=days_ago(10), utilisation_ratio=0.25, alert_cleared_on=None)
    found = path(row, **asking("days_since(closed_on) >= 90 and days_since(alert_cleared_on) >= 0"))
    assert found["must_fix"] == ["CLOSED_90D"]


# ---- From when


def test_a_criterion_that_passes_only_for_a_while_counts_too() -> None:
    closing = {
        "UTILISATION": {"require": "days_since(alert_cleared_on) <= 20"},
        "CLOSED_90D": {"require": "days_since(closed_on) >= 90"},
    }
    reads = {"utilisation_ratio": LEFT_OUT}
    in_time = path(line(closed_on=days_ago(80), alert_cleared_on=days_ago(5)), criteria=closing, attributes=reads)
    assert in_time["earliest_on"] == in_days(10)
    too_late = path(line(closed_on=days_ago(80), alert_cleared_on=days_ago(15)), criteria=closing, attributes=reads)
    assert (too_late["must_fix"], too_late["earliest_on"]) == ([], None)


def test_a_line_that_would_be_closed_again_meanwhile_waits_for_a_better_day() -> None:
    window = {"reclose_when": "days_since(alert_cleared_on) >= 10 and days_since(alert_cleared_on) <= 20"}
    found = path(line(closed_on=days_ago(80), alert_cleared_on=NIGHT), probation=window)
    assert found["must_wait"] == [{"criterion": "CLOSED_90D", "passes_on": in_days(10)}]
    assert found["earliest_on"] == in_days(21)


def test_two_windows_that_never_meet_leave_no_day() -> None:
    windows = {
        "UTILISATION": {"require": "days_since(closed_on) >= 20 and days_since(closed_on) <= 30"},
        "CLOSED_90D": {"require": "days_since(closed_on) >= 90"},
    }
    found = path(line(closed_on=days_ago(10)), criteria=windows, attributes={"utilisation_ratio": LEFT_OUT})
    assert [wait["passes_on"] for wait in found["must_wait"]] == [in_days(10), in_days(80)]
    assert found["earliest_on"] is None


def test_what_is_to_be_shown_does_not_put_the_day_off() -> None:
    found = path(line(closed_on=days_ago(80), utilisation_ratio=None))
    assert (found["must_show"], found["earliest_on"]) == (["UTILISATION"], in_days(10))


# ---- The score


def test_a_score_that_is_enough_or_not_asked_for_has_no_gap() -> None:
    for found in (path(line(days_past_due=3)), path(line(days_past_due=3, closure_cause="product_operation"))):
        assert (found["score_gap"], found["score_steps"]) == (0, [])


def test_the_largest_gain_comes_first_and_no_more_than_needed() -> None:
    found = path(line(on_time_streak_months=0, employment="none"))
    assert found["score_gap"] == 45
    assert found["score_steps"] == [
        {"attribute": "on_time_streak_months", "gain": 60, "at_least": 6, "below": None, "values": None}
    ]
    assert found["earliest_on"] == NIGHT


def test_all_that_is_needed_is_listed() -> None:
    found = path(line(on_time_streak_months=0, employment="none"), causes={"credit_assessment": {"score_min": 580}})
    assert found["score_gap"] == 75
    assert [(step["attribute"], step["gain"]) for step in found["score_steps"]] == [
        ("on_time_streak_months", 60),
        ("employment", 15),
    ]
    assert found["score_steps"][1]["values"] == ["full_time"]


def test_equal_gains_stand_in_the_scorecards_order() -> None:
    card = {"employment": {"values": {"full_time": 60, "part_time": 0, "none": 0}, "other": LEFT_OUT, "missing": 0}}
    found = path(line(on_time_streak_months=0, employment="none"), scorecard={"attributes": card})
    assert [step["attribute"] for step in found["score_steps"]] == ["on_time_streak_months"]


def test_what_the_customer_cannot_act_on_is_no_step() -> None:
    found = path(line(on_time_streak_months=0), attributes={"on_time_streak_months": {"actionable": False}})
    assert (found["score_gap"], found["score_steps"], found["earliest_on"]) == (30, None, None)


def test_a_gap_that_all_steps_together_do_not_close_has_none() -> None:
    changes = {"causes": {"credit_assessment": {"score_min": 580}}, "attributes": {"employment": {"actionable": False}}}
    found = path(line(on_time_streak_months=0, employment="none"), **changes)
    assert (found["score_gap"], found["score_steps"], found["earliest_on"]) == (75, None, None)


def test_a_gap_closed_exactly_is_closed() -> None:
    found = path(
        line(on_time_streak_months=0, employment="part_time"), causes={"credit_assessment": {"score_min": 570}}
    )
    assert (found["score_gap"], len(found["score_steps"])) == (60, 1)


def test_an_unknown_attribute_gains_from_its_missing_points() -> None:
    found = path(line(on_time_streak_months=None), scorecard={"attributes": {"on_time_streak_months": {"missing": 10}}})
    assert (found["score_gap"], found["score_steps"][0]["gain"]) == (20, 50)


@pytest.mark.parametrize(
    ("bins", "allowed", "months", "at_least", "below"),
    [
        ([{"below": 3, "points": 60}, {"below": 6, "points": 0}, {"points": 60}], [0, 600], 4, None, 3),
        ([{"below": 3, "points": 0}, {"below": 6, "points": 60}, {"points": 60}], [0, 600], 0, 3, 6),
        ([{"below": 3, "points": 0}, {"below": 6, "points": 60}, {"points": 70}], [0, 5], 0, 3, 6),
        ([{"below": 0, "points": 90}, {"below": 3, "points": 0}, {"points": 60}], [0, 600], 0, 3, None),
        ([{"below": 2.2, "points": 0}, {"below": 2.8, "points": 90}, {"points": 60}], [0, 600], 2, 2.8, None),
        ([{"below": 3, "points": 0}, {"points": 60}], [0, 3], 0, 3, None),
    ],
    ids=["first of two", "bounded", "beyond allowed", "below allowed", "no whole number inside", "the edge alone"],
)
def test_a_step_leads_to_the_first_bin_with_the_best_points_that_a_value_can_reach(
    bins: list[dict[str, Any]], allowed: list[int], months: int, at_least: float | None, below: float | None
) -> None:
    changes: dict[str, Any] = {
        "scorecard": {"attributes": {"on_time_streak_months": {"bins": bins}}},
        "attributes": {"on_time_streak_months": {"allowed": allowed}},
    }
    step = path(line(on_time_streak_months=months, employment="none"), **changes)["score_steps"][0]
    assert (step["gain"], step["at_least"], step["below"]) == (60, at_least, below)


def test_a_step_of_a_category_names_all_best_values_sorted() -> None:
    changes: dict[str, Any] = {
        "scorecard": {"attributes": {"employment": {"values": {"part_time": 60, "none": 0, "full_time": 60}}}},
        "attributes": {"on_time_streak_months": {"actionable": False}},
    }
    found = path(line(on_time_streak_months=0, employment="none"), **changes)
    assert found["score_steps"] == [
        {"attribute": "employment", "gain": 60, "at_least": None, "below": None, "values": ["full_time", "part_time"]}
    ]


def test_a_value_that_other_makes_best_is_named_too() -> None:
    changes: dict[str, Any] = {
        "scorecard": {"attributes": {"employment": {"values": {"part_time": 0, "full_time": LEFT_OUT}, "other": 60}}},
        "attributes": {"on_time_streak_months": {"actionable": False}},
    }
    found = path(line(on_time_streak_months=0, employment="part_time"), **changes)
    assert found["score_steps"][0]["values"] == ["full_time", "none"]


def test_a_step_of_a_boolean_names_its_truth_in_the_words_of_the_language() -> None:
    card = {"deceased": {"values": {True: 0, False: 60}, "missing": 0, "reason": "x"}}
    changes: dict[str, Any] = {
        "scorecard": {"attributes": card},
        "attributes": {"deceased": {"actionable": True}, "on_time_streak_months": {"actionable": False}},
        "exclusions": [],
        "causes": {"credit_assessment": {"score_min": 580}},
    }
    assert path(line(deceased=True, on_time_streak_months=0), **changes)["score_steps"][0]["values"] == ["false"]
