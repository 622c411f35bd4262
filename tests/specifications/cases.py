"""Specifications in sentences: YAML that a risk officer can read, judged as a night judges, by core and by oracle.

A case has a `rule` and one of these, with the smallest change to the base that shows it:

- `given` (one line) or `lines` (several, by name), and `then`: what is judged of them;
- `delivered`: the same, but the rows come as a file of which this is said; it may be `refuses` instead of `then`;
- `refuses` alone: words with which the policy file is refused, `written` puts some of its text otherwise;
- `nights`: several of them, each `on` a date, with the ledger and the files of a home in between.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from schemas.vocabulary import LEDGER_COLUMNS
from tests.factories import PolicyDict, Row, merged

FOLDER = Path(__file__).parent
ALONE = "the line"
"""What the only line of a case is called."""
NIGHT = "the night"
"""What the night itself is called among what follows."""
LEFT_OUT = "(left out)"
"""As a change to a policy: the key is not in the file."""
OF_CASE = {"rule", "policy", "delivered", "written", "nights", "versions", "portfolio", "texts"}
OF_NIGHT = {"given", "lines", "then", "refuses"}
OUTCOMES = {
    "decision", "step", "cause", "route", "score", "recoverable", "limit_cents", "valid_until", "reasons", "unknown",
    "must_wait", "must_fix", "must_show", "score_gap", "score_steps", "earliest_on",
}  # fmt: skip
EXPECTED = {*OUTCOMES, "answers", "points", "quarantined", "not_judged"}
EXPECTED_OF_NIGHT = {"policy_version", "exceptions"}


@dataclass(frozen=True)
class Judged:
    """Lines of one night as they are written and as whole rows, and what follows, by the name of each line.

    `refuses` are words with which all of it is refused.
    """

    on: datetime.date
    given: dict[str, Row]
    rows: dict[str, Row]
    then: dict[str, dict[str, Any]]
    refuses: str | None


@dataclass(frozen=True)
class Case:
    """One rule with what is given and what follows.

    `changes` are those to the policy; `files` what else is said of files: `delivered`, `written`, `versions`, `portfolio`
    and `texts`. `refuses` are the words with which the policy itself is refused.
    """

    theme: str
    rule: str
    changes: PolicyDict
    policy: PolicyDict
    nights: tuple[Judged, ...]
    files: dict[str, Any]
    refuses: tuple[str, ...]
    takes_turns: bool
    accounts: dict[str, str]


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


def changed(part: Any, changes: Any) -> Any:
    """`part` with `changes`: key by key in a mapping, by id or code in a list of parts that have one, else instead."""
    if not isinstance(changes, dict) or not isinstance(part, dict | list):
        return changes
    if isinstance(part, list):
        key = "code" if "code" in part[0] else "id"
        entries = changed({each[key]: each for each in part}, changes)
        return [{key: name, **entry} for name, entry in entries.items()]
    new = {**part, **{name: changed(part.get(name), change) for name, change in changes.items()}}
    return {name: value for name, value in new.items() if value != LEFT_OUT}


def _load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def _theme(path: Path) -> Theme:
    loaded = _load(path)
    _refuse(path.name, set(loaded) - {"theme", "says", "policy", "cases"})
    shared = loaded.get("policy", {})
    built = tuple(_case(loaded["theme"], shared, each) for each in loaded["cases"])
    return Theme(loaded["theme"], loaded["says"], built)


def _case(theme: str, shared: PolicyDict, written: dict[str, Any]) -> Case:
    rule = written["rule"]
    takes_turns = "nights" in written
    _refuse(rule, set(written) - OF_CASE - (set() if takes_turns else OF_NIGHT))
    own = written.get("policy", {})
    policy = changed(changed(base()["policy"], shared), own)
    accounts: dict[str, str] = {}
    plain = [{name: written[name] for name in OF_NIGHT if name in written}] if {"given", "lines"} & set(written) else []
    nights = [_judged(rule, each, policy, accounts) for each in written.get("nights", plain)]
    if takes_turns:
        odd = {name for night in nights for row in night.rows.values() for name in row if name in LEDGER_COLUMNS}
        _refuse(rule, odd)
    refuses = () if nights else _listed(written["refuses"])
    files = {
        name: written[name] for name in ("delivered", "written", "versions", "portfolio", "texts") if name in written
    }
    return Case(theme, rule, merged(shared, own), policy, tuple(nights), files, refuses, takes_turns, accounts)


def _judged(rule: str, written: dict[str, Any], policy: PolicyDict, accounts: dict[str, str]) -> Judged:
    _refuse(rule, set(written) - OF_NIGHT - {"on"})
    alone = "lines" not in written
    given = {ALONE: written["given"]} if alone else written["lines"]
    then = written.get("then", {})
    if alone:
        night = {NIGHT: then[NIGHT]} if NIGHT in then else {}
        then = {**({ALONE: each} if (each := {k: v for k, v in then.items() if k != NIGHT}) else {}), **night}
    on = written.get("on", base()["night"])
    for name, changes in given.items():
        number = base()["line"]["account_id"] if name == ALONE else f"00{len(accounts)}"
        accounts[name] = changes.get("account_id", accounts.get(name, number))
    _refuse(rule, set(then) - set(accounts) - {NIGHT}, set(then.get(NIGHT, {})) - EXPECTED_OF_NIGHT)
    _refuse(rule, *(set(each) - EXPECTED for name, each in then.items() if name != NIGHT))
    rows = {name: _row(rule, changes, policy, on, accounts[name]) for name, changes in given.items()}
    return Judged(on, given, rows, then, written.get("refuses"))


def _row(rule: str, changes: Row, policy: PolicyDict, on: datetime.date, account: str) -> Row:
    state = base()["states"][changes["is"]] if "is" in changes else {}
    own = {name: value for name, value in changes.items() if name != "is"}
    declared = policy["attributes"]
    known = {*base()["line"], *LEDGER_COLUMNS, *declared, *(each.get("observed_on") for each in declared.values())}
    _refuse(rule, set(own) - known)
    return {**base()["line"], "business_date": on, "account_id": account, **state, **own}


def _listed(words: str | list[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def _refuse(where: str, *unknown: set[str]) -> None:
    """A word that nobody knows would test nothing."""
    odd = sorted(set().union(*unknown))
    if odd:
        msg = f"{where}: {', '.join(odd)} mean nothing here"
        raise ValueError(msg)
