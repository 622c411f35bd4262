"""Holds the core against the oracle, field by field, on every line of a night."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests import oracle
from tests.decisioning.strategies import RandomNight
from tests.factories import judge, kinds_of, rules

FIELDS = (
    "decision", "step", "cause", "route", "score", "recoverable", "limit_cents", "valid_until", "reasons", "unknown",
    "must_wait", "must_fix", "must_show", "score_gap", "score_steps", "earliest_on",
)  # fmt: skip
REOPENED = ("reopen", "reopen_temporarily")


@dataclass
class Figures:
    """What a campaign of random nights covered and found."""

    policies: int = 0
    lines: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    @property
    def reopened(self) -> int:
        return sum(count for (decision, _), count in self.outcomes.items() if decision in REOPENED)

    def __str__(self) -> str:
        return (
            f"{self.policies} policies, {self.lines} lines, {self.reopened} reopened, "
            f"{len(self.differences)} differences"
        )

    def add(self, night: RandomNight) -> None:
        """Judge `night` twice and count."""
        expected = oracle.judge_night(night.policy, night.rows, night.date)
        self.policies += 1
        self.lines += len(expected)
        self.outcomes.update((result["decision"], result["step"]) for result in expected.values())
        self.differences += differences(night, expected)


def differences(night: RandomNight, expected: dict[str, dict[str, Any]] | None = None) -> list[str]:
    """Every field on which core and oracle differ, in words; none where they agree."""
    if expected is None:
        expected = oracle.judge_night(night.policy, night.rows, night.date)
    compiled = rules(night.policy)
    found = judge(compiled, night.rows, night.date)
    if set(found) != set(expected):
        return [f"judged {sorted(found)}, expected {sorted(expected)}"]
    kinds, out = _kinds(night), []
    for kind, positions in vars(kinds_of(compiled, night.rows, night.date)).items():
        ids = [night.rows[position]["account_id"] for position in positions]
        if ids != [name for name, own in kinds.items() if own == kind]:
            out.append(f"{ids} are {kind} lines, expected {kinds}")
    for name, result in expected.items():
        wanted = _flat(result) | {"line_kind": kinds[name]}
        got = found[name] | {"score_steps": _readable(found[name]["score_steps"])}
        out += [f"{name}.{key}: core {got[key]!r}, oracle {wanted[key]!r}" for key in wanted if got[key] != wanted[key]]
    return out


def _kinds(night: RandomNight) -> dict[str, str | None]:
    return {row["account_id"]: oracle.up_for_judgement(row, night.policy, night.date) for row in night.rows}


def _flat(result: dict[str, Any]) -> dict[str, Any]:
    """The oracle's result in the columns of the evidence."""
    return {
        **{name: result[name] for name in FIELDS},
        "score_steps": _readable(result["score_steps"]),
        **{f"criterion.{name}": answer for name, answer in result["answers"].items()},
        **{f"points.{name}": points for name, points in result["points"].items()},
    }


def _readable(steps: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Score steps without what does not apply, truths in the words of the policy language."""
    if steps is None:
        return None
    known = [{key: value for key, value in step.items() if value is not None} for step in steps]
    return [
        step | ({"values": [_word(value) for value in step["values"]]} if "values" in step else {}) for step in known
    ]


def _word(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
