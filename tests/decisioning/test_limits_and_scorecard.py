"""Section 5 of the policy manual: points of the scorecard in step 5, bands and limits in steps 8 and 9."""

import math
from typing import Any

import pytest

from tests.factories import LEFT_OUT, PolicyDict, Row, judge_one, line, policy_dict

STREAK, JOB = "points.on_time_streak_months", "points.employment"


def found(row: Row, **changes: Any) -> dict[str, Any]:
    """The evidence of one line under the small policy with `changes`."""
    return judge_one(policy_dict(**changes), row)


def with_cap(at_most: str) -> dict[str, Any]:
    reads = {} if "monthly_income_cents" in at_most else {"monthly_income_cents": LEFT_OUT}
    return {"limit": {"caps": [{"id": "CAP", "at_most": at_most}]}, "attributes": reads}


# ---- Points


@pytest.mark.parametrize(("months", "points"), [(0, 0), (2, 0), (3, 25), (5, 25), (6, 60), (600, 60), (None, 0)])
def test_the_first_bin_whose_edge_exceeds_the_value_gives_the_points(months: int | None, points: int) -> None:
    assert found(line(on_time_streak_months=months))[STREAK] == points


@pytest.mark.parametrize(("job", "points"), [("full_time", 20), ("part_time", 10), ("none", 5), (None, 7)])
def test_a_value_gives_its_points_or_those_of_other(job: str | None, points: int) -> None:
    assert found(line(employment=job), scorecard={"attributes": {"employment": {"missing": 7}}})[JOB] == points


def test_the_score_is_the_base_and_all_points() -> None:
    row = line(on_time_streak_months=4, employment="part_time")
    assert (
        found(
            row,
            scorecard={"base_points": -10},
            causes=scoreless(),
            campaigns=LEFT_OUT,
            attributes={"campaign_code": LEFT_OUT},
        )["score"]
        == 25
    )


def scoreless() -> PolicyDict:
    """Changes to the causes of the small policy: none asks for a score."""
    return {name: {"score_min": None, "keep_open_score_min": None} for name in policy_dict()["causes"]}


@pytest.mark.parametrize(
    ("ratio", "points"),
    [
        (0.2999999, 10),
        (0.3, 0),
        (math.nextafter(0.3, 0), 10),
        (0.0, 10),
        (-0.0, 10),
        (math.nan, -5),
        (math.inf, -5),
        (None, -5),
    ],
)
def test_a_measured_ratio_is_binned_as_the_double_it_is(ratio: float | None, points: int) -> None:
    card = {"bins": [{"below": 0.3, "points": 10}, {"points": 0}], "missing": -5, "reason": "utilisation_high"}
    assert (
        found(line(utilisation_ratio=ratio), scorecard={"attributes": {"utilisation_ratio": card}})[
            "points.utilisation_ratio"
        ]
        == points
    )


def test_edges_of_whole_numbers_may_lie_between_them() -> None:
    bins = {"bins": [{"below": 2.5, "points": 1}, {"points": 60}]}
    changes: dict[str, Any] = {"scorecard": {"attributes": {"on_time_streak_months": bins}}}
    assert [found(line(on_time_streak_months=months), **changes)[STREAK] for months in (2, 3)] == [1, 60]


@pytest.mark.parametrize(("withdrawn", "points"), [(True, -30), (False, 4), (None, 0)])
def test_a_boolean_has_points_for_each_of_its_values(withdrawn: bool | None, points: int) -> None:
    card = {"values": {True: -30, False: 4}, "missing": 0, "reason": "account_holder_deceased"}
    assert found(line(deceased=withdrawn), scorecard={"attributes": {"deceased": card}})["points.deceased"] == points


def test_a_category_that_nobody_has_a_value_of_is_missing_everywhere() -> None:
    assert found(line(employment=None))[JOB] == 5


def test_a_category_without_a_list_gives_other_to_what_is_not_listed() -> None:
    changes: dict[str, Any] = {"attributes": {"employment": {"allowed": LEFT_OUT}}}
    assert found(line(employment="astronaut"), **changes)[JOB] == 5


# ---- Reasons of a short score


