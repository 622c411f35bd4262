"""Every rule in sentences, held against the core as a night runs it, and against the oracle."""

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas import snapshot
from schemas.errors import ReinstateError, SnapshotRefused
from schemas.policy import Policy
from schemas.vocabulary import LEDGER_COUNTS, PROGRAM_REASONS, Decision, Route, Step
from tasks.contract import check_partition
from tasks.decisioning import compiling, expressions
from tests.factories import Row, frame, rules
from tests.plain_nights import forget
from tests.specifications.cases import Case, base, cases
from tests.specifications.render import PAGE, rendered
from tests.specifications.running import (
    Found,
    judged,
    judged_as_delivered,
    make_home,
    plain,
    refusals,
    run_night,
)

ALL = list(cases())
REFUSED = [case for case in ALL if case.refuses]
DELIVERED = [case for case in ALL if "delivered" in case.files]
SEVERAL = [case for case in ALL if case.takes_turns]
PLAIN = [case for case in ALL if not case.refuses and not case.takes_turns and "delivered" not in case.files]


def of(chosen: list[Case]) -> pytest.MarkDecorator:
    """Run a test for each of some cases, under the name of its rule."""
    return pytest.mark.parametrize("case", chosen, ids=[case.rule for case in chosen])


def hold(found: Found, wanted: Found) -> None:
    """What was found is what should follow."""
    for line, outcome in wanted.items():
        for name, value in outcome.items():
            assert _found(found[line], name, value) == value, f"{line}: {name}"


def _found(line: dict[str, Any], name: str, wanted: Any) -> Any:
    if name in ("answers", "points"):
        kind = "criterion" if name == "answers" else "points"
        return {each: line[f"{kind}.{each}"] for each in wanted}
    if name == "exceptions":
        return {each: line[name][each] for each in wanted}
    return plain(line.get(name))


@of(PLAIN)
def test_rule(case: Case) -> None:
    hold(judged(case), case.nights[0].then)


@of(DELIVERED)
def test_rule_of_a_delivery(case: Case, tmp_path: Path) -> None:
    (night,) = case.nights
    if night.refuses is None:
        hold(judged_as_delivered(case, tmp_path), night.then)
        return
    with pytest.raises(SnapshotRefused) as refused:
        judged_as_delivered(case, tmp_path)
    assert night.refuses in str(refused.value)


@of(REFUSED)
def test_rule_of_a_policy_file(case: Case, tmp_path: Path) -> None:
    found = refusals(case, tmp_path)
    assert len(found) == len(case.refuses), found
    assert [[words for words in case.refuses if words in each] for each in found] == [[words] for words in case.refuses]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    forget()


@of(SEVERAL)
def test_rule_from_night_to_night(case: Case, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_home(case, home, monkeypatch)
    for night in case.nights:
        if night.refuses is None:
            hold(run_night(case, night), night.then)
            continue
        with pytest.raises(ReinstateError) as refused:
            run_night(case, night)
        assert night.refuses in str(refused.value)


def test_every_word_of_a_judgement_occurs_in_a_specification() -> None:
    wanted = [outcome for case in ALL for night in case.nights for outcome in night.then.values()]
    given = {name: {str(each[name]) for each in wanted if name in each} for name in ("decision", "step", "route")}
    assert given["decision"] == {each.value for each in Decision}
    assert given["step"] == {each.value for each in Step}
    assert given["route"] >= {each.value for each in Route}
    assert {reason for each in wanted for reason in each.get("reasons", [])} >= set(PROGRAM_REASONS)
    answers = {answer for each in wanted for answer in each.get("answers", {}).values()}
    assert answers == {"fail", "unknown", "pass"}


def test_every_kind_of_refusal_of_a_policy_has_a_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place that says what is wrong with a policy is reached by a case, so a new refusal needs a sentence.

    Only that there is too much of something has none: nobody would read two hundred parts of a policy.
    """
    said: set[tuple[Any, int]] = set()

    def noting(module: Any, call: Callable[..., None]) -> Callable[..., None]:
        def note(*arguments: Any) -> None:
            said.add((module, inspect.currentframe().f_back.f_lineno))
            call(*arguments)

        return note

    monkeypatch.setattr(compiling._Checker, "say", noting(compiling, compiling._Checker.say))
    error = expressions.ExpressionError
    monkeypatch.setattr(error, "__init__", noting(expressions, error.__init__))
    for case in REFUSED:
        with suppress(compiling.PolicyError, ValidationError):
            compiling.compile_rules(Policy.model_validate(case.policy))
    places = {**_calls(compiling, "say"), **_calls(expressions, "ExpressionError")}
    assert said <= set(places)
    untold = [call for place, call in places.items() if place not in said]
    assert [call for call in untold if "PARTS_MAX" not in call and "TERMS_MAX" not in call] == []


def _calls(module: Any, name: str) -> dict[tuple[Any, int], str]:
    """Where in a module something of that name is called, by line."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call)]
    named = [node for node in calls if name in (getattr(node.func, "attr", ""), getattr(node.func, "id", ""))]
    return {(module, node.lineno): ast.unparse(node) for node in named}


def test_every_reason_to_set_a_row_aside_occurs_in_a_specification() -> None:
    wanted = [outcome for case in ALL for night in case.nights for outcome in night.then.values()]
    words = {reason.split(": ")[1] for each in wanted for reason in each.get("quarantined", [])}
    source = ast.parse(inspect.getsource(snapshot))
    assigned = [node for node in source.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    assert words == {node.value.value for node in assigned if isinstance(node.value.value, str)}


def test_every_count_of_the_ledger_is_asked_in_a_specification() -> None:
    assert [name for name in LEDGER_COUNTS if not any(name in str(case.changes) for case in ALL)] == []


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
