"""Section 4 of the policy manual: what a policy must not say, and in which words it is refused.

How a file is read (duplicate keys, aliases, lines) is tested with the reader.
"""

import datetime

import pytest
from pydantic import ValidationError

from schemas.policy import Place, Policy, Problem
from schemas.vocabulary import PROGRAM_REASONS, AttributeType
from tasks.decisioning.compiling import PolicyError, compile_rules
from tasks.decisioning.rules import Rules
from tests.decisioning.bad_policies import ILL_SHAPED, MISSPELT, REFUSED, Changes, edited
from tests.factories import LEFT_OUT, PolicyDict, policy_dict, rules


def problems(policy: PolicyDict) -> list[Problem]:
    """Everything that is found wrong with `policy`."""
    try:
        rules(policy)
    except PolicyError as error:
        return error.problems
    return []


@pytest.mark.parametrize(("changes", "place", "words"), REFUSED.values(), ids=REFUSED)
def test_a_policy_is_refused_at_its_place_and_in_words(changes: Changes, place: Place, words: str) -> None:
    found = problems(edited(changes))
    assert any(problem.place == place and words in problem.message for problem in found), found


@pytest.mark.parametrize(("changes", "place"), ILL_SHAPED.values(), ids=ILL_SHAPED)
def test_an_ill_shaped_part_is_refused_at_its_place(changes: Changes, place: Place) -> None:
    with pytest.raises(ValidationError) as refused:
        Policy.model_validate(edited(changes))
    assert any(error["loc"][: len(place)] == place for error in refused.value.errors())


def test_the_small_policy_is_accepted() -> None:
    assert isinstance(rules(policy_dict()), Rules)


@pytest.mark.parametrize(
    "section", ["exclusions", "freezes", "campaigns", "appeal", "probation", "nightly_budget", "confirm_nights"]
)
def test_a_section_that_may_be_left_out_may_be_left_out(section: str) -> None:
    reads = policy_dict()["attributes"]
    unread = {"exclusions": "deceased", "campaigns": "campaign_code", "appeal": "appeal_status"}.get(section)
    policy = policy_dict(**{section: LEFT_OUT}, attributes={unread: LEFT_OUT} if unread in reads else {})
    assert problems(policy) == []


def test_caps_may_be_left_out() -> None:
    assert problems(policy_dict(limit={"caps": LEFT_OUT}, attributes={"monthly_income_cents": LEFT_OUT})) == []


def test_confirmation_takes_one_night_where_the_policy_does_not_say() -> None:
    assert rules(policy_dict(confirm_nights=LEFT_OUT)).policy.confirm_nights == 1


def test_every_problem_is_found_not_just_the_first() -> None:
    policy = policy_dict(
        limit={"floor_cents": 20_000_001},
        criteria={"CURRENT": {"require": MISSPELT}, "SPARE": {"require": "deceased", "reason": "x"}},
    )
    assert {problem.place for problem in problems(policy)} >= {
        ("limit",), ("criteria", "CURRENT", "require"), ("criteria", "SPARE"),
    }  # fmt: skip


def test_what_is_only_misspelt_where_it_is_used_is_not_called_unused() -> None:
    policy = policy_dict(
        criteria={"QUIET_180D": {"require": "days_since(alert_cleard_on) >= 180"}},
        causes={"abnormal_behaviour": {"criteria": ["CURRENT", "QUIET_180"]}},
    )
    assert {problem.place for problem in problems(policy)} == {
        ("criteria", "QUIET_180D", "require"), ("causes", "abnormal_behaviour", "criteria", 1),
    }  # fmt: skip


def test_missing_points_may_reach_the_best_bin_though_no_allowed_value_does() -> None:
    policy = edited({
        "scorecard.attributes.on_time_streak_months.missing": 30,
        "attributes.on_time_streak_months.allowed": [0, 5],
        "causes.credit_assessment.score_min": 540,
        "causes.abnormal_behaviour.score_min": 540,
    })  # fmt: skip
    assert problems(policy) == []


def test_a_date_that_dates_another_attribute_is_read() -> None:
    policy = policy_dict(
        attributes={
            "income_observed_on": {"type": "date"},
            "monthly_income_cents": {"observed_on": "income_observed_on"},
        }
    )
    assert rules(policy).observed_columns == ()
    assert rules(policy_dict()).observed_columns == ("income_observed_on",)


def test_a_snapshot_has_the_core_columns_the_attributes_and_the_dates_that_date_them() -> None:
    columns = rules(policy_dict()).snapshot_columns
    assert columns["income_observed_on"] is AttributeType.DATE
    assert columns["closed_limit_cents"] is AttributeType.INTEGER
    assert columns["employment"] is AttributeType.CATEGORY
    assert "account_id" not in columns


def test_the_rules_know_every_reason_that_a_judgement_can_give() -> None:
    assert set(rules(policy_dict()).reasons) == {
        "account_holder_deceased", "group_restricted", "payment_overdue", "utilisation_high", "closed_too_recently",
        "alert_cleared_recently", "payment_far_overdue", "payment_history_short", "employment_not_verified",
        *PROGRAM_REASONS,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("date", "active"),
    [
        (datetime.date(2026, 9, 30), False),
        (datetime.date(2026, 10, 1), True),
        (datetime.date(2026, 10, 31), True),
        (datetime.date(2026, 11, 1), False),
    ],
)
def test_a_freeze_is_active_from_its_first_day_until_before_its_end(date: datetime.date, active: bool) -> None:
    assert bool(rules(policy_dict()).freezes_on(date)) is active


def test_a_freeze_without_an_end_stays_active() -> None:
    policy = policy_dict()
    policy["freezes"][0]["until"] = None
    assert rules(policy).freezes_on(datetime.date(2099, 1, 1))


@pytest.mark.parametrize(("date", "active"), [(datetime.date(2026, 10, 1), True), (datetime.date(2026, 12, 1), False)])
def test_a_campaign_is_active_from_its_first_day_until_before_its_end(date: datetime.date, active: bool) -> None:
    assert bool(rules(policy_dict()).campaigns_on(date)) is active


@pytest.mark.parametrize(
    ("date", "covered"),
    [(datetime.date(2026, 9, 30), False), (datetime.date(2026, 10, 1), True), (datetime.date(2027, 1, 1), False)],
)
def test_a_version_is_in_force_from_its_first_day_until_before_its_end(date: datetime.date, covered: bool) -> None:
    policy = Policy.model_validate(policy_dict(in_force={"until": datetime.date(2027, 1, 1)}))
    assert policy.in_force.covers(date) is covered


def test_compiled_rules_keep_the_policy_as_it_was() -> None:
    policy = Policy.model_validate(policy_dict())
    assert compile_rules(policy).policy == policy == Policy.model_validate(policy_dict())