def test_reasons_of_a_short_score_stand_by_points_lost_and_only_for_losses() -> None:
    short = {"credit_assessment": {"score_min": 580}}
    assert found(line(employment="none", on_time_streak_months=5), causes=short)["reasons"] == [
        "payment_history_short", "employment_not_verified",
    ]  # fmt: skip
    assert found(line(employment="part_time"), causes=short)["reasons"] == ["employment_not_verified"]


def test_equal_losses_stand_in_the_scorecards_order() -> None:
    card = {"employment": {"values": {"full_time": 20, "part_time": -15, "none": 20}, "other": LEFT_OUT}}
    row = line(on_time_streak_months=5, employment="part_time")
    assert found(row, scorecard={"attributes": card})["reasons"] == ["payment_history_short", "employment_not_verified"]


def test_a_loss_is_measured_against_what_allowed_values_can_reach() -> None:
    changes: dict[str, Any] = {
        "attributes": {"on_time_streak_months": {"allowed": [0, 5]}},
        "causes": {
            name: {"score_min": 545, "keep_open_score_min": 500} for name in ("credit_assessment", "abnormal_behaviour")
        },
    }
    assert found(line(on_time_streak_months=5, employment="part_time"), **changes)["reasons"] == [
        "employment_not_verified"
    ]


def test_a_score_that_is_enough_gives_no_reasons_of_points_lost() -> None:
    assert found(line(days_past_due=3, employment="part_time"))["reasons"] == ["payment_overdue"]


def test_a_reason_that_criterion_and_scorecard_share_stands_once_where_it_first_occurs() -> None:
    shared = {"employment": {"reason": "payment_overdue"}}
    row = line(days_past_due=3, employment="none", on_time_streak_months=0)
    assert found(row, scorecard={"attributes": shared})["reasons"] == ["payment_overdue", "payment_history_short"]


# ---- Step 8: bands


@pytest.mark.parametrize(("job", "score", "limit_cents"), [("part_time", 570, 500_000), ("full_time", 580, 1_000_000)])
def test_the_highest_band_not_above_the_score_gives_the_share(job: str, score: int, limit_cents: int) -> None:
    result = found(line(employment=job))
    assert (result["score"], result["limit_cents"]) == (score, limit_cents)


def test_a_score_meets_its_band_exactly() -> None:
    bands = {"bands": [{"score_at_least": 580, "limit_bp": 9_000}, {"score_at_least": 579, "limit_bp": 1_000}]}
    assert found(line(), limit=bands)["limit_cents"] == 900_000


@pytest.mark.parametrize("bands", [[], [{"score_at_least": 581, "limit_bp": 10_000}]])
def test_a_score_below_the_lowest_band_keeps_the_line_closed(bands: list[dict[str, int]]) -> None:
    result = found(line(), limit={"bands": bands})
    assert (result["decision"], result["step"]) == ("keep_closed", "band")
    assert (result["reasons"], result["recoverable"]) == (["score_below_lowest_band"], True)


def test_a_cause_without_a_score_has_a_share_of_its_own() -> None:
    row = line(closure_cause="product_operation", on_time_streak_months=0)
    assert found(row, limit={"no_score_bp": 3_000, "bands": []})["limit_cents"] == 300_000


# ---- Step 9: limits


def test_the_share_is_rounded_down_to_a_whole_cent_and_then_to_the_policys_steps() -> None:
    row = line(closed_limit_cents=123_457)
    assert (
        found(row, limit={"round_down_to_cents": 1, "bands": [{"score_at_least": 0, "limit_bp": 9_999}]})["limit_cents"]
        == 123_444
    )
    assert found(row)["limit_cents"] == 120_000


def test_shares_of_the_largest_limit_are_exact() -> None:
    limit = {
        "round_down_to_cents": 1,
        "caps": [],
        "ceiling_cents": 10**13,
        "bands": [{"score_at_least": 0, "limit_bp": 9_999}],
    }
    changes: dict[str, Any] = {
        "limit": limit,
        "nightly_budget": LEFT_OUT,
        "attributes": {"monthly_income_cents": LEFT_OUT},
    }
    assert found(line(closed_limit_cents=10**13 - 1), **changes)["limit_cents"] == (10**13 - 1) * 9_999 // 10_000


