"""`reinstate judge --against`: who would be decided differently, and what in the policy moved each line."""

from pathlib import Path
from typing import Any

import pytest

from schemas.policy import Policy
from tasks.attributing import COMPETITION
from tasks.policy_changes import changes_between
from tasks.settings import CHECKOUT
from tests.factories import LEFT_OUT, NIGHT, PolicyDict, Row, line, merged, policy_dict, probation_line, temporary_line
from tests.judging.files import judged, run, write_policy, write_snapshot

STEADY = {**line(), "account_id": "steady"}


def compared(tmp_path: Path, rows: list[Row], before: PolicyDict, after: PolicyDict) -> dict[str, dict[str, Any]]:
    """The rows that the command writes, by account."""
    snapshot = write_snapshot(tmp_path / "lines.parquet", before, rows)
    files = [write_policy(tmp_path / f"{name}.yaml", each) for name, each in (("before", before), ("after", after))]
    done = run(
        "judge", "--policy", files[1], "--against", files[0], "--snapshot", snapshot, "--business-date", NIGHT,
        "--out", tmp_path / "out.jsonl",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (tmp_path / "screen.txt").write_text(done.stdout)
    return judged(tmp_path / "out.jsonl")


MOVES: dict[str, tuple[Row, dict[str, Any], list[str]]] = {
    "a criterion that asks less": (
        line(days_past_due=3),
        {"criteria": {"CURRENT": {"require": "days_past_due <= 5"}}},
        ["criterion CURRENT"],
    ),
    "a criterion that is no longer asked": (
        line(utilisation_ratio=0.9),
        {
            "causes": {
                "credit_assessment": {"criteria": ["CURRENT", "CLOSED_90D"]},
                "product_operation": {"criteria": ["CURRENT", "UTILISATION"]},
            }
        },
        ["criterion UTILISATION"],
    ),
    "a score that is enough now": (
        line(on_time_streak_months=4, employment="none"),
        {"causes": {"credit_assessment": {"score_min": 530, "keep_open_score_min": 500}}, "limit": {"bands": [{"score_at_least": 500, "limit_bp": 10000}]}},
        ["threshold score_min", "section limit"],
    ),
    "a bin with more points": (
        line(on_time_streak_months=4, employment="none"),
        {"scorecard": {"attributes": {"on_time_streak_months": {"bins": [{"below": 3, "points": 0}, {"below": 6, "points": 50}, {"points": 60}]}}}},
        ["bin on_time_streak_months 3..6"],
    ),
    "base points": (line(on_time_streak_months=4, employment="none"), {"scorecard": {"base_points": 525}}, ["scorecard base_points"]),
    "an exclusion that is gone": (line(deceased=True), {"exclusions": [{"id": "EX_DECEASED", "when": "deceased and 1 == 2", "reason": "account_holder_deceased"}]}, ["exclusion EX_DECEASED"]),
    "a freeze that has ended": (line(customer_segment="student"), {"freezes": LEFT_OUT}, ["freeze FZ_STUDENTS"]),
    "an appeal's share": (line(appeal_status="upheld"), {"appeal": {"limit_bp": 5000}}, ["section appeal"]),
    "an appeal route that is new": (line(appeal_status="received"), {"appeal": {"pending_when": 'appeal_status == "received" and 1 == 2'}}, ["section appeal"]),
    "a campaign that is gone": (
        line(closed_on=NIGHT.replace(day=1), campaign_code="SPRING"), {"campaigns": [{**policy_dict()["campaigns"][0], "when": 'campaign_code == "SPRING" and 1 == 2'}]}, ["campaign SPRING"]
    ),
    "a further night of confirmation": (line(), {"confirm_nights": 2}, ["threshold confirm_nights"]),
    "a band": (line(), {"limit": {"bands": [{"score_at_least": 540, "limit_bp": 5000}]}}, ["section limit"]),
    "a cap": (line(), {"limit": {"caps": [{"id": "CAP", "at_most": "monthly_income_cents / 4"}]}}, ["cap CAP"]),
    "a budget": (line(), {"nightly_budget": {"lines": 1}}, ["section nightly_budget"]),
    "a cause that is covered no more": (
        line(closure_cause="product_operation"), {"causes": {"product_operation": LEFT_OUT}}, ["cause product_operation"]
    ),
    "what an attribute may be": (
        line(on_time_streak_months=500), {"attributes": {"on_time_streak_months": {"allowed": [0, 400]}}}, ["attribute on_time_streak_months allowed"]
    ),
    "what closes a line on probation": (
        probation_line(days_past_due=20), {"probation": {"reclose_when": "days_past_due > 10"}}, ["section probation"]
    ),
    "the score that keeps a line open": (
        probation_line(on_time_streak_months=4, employment="none"),
        {"causes": {"credit_assessment": {"keep_open_score_min": 540}}},
        ["threshold keep_open_score_min"],
    ),
    "a criterion that makes a temporary line permanent": (
        temporary_line(), {"criteria": {"CLOSED_90D": {"require": "days_since(closed_on) >= 30"}}}, ["criterion CLOSED_90D"]
    ),
}  # fmt: skip


CHANGES: dict[str, tuple[Row, dict[str, Any], dict[str, Any], str, str]] = {
    "a threshold of a criterion": (
        line(utilisation_ratio=0.9), {}, {"criteria": {"UTILISATION": {"require": "utilisation_ratio <= 0.95"}}},
        "criterion UTILISATION", "utilisation_ratio <= 0.75 → utilisation_ratio <= 0.95",
    ),
    "a criterion that is removed": (
        line(utilisation_ratio=0.9), {}, {"criteria": {"UTILISATION": LEFT_OUT}, "causes": {"credit_assessment": {"criteria": ["CURRENT", "CLOSED_90D"]}}, "attributes": {"utilisation_ratio": LEFT_OUT}},
        "criterion UTILISATION", "utilisation_ratio <= 0.75 → not there",
    ),
    "a criterion that is not asked any more": (
        line(closed_on=NIGHT.replace(day=1)), {}, {"causes": {"credit_assessment": {"criteria": ["CURRENT", "UTILISATION"]}, "product_operation": {"criteria": ["CURRENT", "CLOSED_90D"]}}, "campaigns": [{**policy_dict()["campaigns"][0], "waives": []}]},
        "criterion CLOSED_90D", "no longer asked of credit_assessment; now asked of product_operation",
    ),
    "a floor": (line(closed_limit_cents=100_000), {}, {"limit": {"floor_cents": 150_000}}, "section limit", "floor_cents 50000 → 150000"),
    "an exclusion that is narrowed, from referring to keeping closed": (
        line(deceased=None, customer_segment="student"), {},
        {"exclusions": [{"id": "EX_DECEASED", "when": 'deceased or customer_segment == "student"', "reason": "account_holder_deceased"}]},
        "exclusion EX_DECEASED", 'deceased → deceased or customer_segment == "student"',
    ),
    "an age of an attribute that a cap reads": (
        line(), {}, {"attributes": {"monthly_income_cents": {"max_age_days": 5}}}, "attribute monthly_income_cents max_age_days", "400 → 5",
    ),
    "an age of an attribute that a campaign's cap reads": (
        line(utilisation_ratio=0.5, closed_on=NIGHT.replace(day=1), campaign_code="SPRING"), {}, {"attributes": {"monthly_income_cents": {"max_age_days": 5}}},
        "attribute monthly_income_cents max_age_days", "400 → 5",
    ),
    "an attribute that does not grow old any more": (
        line(income_observed_on=NIGHT.replace(year=2020)), {}, {"attributes": {"monthly_income_cents": {"observed_on": LEFT_OUT, "max_age_days": LEFT_OUT}}},
        "attribute monthly_income_cents max_age_days", "400, observed_on income_observed_on → not there",
    ),
    "the edge of a bin": (
        line(on_time_streak_months=7, employment="none"), {}, {"scorecard": {"attributes": {"on_time_streak_months": {"bins": [{"below": 3, "points": 0}, {"below": 9, "points": 25}, {"points": 60}]}}}},
        "bin on_time_streak_months 6..9", "60 points (6..) → 25 points (3..9)",
    ),
    "the points of a value": (
        line(on_time_streak_months=4), {"causes": {"credit_assessment": {"score_min": 530}}}, {"scorecard": {"attributes": {"employment": {"values": {"full_time": 1}}}}},
        "value employment=full_time", "20 points → 1 points",
    ),
    "a value that is not listed any more": (
        line(employment="part_time", on_time_streak_months=4), {"causes": {"credit_assessment": {"score_min": 535}}, "limit": {"bands": [{"score_at_least": 500, "limit_bp": 5000}]}},
        {"scorecard": {"attributes": {"employment": {"values": {"part_time": LEFT_OUT}}}}},
        "value employment=part_time", "10 points → 5 points (other)",
    ),
    "the points of what is missing": (
        line(on_time_streak_months=None, employment="full_time"), {"scorecard": {"attributes": {"on_time_streak_months": {"missing": 60}}}}, {"scorecard": {"attributes": {"on_time_streak_months": {"missing": 0}}}},
        "bin on_time_streak_months missing", "60 points → 0 points",
    ),
    "an attribute that is scored no more": (
        line(employment="full_time", on_time_streak_months=4), {"causes": {"credit_assessment": {"score_min": 530}, "abnormal_behaviour": {"score_min": 540}}}, {"scorecard": {"attributes": {"employment": LEFT_OUT}}, "attributes": {"employment": LEFT_OUT}},
        "value employment=full_time", "20 points → not scored",
    ),
    "how long a campaign lasts": (
        line(closed_on=NIGHT.replace(day=1), campaign_code="SPRING"), {}, {"campaigns": [{**policy_dict()["campaigns"][0], "valid_days": 7}]},
        "campaign SPRING", "valid_days 30 → 7",
    ),
    "the dates of a freeze": (
        line(customer_segment="student"), {}, {"freezes": [{**policy_dict()["freezes"][0], "until": NIGHT}]}, "freeze FZ_STUDENTS", "until 2026-11-01 → 2026-10-28",
    ),
    "an appeal's share": (line(appeal_status="upheld"), {}, {"appeal": {"limit_bp": 5000}}, "section appeal", "limit_bp 10000 → 5000"),
    "no appeal": (line(appeal_status="received"), {}, {"appeal": LEFT_OUT, "attributes": {"appeal_status": LEFT_OUT}}, "section appeal", 'upheld_when appeal_status == "upheld"; pending_when appeal_status == "received"; limit_bp 10000 → not there'),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_mover_says_how_it_reads_in_the_one_policy_and_in_the_other(name: str, tmp_path: Path) -> None:
    row, start, changes, mover, text = CHANGES[name]
    before = policy_dict(**start)
    after = merged(before, changes)
    found = compared(tmp_path, [{**row, "account_id": "moved"}], before, after)
    assert found["moved"]["moved_by"] == [mover]
    assert mover in plain_screen(tmp_path)
    both = [Policy.model_validate(policy) for policy in (before, after)]
    assert {change.name: change.text for change in changes_between(*both)}[mover] == text


def plain_screen(tmp_path: Path) -> str:
    """What was shown, with single spaces, on one line."""
    return " ".join((tmp_path / "screen.txt").read_text().split())


def test_a_line_of_which_only_the_end_moves_has_a_row_of_its_own_in_the_swap_table(tmp_path: Path) -> None:
    taken = line(closed_on=NIGHT.replace(day=1), campaign_code="SPRING")
    rows = [{**taken, "account_id": "end"}, {**taken, "account_id": "both", "closed_limit_cents": 500_000}, STEADY]
    campaign = {**policy_dict()["campaigns"][0], "valid_days": 7, "limit_bp": 4_000}
    compared(tmp_path, rows, policy_dict(), policy_dict(campaigns=[campaign]))
    screen = plain_screen(tmp_path).replace("\N{NO-BREAK SPACE}", " ")
    assert "2 lines are decided differently, 2 of them with the same decision and another limit or end." in screen
    assert "Reopened for a time the same, other end 1 2,000 2,000" in screen
    assert "Reopened for a time the same, other limit and end 1 1,000 2,000" in screen
    assert "Reopened the same 1 10,000 10,000" in screen


def test_a_line_that_others_push_out_of_the_budget_is_moved_by_competition(tmp_path: Path) -> None:
    before = policy_dict(nightly_budget={"lines": 1})
    after = policy_dict(nightly_budget={"lines": 1}, criteria={"CURRENT": {"require": "days_past_due <= 5"}})
    rows = [{**line(), "account_id": "b"}, {**line(days_past_due=3), "account_id": "a"}]
    found = compared(tmp_path, rows, before, after)
    assert found["a"]["moved_by"] == ["criterion CURRENT"]
    assert (found["b"]["decision"], found["b"]["moved_by"]) == ("keep_closed", [COMPETITION])
    assert f"{COMPETITION} others ask for more or for less, through criterion CURRENT 1" in plain_screen(tmp_path)


def test_a_line_that_loses_its_place_in_the_queue_is_moved_by_the_points_that_it_lost(tmp_path: Path) -> None:
    before = policy_dict(nightly_budget={"lines": 1})
    after = merged(before, {"scorecard": {"attributes": {"employment": {"values": {"part_time": 30}}}}})
    rows = [{**line(), "account_id": "full"}, {**line(employment="part_time"), "account_id": "part"}]
    found = compared(tmp_path, rows, before, after)
    assert {name: row["moved_by"] for name, row in found.items()} == {
        "full": [COMPETITION],
        "part": ["value employment=part_time"],
    }


def test_either_of_two_criteria_that_failed_alone_would_have_kept_the_line_closed(tmp_path: Path) -> None:
    row = {**line(days_past_due=3, utilisation_ratio=0.9), "account_id": "moved"}
    looser = {"CURRENT": {"require": "days_past_due <= 5"}, "UTILISATION": {"require": "utilisation_ratio <= 0.95"}}
    for before, after in ((policy_dict(), policy_dict(criteria=looser)), (policy_dict(criteria=looser), policy_dict())):
        found = compared(tmp_path, [row], before, after)
        assert found["moved"]["moved_by"] == ["criterion CURRENT", "criterion UTILISATION"]


def test_the_columns_of_a_comparison_are_those_of_the_manual(tmp_path: Path) -> None:
    found = compared(tmp_path, [STEADY], policy_dict(), policy_dict())
    manual = (CHECKOUT / "deployments" / "policies" / "README.md").read_text()
    listed = manual.split("## Trying a change")[1].split("\n## ")[0]
    assert all(f"`{name.removesuffix('_against')}`" in listed for name in found["steady"])


@pytest.mark.parametrize("name", list(MOVES))
def test_a_moved_line_says_what_moved_it(name: str, tmp_path: Path) -> None:
    row, changes, movers = MOVES[name]
    first = {
        **STEADY,
        "account_id": "always",
        "on_time_streak_months": 13,
        "closed_limit_cents": 600_000,
        "monthly_income_cents": 10**9,
    }
    found = compared(tmp_path, [first, {**row, "account_id": "moved"}], policy_dict(), policy_dict(**changes))
    assert found["moved"]["moved_by"] == movers


def test_a_line_that_gets_as_far_as_confirmation_was_moved_by_the_criterion_that_it_passes_now(tmp_path: Path) -> None:
    row = {**line(closed_on=NIGHT.replace(day=1), campaign_code="SPRING"), "account_id": "moved"}
    before = policy_dict(confirm_nights=2)
    after = policy_dict(confirm_nights=2, criteria={"CLOSED_90D": {"require": "days_since(closed_on) >= 5"}})
    found = compared(tmp_path, [row], before, after)["moved"]
    assert (found["decision_against"], found["step"]) == ("reopen_temporarily", "confirmation")
    assert found["moved_by"] == ["criterion CLOSED_90D"]


def test_the_same_policy_moves_nobody(tmp_path: Path) -> None:
    found = compared(tmp_path, [STEADY, {**line(days_past_due=3), "account_id": "kept"}], policy_dict(), policy_dict())
    assert [row["moved_by"] for row in found.values()] == [[], []]
    assert "0\N{NO-BREAK SPACE}lines are decided differently" in (tmp_path / "screen.txt").read_text()


def test_the_swap_table_counts_unchanged_lines_and_limits_too(tmp_path: Path) -> None:
    rows = [STEADY, {**line(days_past_due=3), "account_id": "moved"}, {**line(days_past_due=9), "account_id": "kept"}]
    compared(tmp_path, rows, policy_dict(), policy_dict(criteria={"CURRENT": {"require": "days_past_due <= 5"}}))
    screen = [" ".join(text.split()) for text in (tmp_path / "screen.txt").read_text().splitlines()]
    assert "Kept closed the same 1" in screen
    assert "Reopened the same 1 10,000 10,000" in screen
    assert "Kept closed Reopened 1 10,000" in screen
    assert "criterion CURRENT days_past_due == 0 → days_past_due <= 5 1" in screen


def test_an_attribute_that_only_one_policy_declares_may_stand_in_the_snapshot(tmp_path: Path) -> None:
    after = policy_dict(
        attributes={"months_on_book": {"type": "integer", "allowed": [0, 999]}},
        criteria={"SEASONED": {"require": "months_on_book >= 6", "reason": "payment_overdue"}},
        causes={"credit_assessment": {"criteria": ["CURRENT", "UTILISATION", "CLOSED_90D", "SEASONED"]}},
    )
    snapshot = write_snapshot(tmp_path / "lines.parquet", after, [{**STEADY, "months_on_book": 2}])
    files = [write_policy(tmp_path / f"{name}.yaml", each) for name, each in (("a", after), ("b", policy_dict()))]
    for policy, against, decision in ((files[0], files[1], "keep_closed"), (files[1], files[0], "reopen")):
        out = tmp_path / "out.jsonl"
        done = run(
            "judge", "--policy", policy, "--against", against, "--snapshot", snapshot, "--business-date", NIGHT,
            "--out", out,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        assert judged(out)["steady"]["decision"] == decision
        assert judged(out)["steady"]["moved_by"] == ["criterion SEASONED"]
