"""Section 5 of the policy manual, step 10: the night's budget, one queue over the whole night."""

import numpy as np
import pandas as pd
import pytest

from schemas.policy import NightlyBudget
from tasks.decisioning.budget import granted_within
from tests.factories import (
    LEFT_OUT,
    Row,
    days_ago,
    judge,
    judge_partitions,
    line,
    policy_dict,
    rules,
    temporary_line,
)

RECENT = {"closed_on": days_ago(3), "campaign_code": "SPRING"}


def granted(budget: NightlyBudget | None, *candidates: tuple[str | None, int, str, int | None]) -> list[str]:
    """The ids that a budget grants, out of (route, score, id, limit)."""
    frame = pd.DataFrame(candidates, columns=["route", "score", "account_id", "limit_cents"])
    return frame["account_id"][granted_within(budget, frame)].tolist()


def opened(rows: list[Row], lines: int, limit_cents: int = 10**9) -> list[str]:
    found = judge(rules(policy_dict(nightly_budget={"lines": lines, "limit_cents": limit_cents})), rows)
    return sorted(name for name, result in found.items() if result["route"])


def test_without_a_budget_all_are_granted() -> None:
    many = [("reevaluation", 600, str(number), 10**13) for number in range(50)]
    assert granted(None, *many) == [str(number) for number in range(50)]


def test_a_budget_that_holds_all_grants_all() -> None:
    assert granted(NightlyBudget(lines=2, limit_cents=30), ("campaign", 1, "a", 10), ("reevaluation", 1, "b", 20)) == [
        "a",
        "b",
    ]


def test_higher_scores_come_first() -> None:
    queue = [("reevaluation", 600, "a", 10), ("reevaluation", 640, "b", 10), ("reevaluation", 620, "c", 10)]
    assert granted(NightlyBudget(lines=2, limit_cents=100), *queue) == ["b", "c"]


def test_every_reevaluation_comes_before_every_campaign() -> None:
    queue = [("campaign", 700, "a", 10), ("reevaluation", 600, "b", 10)]
    assert granted(NightlyBudget(lines=1, limit_cents=100), *queue) == ["b"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("0", "1"), ("10", "9"), ("A", "a"), ("Z", "a"), ("e", "é"), ("\uffff", "\U0001f600"), ("1", "1 ")],
)
def test_equal_scores_stand_in_code_point_order_of_their_ids(first: str, second: str) -> None:
    queue = [("reevaluation", 600, second, 10), ("reevaluation", 600, first, 10)]
    assert granted(NightlyBudget(lines=1, limit_cents=100), *queue) == [first]


def test_a_line_that_does_not_fit_is_passed_over_and_the_walk_goes_on() -> None:
    queue = [
        ("reevaluation", 640, "a", 60),
        ("reevaluation", 630, "b", 60),
        ("reevaluation", 620, "c", 40),
        ("campaign", 900, "d", 1),
    ]
    assert granted(NightlyBudget(lines=9, limit_cents=100), *queue) == ["a", "c"]


def test_the_sum_may_meet_the_budget_exactly() -> None:
    queue = [("reevaluation", 640, "a", 60), ("reevaluation", 630, "b", 41), ("reevaluation", 620, "c", 40)]
    assert granted(NightlyBudget(lines=9, limit_cents=100), *queue) == ["a", "c"]


def test_a_line_that_was_passed_over_takes_no_place() -> None:
    queue = [("reevaluation", 640, "a", 101), ("reevaluation", 630, "b", 50), ("reevaluation", 620, "c", 50)]
    assert granted(NightlyBudget(lines=2, limit_cents=100), *queue) == ["b", "c"]


def test_appeals_and_lines_without_a_route_stand_outside() -> None:
    queue = [("appeal", 1, "a", 10**9), (None, 1, "b", None), ("reevaluation", 900, "c", 10)]
    assert granted(NightlyBudget(lines=0, limit_cents=0), *queue) == ["a", "b"]


