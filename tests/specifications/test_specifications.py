"""Every rule in sentences, held against the core as a night runs it, and against the oracle."""

from typing import Any

import pytest

from schemas.vocabulary import PROGRAM_REASONS, Decision, Route, Step
from tasks.contract import REPEATED, check_partition
from tests import oracle
from tests.factories import Row, frame, judge, rules
from tests.specifications.cases import OUTCOMES, Case, base, cases
from tests.specifications.render import PAGE, rendered

ALL = list(cases())


def judged(case: Case) -> dict[str, dict[str, Any]]:
    """What the core says of every line of a case: its evidence, or why its row was refused."""
    compiled, night = rules(case.policy), base()["night"]
    rows = list(case.rows.values())
    table = frame(rows, compiled)
    own = table[["account_id", *compiled.snapshot_columns]]
    refused: dict[int, list[str]] = {}
    for reason, mask in check_partition(own, compiled, night).failures.items():
        for place in mask.nonzero()[0]:
            refused.setdefault(int(place), []).append(reason)
    ids = [row["account_id"] for row in rows]
    for place, name in enumerate(ids):
        if ids.count(name) > 1:
            refused.setdefault(place, []).append(REPEATED)
    clean = [row for place, row in enumerate(rows) if place not in refused]
    found = judge(compiled, clean, night)
    expected = oracle.judge_night(case.policy, clean, night)
    _hold_against(expected, found)
    return {
        name: {"quarantined": refused[place]}
        if place in refused
        else found.get(row["account_id"], {"not_judged": True})
        for place, (name, row) in enumerate(case.rows.items())
    }


def _hold_against(expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> None:
    assert set(found) == set(expected)
    for account, result in expected.items():
        for name in OUTCOMES:
            assert _plain(found[account][name]) == _plain(result[name]), name


def _plain(value: Any) -> Any:
    """Steps without what does not apply to them."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict) and "attribute" in value:
        left_out = ("at_least", "below") if value.get("values") is not None else ("values",)
        return {name: each for name, each in value.items() if name not in left_out}
    return value


@pytest.mark.parametrize("case", ALL, ids=[case.rule for case in ALL])
def test_rule(case: Case) -> None:
    found = judged(case)
    for line, wanted in case.then.items():
        for name, value in wanted.items():
            assert _found(found[line], name, value) == value, f"{line}: {name}"


def _found(line: dict[str, Any], name: str, wanted: Any) -> Any:
    if name in ("answers", "points"):
        kind = "criterion" if name == "answers" else "points"
        return {each: line[f"{kind}.{each}"] for each in wanted}
    return _plain(line[name])


def test_every_word_of_a_judgement_occurs_in_a_specification() -> None:
    wanted = [outcome for case in ALL for outcome in case.then.values()]
    given = {name: {str(each[name]) for each in wanted if name in each} for name in ("decision", "step", "route")}
    assert given["decision"] == {each.value for each in Decision}
    assert given["step"] == {each.value for each in Step}
    assert given["route"] >= {each.value for each in Route}
    assert {reason for each in wanted for reason in each.get("reasons", [])} >= set(PROGRAM_REASONS)
    answers = {answer for each in wanted for answer in each.get("answers", {}).values()}
    assert answers == {"fail", "unknown", "pass"}


def test_no_rule_is_told_twice() -> None:
    assert len({case.rule for case in ALL}) == len(ALL)


def test_the_page_of_specifications_is_what_the_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run `make specifications`"


def test_rows_of_the_base_are_clean() -> None:
    row: Row = base()["line"]
    assert not check_partition(
        frame([row], rules(base()["policy"]))[["account_id", *rules(base()["policy"]).snapshot_columns]],
        rules(base()["policy"]),
        base()["night"],
    ).failures