def test_a_share_above_the_whole_is_bound_by_the_ceiling() -> None:
    limit = {"ceiling_cents": 1_500_000, "bands": [{"score_at_least": 0, "limit_bp": 100_000}]}
    assert found(line(), limit=limit)["limit_cents"] == 1_500_000


def test_a_ceiling_off_the_policys_steps_is_rounded_down_too() -> None:
    assert found(line(), limit={"ceiling_cents": 999_999})["limit_cents"] == 990_000


@pytest.mark.parametrize(
    ("cap", "limit_cents"),
    [
        ("monthly_income_cents / 3", 330_000),
        ("monthly_income_cents - 1", 990_000),
        ("990000", 990_000),
        ("999999.9", 990_000),
        ("closed_limit_cents", 1_000_000),
        ("1e300", 1_000_000),
        ("utilisation_ratio * 1e6", 250_000),
        ("100000000000000000", 1_000_000),
    ],
)
def test_a_cap_is_an_upper_bound(cap: str, limit_cents: int) -> None:
    assert found(line(), **with_cap(cap))["limit_cents"] == limit_cents


@pytest.mark.parametrize(("cents", "decision"), [("60000.9999", "reopen"), ("59999.9999", "keep_closed")])
def test_a_cap_is_rounded_down_to_a_whole_cent(cents: str, decision: str) -> None:
    changes = with_cap(cents)
    changes["limit"] |= {"round_down_to_cents": 1, "floor_cents": 60_000}
    assert found(line(), **changes)["decision"] == decision


def test_the_least_of_several_caps_binds() -> None:
    caps = [
        {"id": "A", "at_most": "monthly_income_cents"},
        {"id": "B", "at_most": "300000"},
        {"id": "C", "at_most": "400000"},
    ]
    assert found(line(), limit={"caps": caps})["limit_cents"] == 300_000


@pytest.mark.parametrize(
    "cap",
    ["monthly_income_cents * 3", "100 / balance_cents", "monthly_income_cents", "1e308 * 10", "0 / balance_cents"],
)
def test_a_cap_that_is_unknown_refers_the_line(cap: str) -> None:
    result = found(line(monthly_income_cents=None), **with_cap(cap))
    assert (result["decision"], result["step"]) == ("refer", "limit")
    assert (result["reasons"], result["unknown"], result["recoverable"]) == (["limit_cap_unknown"], ["CAP"], True)


def test_all_unknown_caps_are_listed_in_file_order() -> None:
    caps = [
        {"id": "Z", "at_most": "monthly_income_cents"},
        {"id": "B", "at_most": "300000"},
        {"id": "A", "at_most": "1 / balance_cents"},
    ]
    assert found(line(monthly_income_cents=None), limit={"caps": caps})["unknown"] == ["Z", "A"]


def test_an_unknown_cap_refers_even_where_another_bound_lies_below_the_floor() -> None:
    assert found(line(monthly_income_cents=None, closed_limit_cents=0))["decision"] == "refer"


@pytest.mark.parametrize(
    ("closed_limit", "decision"), [(50_000, "reopen"), (59_999, "reopen"), (49_999, "keep_closed"), (0, "keep_closed")]
)
def test_a_limit_below_the_floor_keeps_the_line_closed(closed_limit: int, decision: str) -> None:
    assert found(line(closed_limit_cents=closed_limit))["decision"] == decision


def test_a_limit_below_the_floor_has_its_reason_and_stays_recoverable() -> None:
    result = found(line(closed_limit_cents=0))
    assert (result["step"], result["reasons"], result["recoverable"]) == ("limit", ["limit_below_floor"], True)


@pytest.mark.parametrize("cap", ["-1", "-0.5", "-1e300", "0 - monthly_income_cents"])
def test_a_negative_limit_keeps_the_line_closed_even_without_a_floor(cap: str) -> None:
    changes = with_cap(cap)
    changes["limit"] |= {"floor_cents": 0, "round_down_to_cents": 1}
    assert found(line(), **changes)["step"] == "limit"


def test_a_limit_of_nothing_opens_where_the_floor_is_nothing() -> None:
    assert found(line(closed_limit_cents=0), limit={"floor_cents": 0})["limit_cents"] == 0