def test_limits_whose_sum_no_64_bit_number_holds_are_not_granted_by_mistake() -> None:
    count = 1_000_000
    frame = pd.DataFrame(
        {"route": "reevaluation", "score": 700, "account_id": np.arange(count).astype(str), "limit_cents": 10**13}
    )
    assert granted_within(NightlyBudget(lines=2 * count, limit_cents=10**15), frame).sum() == 100


def test_nobody_in_the_queue_is_no_trouble() -> None:
    assert granted(NightlyBudget(lines=1, limit_cents=1)) == []


def test_a_passed_over_line_says_so_and_stays_recoverable() -> None:
    found = judge(rules(policy_dict(nightly_budget={"lines": 0})), [line()])["000123"]
    assert (found["decision"], found["step"], found["reasons"]) == ("keep_closed", "budget", ["nightly_budget_spent"])
    assert (found["recoverable"], found["route"], found["limit_cents"], found["earliest_on"]) == (
        True,
        None,
        None,
        None,
    )


def test_a_passed_over_line_of_a_campaign_keeps_the_reasons_of_its_cause_before_the_budgets() -> None:
    found = judge(rules(policy_dict(nightly_budget={"lines": 0})), [line(**RECENT, on_time_streak_months=3)])["000123"]
    assert (found["decision"], found["step"]) == ("keep_closed", "budget")
    assert found["reasons"] == ["closed_too_recently", "payment_history_short", "nightly_budget_spent"]
    assert (found["recoverable"], found["valid_until"], found["must_wait"], found["earliest_on"]) == (
        False,
        None,
        [],
        None,
    )


def test_a_code_that_a_policy_shares_with_the_budget_stands_where_it_first_occurs() -> None:
    policy = policy_dict(nightly_budget={"lines": 0}, criteria={"CLOSED_90D": {"reason": "nightly_budget_spent"}})
    found = judge(rules(policy), [line(**RECENT, on_time_streak_months=3)])["000123"]
    assert found["reasons"] == ["nightly_budget_spent", "payment_history_short"]


def test_a_temporary_line_made_permanent_counts_with_its_full_limit() -> None:
    permanent = temporary_line(account_id="t", ledger_closed_on=days_ago(90))
    rows = [permanent, line(account_id="a", closed_limit_cents=19_500_000, monthly_income_cents=10**10)]
    assert opened(rows, lines=9, limit_cents=20_000_000) == ["a"]
    assert opened(rows, lines=9, limit_cents=20_500_000) == ["a", "t"]


@pytest.mark.parametrize(("until", "decision", "step"), [(-1, "keep_temporary", "temporary"), (0, "expire", "expiry")])
def test_a_temporary_line_that_is_passed_over_is_as_if_nothing_had_opened_it(
    until: int, decision: str, step: str
) -> None:
    row = temporary_line(ledger_closed_on=days_ago(90), ledger_valid_until=days_ago(until))
    found = judge(rules(policy_dict(nightly_budget={"lines": 0})), [row])["000123"]
    assert (found["decision"], found["step"], found["reasons"], found["route"]) == (decision, step, [], None)


def test_live_lines_that_end_or_close_again_need_no_budget() -> None:
    rows = [
        temporary_line(account_id="a", deceased=True),
        temporary_line(account_id="b", ledger_valid_until=days_ago(0)),
    ]
    found = judge(rules(policy_dict(nightly_budget={"lines": 0})), rows)
    assert [found[name]["decision"] for name in "ab"] == ["reclose", "expire"]


def test_the_queue_is_one_for_all_partitions() -> None:
    compiled = rules(policy_dict(nightly_budget={"lines": 1}))
    parts = [[line(account_id="a", employment="part_time")], [], [line(account_id="b")]]
    found = judge_partitions(compiled, parts)
    assert {name: result["decision"] for name, result in found.items()} == {"a": "keep_closed", "b": "reopen"}


def test_a_policy_without_a_budget_opens_all() -> None:
    rows = [line(account_id=str(number)) for number in range(5)]
    found = judge(rules(policy_dict(nightly_budget=LEFT_OUT)), rows)
    assert {result["decision"] for result in found.values()} == {"reopen"}
