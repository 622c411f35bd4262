"""How a partition is judged: nothing about its shape may matter, and every row is accounted for."""

import random

import pandas as pd
import pytest

from schemas.vocabulary import LEDGER_COLUMNS
from tasks.decisioning import rescoring
from tasks.decisioning.facts import Night
from tasks.decisioning.rescoring import rescore_lines
from tasks.evidence import candidates_table, evidence_table
from tests.decisioning.strategies import random_night
from tests.factories import (
    NIGHT,
    Evidence,
    Row,
    days_ago,
    frame,
    judge,
    judge_one,
    kinds_of,
    line,
    policy_dict,
    probation_line,
    rules,
    temporary_line,
)

MANY_KINDS: list[Row] = [
    line(account_id="1"),
    line(account_id="2", days_past_due=3, on_time_streak_months=0),
    line(account_id="3", line_status="open"),
    temporary_line(account_id="4"),
    line(account_id="5", deceased=None),
    probation_line(account_id="6", deceased=True),
    line(account_id="7", ledger_state="reopened", ledger_since=days_ago(3), closed_on=days_ago(3)),
    line(account_id="8", closed_on=days_ago(3), campaign_code="SPRING"),
    temporary_line(account_id="9", ledger_valid_until=days_ago(0)),
]


def evidence_of(lines: pd.DataFrame) -> Evidence:
    """The evidence of a frame as it is given, before the budget."""
    night = Night(rules(policy_dict()), NIGHT)
    judged, _ = rescore_lines(lines, night)
    table = evidence_table(judged, lines, night)
    candidates_table(judged, lines, night, table)
    return {found["account_id"]: found for found in table.to_pylist()}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_size_of_a_block_does_not_matter(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    closed_only = [row for row in MANY_KINDS if row.get("ledger_state") is None and row["line_status"] == "closed"]
    expected = [judge(rules(policy_dict()), rows) for rows in (MANY_KINDS, closed_only)]
    monkeypatch.setattr(rescoring, "BLOCK_ROWS", size)
    assert [judge(rules(policy_dict()), rows) for rows in (MANY_KINDS, closed_only)] == expected


@pytest.mark.parametrize("size", [1, 5])
@pytest.mark.parametrize("number", range(5))
def test_the_size_of_a_block_does_not_matter_to_random_nights(
    number: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = random_night(random.Random(f"blocks, {number}").randrange)
    expected = judge(rules(night.policy), night.rows, night.date)
    monkeypatch.setattr(rescoring, "BLOCK_ROWS", size)
    assert judge(rules(night.policy), night.rows, night.date) == expected


def test_a_portfolio_without_a_ledger_has_no_ledger_columns() -> None:
    rows = [
        line(account_id="1"),
        line(account_id="2", days_past_due=3),
        line(account_id="3", closed_on=days_ago(3), campaign_code="SPRING"),
    ]
    whole = frame(rows, rules(policy_dict()))
    assert evidence_of(whole.drop(columns=list(LEDGER_COLUMNS))) == evidence_of(whole)


def test_without_a_ledger_its_counts_are_zero_in_expressions() -> None:
    policy = policy_dict(criteria={"CURRENT": {"require": "days_past_due == 0 and ledger_reopens_365d_count == 0"}})
    compiled = rules(policy)
    lines = frame([line()], compiled).drop(columns=list(LEDGER_COLUMNS))
    night = Night(compiled, NIGHT)
    judged, _ = rescore_lines(lines, night)
    assert evidence_table(judged, lines, night).to_pylist()[0]["criterion.CURRENT"] == "pass"


def test_categories_that_no_row_has_and_their_order_do_not_matter() -> None:
    lines = frame(MANY_KINDS, rules(policy_dict()))
    other = lines.copy()
    for name in ("employment", "customer_segment", "closure_cause", "ledger_state", "line_status"):
        known = list(other[name].cat.categories)
        other[name] = other[name].cat.set_categories(["unheard_of", *reversed(known)])
    assert evidence_of(other) == evidence_of(lines)


def test_text_columns_are_categories_too() -> None:
    lines = frame(MANY_KINDS, rules(policy_dict()))
    other = lines.astype(dict.fromkeys(["employment", "closure_cause", "line_status"], "str"))
    assert evidence_of(other) == evidence_of(lines)


def test_columns_without_gaps_need_no_nullable_types() -> None:
    lines = frame([line(account_id="1"), line(account_id="2", days_past_due=3)], rules(policy_dict()))
    other = lines.astype({"days_past_due": "int64", "closed_limit_cents": "int64", "deceased": "bool"})
    assert evidence_of(other) == evidence_of(lines)


def test_every_row_is_of_one_kind_or_not_up_for_judgement() -> None:
    kinds = kinds_of(rules(policy_dict()), MANY_KINDS)
    assert kinds.closed.tolist() == [0, 1, 4, 7]
    assert kinds.temporary.tolist() == [3, 8]
    assert kinds.probation.tolist() == [5]
    assert kinds.pending_activation.tolist() == [6]


def test_ids_are_texts_and_stay_what_they_are() -> None:
    ids = ["000123", "1E5", "NA", "nan", "None", "", " x ", "零", "-1"]
    assert set(judge(rules(policy_dict()), [line(account_id=name) for name in ids])) == set(ids)


def test_partitions_in_which_nobody_is_judged_have_the_same_columns() -> None:
    night = Night(rules(policy_dict()), NIGHT)
    tables = []
    for rows in ([line(line_status="open")], MANY_KINDS):
        lines = frame(rows, night.rules)
        judged, _ = rescore_lines(lines, night)
        table = evidence_table(judged, lines, night)
        tables.append((table.column_names, candidates_table(judged, lines, night, table).column_names))
    assert tables[0] == tables[1]


def test_the_same_line_is_judged_alike_alone_and_among_others() -> None:
    together = judge(rules(policy_dict()), MANY_KINDS)
    for row in (row for row in MANY_KINDS if row["account_id"] in together):
        assert judge_one(policy_dict(), row) == together[row["account_id"]]
