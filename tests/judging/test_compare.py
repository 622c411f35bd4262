"""`reinstate judge --against`: who would be decided differently, and what in the policy moved each line."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.decisioning.strategies import random_night
from tests.factories import LEFT_OUT, NIGHT, PolicyDict, Row, line, policy_dict, probation_line, temporary_line
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


@pytest.mark.parametrize("seed", range(10))
def test_between_random_policies_every_moved_line_has_a_mover_and_no_other_line_has_one(
    seed: int, tmp_path: Path
) -> None:
    chance = random.Random(f"compare {seed}")
    night = random_night(chance.randrange)
    other = _changed(night.policy, chance)
    snapshot = write_snapshot(tmp_path / "lines.parquet", night.policy, night.rows)
    files = [write_policy(tmp_path / f"{name}.yaml", each) for name, each in (("a", night.policy), ("b", other))]
    out = tmp_path / "out.jsonl"
    done = run(
        "judge", "--policy", files[1], "--against", files[0], "--snapshot", snapshot, "--business-date", night.date,
        "--out", out,
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    for row in judged(out).values():
        moved = any(row[name] != row[f"{name}_against"] for name in ("decision", "limit_cents", "valid_until"))
        assert bool(row["moved_by"]) == moved, row


def _changed(policy: PolicyDict, chance: random.Random) -> PolicyDict:
    """The same policy with some sections changed."""
    base = policy["scorecard"]["base_points"] + chance.randint(0, 60)
    changed = {
        **policy,
        "confirm_nights": chance.choice([1, 2, policy.get("confirm_nights", 1)]),
        "scorecard": {**policy["scorecard"], "base_points": base},
    }
    never = {"exclusions": "when", "freezes": "when", "campaigns": "when"}
    for section in chance.sample([name for name in never if name in policy], k=len(never.keys() & policy.keys()) // 2):
        key = never[section]
        changed[section] = [{**each, key: f"({each[key]}) and 1 == 2"} for each in policy[section]]
    if chance.random() < 0.5:
        changed.pop("nightly_budget", None)
    return changed
