"""A book whose facts stand still while the calendar moves: night after night judged by the core, with a ledger in memory.

What stands still are values and how old they are: a column that dates an attribute moves along. What moves is
`days_since` of every other date, and what the ledger counts. The core system does at once what a night decides.
"""

import datetime
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from schemas.vocabulary import Decision, LineKind
from tasks.decisioning.columns import EPOCH
from tasks.decisioning.facts import DECISIONS, ROUTES, Night
from tasks.decisioning.rescoring import KINDS, Judged, rescore_lines
from tasks.decisioning.rules import Rules
from tests.factories import Row, frame

DAY = datetime.timedelta(days=1)
REOPENED = (Decision.REOPEN, Decision.REOPEN_TEMPORARILY)
COUNTED = (
    ("ledger_reopens_365d_count", Decision.REOPEN, 365),
    ("ledger_reopens_1825d_count", Decision.REOPEN, 1825),
    ("ledger_temporary_365d_count", Decision.REOPEN_TEMPORARILY, 365),
)


@dataclass
class Transition:
    """One change of a line's state."""

    night: datetime.date
    decision: Decision
    valid_until: datetime.date | None
    campaign: str | None


@dataclass
class Line:
    """A line as the core system has it, and all that the job did to it."""

    row: Row
    history: list[Transition] = field(default_factory=list)

    def count(self, decision: Decision) -> int:
        return sum(each.decision is decision for each in self.history)


class Book:
    """Lines under one policy without a budget, one night after the other."""

    def __init__(self, rules: Rules, rows: list[Row]) -> None:
        self.rules = rules
        self.lines = [Line({**row}) for row in rows]
        self._dating = {each.observed_on for each in rules.policy.attributes.values() if each.observed_on}
        self._frame: pd.DataFrame | None = None

    def run(self, first: datetime.date, nights: int) -> None:
        """Judge so many nights and let each have its effect."""
        for offset in range(nights):
            night = first + offset * DAY
            judged, _ = rescore_lines(self._rows(night), Night(self.rules, night))
            self._apply(judged, night)
            self._age()

    def _rows(self, night: datetime.date) -> pd.DataFrame:
        if self._frame is None:
            self._frame = frame([line.row for line in self.lines], self.rules)
        for name, decision, within in COUNTED:
            counts = [
                sum(each.decision is decision and 1 <= (night - each.night).days <= within for each in line.history)
                for line in self.lines
            ]
            self._frame[name] = pd.Series(counts, dtype="Int64")
        nights = [line.row.get("ledger_recoverable_nights_count") or 0 for line in self.lines]
        self._frame["ledger_recoverable_nights_count"] = pd.Series(nights, dtype="Int64")
        return self._frame

    def _age(self) -> None:
        """What is known of a line stays as old as it is."""
        for name in self._dating:
            for line in self.lines:
                if line.row.get(name):
                    line.row[name] += DAY
            if self._frame is not None:
                self._frame[name] = self._frame[name] + pd.Timedelta(days=1)

    def _apply(self, judged: Judged, night: datetime.date) -> None:
        found = np.full(len(self.lines), False)
        found[judged.positions[judged.recoverable]] = True
        for place, line in enumerate(self.lines):
            before = line.row.get("ledger_recoverable_nights_count") or 0
            line.row["ledger_recoverable_nights_count"] = before + 1 if found[place] else 0
        for place in range(len(judged)):
            decision = DECISIONS[judged.decision[place]]
            if decision in (*REOPENED, Decision.EXPIRE, Decision.RECLOSE):
                self._change(self.lines[judged.positions[place]], judged, place, decision, night)

    def _change(self, line: Line, judged: Judged, place: int, decision: Decision, night: datetime.date) -> None:
        self._frame = None
        line.row["ledger_recoverable_nights_count"] = 0
        was_closed = KINDS[judged.kind[place]] is LineKind.CLOSED
        if decision in REOPENED:
            own = {
                f"ledger_{name}": line.row[source if was_closed else f"ledger_{name}"]
                for name, source in (
                    ("cause", "closure_cause"),
                    ("closed_on", "closed_on"),
                    ("closed_limit_cents",) * 2,
                )
            }
            self._reopen(line, judged, place, decision, night, own)
        else:
            line.history.append(Transition(night, decision, None, None))
            closed_on = night if decision is Decision.RECLOSE else line.row["ledger_closed_on"]
            line.row |= {
                "line_status": "closed", "closed_on": closed_on, "closure_cause": line.row["ledger_cause"],
                "closure_initiator": "issuer", "closed_limit_cents": line.row["ledger_closed_limit_cents"],
                "ledger_state": "none", "ledger_since": None, "ledger_route": None, "ledger_valid_until": None,
                "ledger_cause": None, "ledger_closed_on": None, "ledger_closed_limit_cents": None,
            }  # fmt: skip

    def _reopen(
        self, line: Line, judged: Judged, place: int, decision: Decision, night: datetime.date, own: dict[str, Any]
    ) -> None:
        temporary = decision is Decision.REOPEN_TEMPORARILY
        until = EPOCH + int(judged.valid_until[place]) * DAY if temporary else None
        code = self.rules.campaigns[judged.campaign[place]].shape.code if temporary else None
        line.history.append(Transition(night, decision, until, code))
        line.row |= own | {
            "line_status": "open", "closed_on": None, "closure_cause": None, "closure_initiator": None,
            "ledger_state": "temporary" if temporary else "reopened", "ledger_since": night,
            "ledger_route": ROUTES[judged.route[place]].value, "ledger_valid_until": until,
            "ledger_campaigns_used": [*(line.row.get("ledger_campaigns_used") or []), *([code] if code else [])],
        }  # fmt: skip


@dataclass
class Flapping:
    """What many books came to over their nights, and every line that went to and fro."""

    policies: int = 0
    lines: int = 0
    transitions: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, book: Book) -> None:
        """Count a book that has been run."""
        self.policies += 1
        self.lines += len(book.lines)
        for line in book.lines:
            self.transitions.update(each.decision.value for each in line.history)
            self.faults += [f"{line.row['account_id']}: {fault}" for fault in faults_of(line)]

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.transitions.items()))
        return f"{self.policies} policies, {self.lines} lines, {counts}; {len(self.faults)} went to and fro"


def faults_of(line: Line) -> list[str]:
    """How a line's history breaks the rule: one permanent reopening at most, and each temporary one ends once, on time."""
    faults = []
    if line.count(Decision.REOPEN) > 1:
        faults.append(f"{line.count(Decision.REOPEN)} permanent reopenings")
    codes = [each.campaign for each in line.history if each.campaign]
    if len(set(codes)) < len(codes):
        faults.append("a campaign served it twice")
    for each, following in zip(line.history, [*line.history[1:], None], strict=False):
        if each.decision is Decision.REOPEN and following is not None:
            faults.append(f"{following.decision} after a permanent reopening")
        if each.decision is Decision.REOPEN_TEMPORARILY and following is not None:
            if following.decision not in (Decision.EXPIRE, Decision.REOPEN, Decision.RECLOSE):
                faults.append(f"{following.decision} after a temporary reopening")
            elif following.decision is Decision.EXPIRE and following.night != each.valid_until:
                faults.append("it ended on another night than its last")
    return faults
