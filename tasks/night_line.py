"""One line in the files of a published night: its row of the private copy, what the ledger knew, and the evidence."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import NightRefused
from schemas.explanation import LineState, Unknown, Value
from schemas.handles import Settled, Validated
from schemas.portfolio import Portfolio
from schemas.vocabulary import LEDGER_COUNTS
from tasks.decisioning import tree
from tasks.decisioning.columns import Columns, Rows
from tasks.decisioning.rescoring import kinds_of_lines
from tasks.decisioning.rules import Rules
from tasks.decisioning.tree import DaysSince, Missing, Name, Node, Not, walk
from tasks.ledger import join_ledger
from tasks.partitions import UNPARSABLE, read_ids, read_partition, to_frame
from tasks.planning import laid_over, plain_texts
from tasks.retention import why_gone


@dataclass(frozen=True)
class NightLine:
    """One account of one night; `row` and `rows` are None where no row of it could be judged.

    `row` has the values as plain Python, `rows` as the core reads them; both with the ledger's columns, and for a
    temporary line with the closing that the ledger reversed. `known` is the ledger's own row.
    """

    state: LineState
    part: Validated | None
    row: dict[str, Any] | None
    rows: Rows | None
    known: dict[str, Any] | None
    quarantine: tuple[str, ...] = ()


def files_of_lines(settled: Settled) -> Iterator[Path]:
    """The files of a night without which no line of it can be explained."""
    yield from (settled.run.directory / name for name in ("ledger.parquet", "overlay.parquet"))
    for part in settled.accepted.partitions:
        yield part.partition.path
        yield from (_part_file(settled, folder, part) for folder in ("evidence", "candidates"))


def find_line(settled: Settled, rules: Rules, portfolio: Portfolio, account_id: str) -> NightLine:
    """Find an account in a night's private copy and say what its row was.

    Raises:
        NightRefused: files of the night cannot be read, or the rows set aside are gone and the account may be one of them.
    """
    run = settled.run
    try:
        ledger = pq.read_table(run.directory / "ledger.parquet", filters=[("account_id", "=", account_id)])
        known = next(iter(ledger.to_pylist()), None)
        part, table, quarantine = _search(settled, rules, portfolio, account_id)
    except (OSError, pa.ArrowException):
        pass
    else:
        if quarantine:
            return NightLine(LineState.QUARANTINED, part, None, None, known, quarantine)
        if part is None or table is None:
            return NightLine(LineState.ABSENT, None, None, None, known)
        return line_of(to_frame(join_ledger(table, ledger)[0]), rules, run.business_date, part, known)
    raise NightRefused(f"files of {run.business_date} in {run.directory} cannot be read; the night cannot be explained")


def line_of(
    frame: pd.DataFrame,
    rules: Rules,
    business_date: datetime.date,
    part: Validated | None = None,
    known: dict[str, Any] | None = None,
) -> NightLine:
    """The line of a typed frame of one row, ledger columns joined, as the judgement sees it."""
    state = _state(frame, rules, business_date)
    if state is LineState.TEMPORARY:
        frame = _as_the_ledger_closed_it(frame)
    return NightLine(state, part, plain_row(frame), Rows(Columns(frame, rules, business_date), slice(0, 1)), known)


def _search(
    settled: Settled, rules: Rules, portfolio: Portfolio, account_id: str
) -> tuple[Validated | None, pa.Table | None, tuple[str, ...]]:
    """The partition and the clean row of an account, or all that is wrong with its rows."""
    wrong: dict[str, None] = {}
    found: tuple[Validated | None, pa.Table | None] = (None, None)
    for part in settled.accepted.partitions:
        ids = read_ids(part.partition, rules.snapshot_columns, portfolio.columns)
        for place in np.flatnonzero(ids.to_numpy(zero_copy_only=False) == account_id).tolist():
            reasons = _set_aside_for(settled, part, place, portfolio, account_id)
            if reasons:
                wrong |= dict.fromkeys(reasons)
            else:
                whole = read_partition(part.partition, rules.snapshot_columns, portfolio.columns)
                names = [name for name in whole.column_names if name != UNPARSABLE]
                found = part, whole.select(names).slice(place, 1)
    return *found, tuple(wrong)


def _set_aside_for(
    settled: Settled, part: Validated, place: int, portfolio: Portfolio, account_id: str
) -> tuple[str, ...]:
    """What is wrong with a row; nothing for a clean one.

    The rows set aside may be let go before the evidence: then only a line that was judged is known to have been clean.
    """
    if part.quarantine is None:
        return ()
    if part.quarantine.exists():
        listed = pq.read_table(part.quarantine, filters=[("row", "=", place)])["reasons"].to_pylist()
        return tuple(listed[0]) if listed else ()
    if len(_of_account(settled, "evidence", part, account_id)):
        return ()
    raise NightRefused(
        f"this account was not judged on {settled.run.business_date}, and whether its row was set aside cannot be said: "
        f"{part.quarantine} is gone. {why_gone(portfolio, settled.run.business_date, 'quarantine_days')}"
    )


def _state(frame: pd.DataFrame, rules: Rules, business_date: datetime.date) -> LineState:
    kinds = kinds_of_lines(Columns(frame, rules, business_date))
    for state in (LineState.CLOSED, LineState.TEMPORARY, LineState.PROBATION, LineState.PENDING_ACTIVATION):
        if len(getattr(kinds, state.value)):
            return state
    return LineState.OPEN


def _as_the_ledger_closed_it(frame: pd.DataFrame) -> pd.DataFrame:
    """As the judgement sees a temporary line."""
    return frame.assign(
        closed_on=frame["ledger_closed_on"],
        closure_cause=frame["ledger_cause"],
        closed_limit_cents=frame["ledger_closed_limit_cents"],
        closure_initiator=pd.Categorical(["issuer"]),
    )


def plain_row(frame: pd.DataFrame) -> dict[str, Any]:
    """The one row of a typed frame: dates as dates, what is missing or not finite as None."""
    row: dict[str, Any] = {}
    for name in frame.columns:
        value = frame[name].iloc[0]
        value = value.item() if isinstance(value, np.generic) else value
        if pd.isna(value) or value in (float("inf"), float("-inf")):
            row[name] = None
        else:
            row[name] = value.date() if isinstance(value, pd.Timestamp) else value
    return row


def evidence_row(settled: Settled, part: Validated, account_id: str) -> dict[str, Any]:
    """What was found out about a line that was judged, as the night settled it."""
    table = _of_account(settled, "evidence", part, account_id)
    overlay = pq.read_table(settled.run.directory / "overlay.parquet", filters=[("account_id", "=", account_id)])
    rows: list[dict[str, Any]] = laid_over(plain_texts(table), overlay).to_pylist()
    return rows[0]


def candidate_row(settled: Settled, part: Validated, account_id: str) -> dict[str, Any]:
    """What the line would be granted before the night's budget; empty for a line that would not."""
    return next(iter(_of_account(settled, "candidates", part, account_id).to_pylist()), {})


