"""Specifications in sentences: YAML that a risk officer can read, judged as a night judges, by core and by oracle."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.factories import LEFT_OUT, PolicyDict, Row, merged

FOLDER = Path(__file__).parent
ALONE = "the line"
"""What the only line of a case is called."""
KEYS = {"rule", "policy", "given", "lines", "then"}
OUTCOMES = {
    "decision", "step", "cause", "route", "score", "recoverable", "limit_cents", "valid_until", "reasons", "unknown",
    "must_wait", "must_fix", "must_show", "score_gap", "score_steps", "earliest_on",
}  # fmt: skip
EXPECTED = {*OUTCOMES, "answers", "points", "quarantined", "not_judged"}


@dataclass(frozen=True)
class Case:
    """One rule with what is given and what follows, by the name of each line."""

    theme: str
    rule: str
    changes: PolicyDict
    given: dict[str, Row]
    then: dict[str, dict[str, Any]]
    policy: PolicyDict
    rows: dict[str, Row]


@dataclass(frozen=True)
class Theme:
    """One file: its heading, what it is about, and its cases."""

    name: str
    says: str
    cases: tuple[Case, ...]


@cache
def base() -> dict[str, Any]:
    """The policy, the line and the states that every case starts from."""
    loaded: dict[str, Any] = _load(FOLDER / "base.yaml")
    return loaded


@cache
def themes() -> tuple[Theme, ...]:
    """Every theme, in the order of the files' names."""
    return tuple(_theme(path) for path in sorted(FOLDER.glob("[0-9]*.yaml")))


def cases() -> Iterator[Case]:
    """Every case of every theme."""
    for theme in themes():
        yield from theme.cases


def _load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _theme(path: Path) -> Theme:
    loaded = _load(path)
    _refuse(path.name, set(loaded) - {"theme", "says", "policy", "cases"})
    shared = loaded.get("policy", {})
    built = tuple(_case(loaded["theme"], shared, each) for each in loaded["cases"])
    return Theme(loaded["theme"], loaded["says"], built)


def _case(theme: str, shared: PolicyDict, written: dict[str, Any]) -> Case:
    _refuse(written["rule"], set(written) - KEYS)
    own = written.get("policy", {})
    alone = "lines" not in written
    given = {ALONE: written["given"]} if alone else written["lines"]
    then = {ALONE: written["then"]} if alone else written["then"]
    _refuse(written["rule"], set(then) - set(given), *(set(each) - EXPECTED for each in then.values()))
    policy = merged(merged(base()["policy"], _without(shared)), _without(own))
    rows = {
        name: _row(written["rule"], place, changes, alone=alone) for place, (name, changes) in enumerate(given.items())
    }
    return Case(theme, written["rule"], merged(shared, own), given, then, policy, rows)


def _row(rule: str, place: int, changes: Row, *, alone: bool) -> Row:
    state = base()["states"][changes["is"]] if "is" in changes else {}
    own = {name: value for name, value in changes.items() if name != "is"}
    known = {
        *base()["line"],
        *(name for each in base()["states"].values() for name in each),
        "ledger_recoverable_nights_count",
    }
    _refuse(rule, set(own) - known)
    numbered = {} if alone else {"account_id": f"00{place}"}
    return {**base()["line"], **numbered, **state, **own}


def _without(changes: PolicyDict) -> PolicyDict:
    """What is left out, in the words of the factories."""
    if changes == "(left out)":
        return LEFT_OUT
    return {name: _without(each) for name, each in changes.items()} if isinstance(changes, dict) else changes


def _refuse(where: str, *unknown: set[str]) -> None:
    """A word that nobody knows would test nothing."""
    odd = sorted(set().union(*unknown))
    if odd:
        msg = f"{where}: {', '.join(odd)} mean nothing here"
        raise ValueError(msg)