def _of_account(settled: Settled, folder: str, part: Validated, account_id: str) -> pa.Table:
    path = _part_file(settled, folder, part)
    return pq.read_table(path, filters=[("account_id", "=", account_id)]).combine_chunks()


def _part_file(settled: Settled, folder: str, part: Validated) -> Path:
    path: Path = settled.run.directory / folder / f"part-{part.partition.number:05d}.parquet"
    return path


@dataclass(frozen=True)
class Values:
    """The values of one line by name, with why and since when one is unknown."""

    row: dict[str, Any]
    rows: Rows
    rules: Rules

    def __getitem__(self, name: str) -> Value:
        attribute = self.rules.policy.attributes.get(name)
        found = self.row.get(name, 0 if name in LEDGER_COUNTS else None)
        unknown = self.rows[name].unknown
        dated_by = attribute.observed_on if attribute else None
        observed_on = self.row.get(dated_by) if dated_by else None
        max_age_days = attribute.max_age_days if attribute else None
        why, since = None, None
        if unknown is not None and bool(unknown[0]):
            why = Unknown.MISSING if found is None else Unknown.UNDATED
            if found is not None and observed_on is not None and max_age_days is not None:
                why, since = Unknown.TOO_OLD, observed_on + datetime.timedelta(days=max_age_days + 1)
        return Value(
            name=name,
            type=self.rules.names[name].type,
            unit=attribute.unit if attribute else "cents" if name.endswith("_cents") else None,
            value=found.isoformat() if isinstance(found, datetime.date) else found,
            unknown=why,
            observed_on=observed_on,
            max_age_days=max_age_days,
            unknown_since=since,
        )

    def read_by(self, node: Node, *, is_bar: bool = False) -> tuple[Value, ...]:
        """The values that an expression reads, in its order.

        Args:
            node: the expression.
            is_bar: whether it keeps a line closed, or closes it, where it passes.
        """
        names = dict.fromkeys(part.name for part in walk(node) if isinstance(part, Name | DaysSince | Missing))
        none = set(_none_if_missing(node, negated=is_bar))
        found = (self[name] for name in names)
        return tuple(
            value.model_copy(update={"is_none": value.unknown is Unknown.MISSING and value.name in none})
            for value in found
        )


def _none_if_missing(node: Node, *, negated: bool) -> Iterator[str]:
    """The names whose absence a question takes for "there was none": it answers in favour of the line."""
    match node:
        case Missing(name=name) if not negated:
            yield name
        case Not(operand=part):
            yield from _none_if_missing(part, negated=not negated)
        case tree.All(operands=parts) | tree.Any(operands=parts):
            for part in parts:
                yield from _none_if_missing(part, negated=negated)
