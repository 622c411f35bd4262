"""Judging one partition of a night: which lines are up, their evidence, their decisions and their paths."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from schemas.vocabulary import Decision, LedgerState, LineKind, Step
from tasks.decisioning.columns import Bools, Columns, Ints, Rows
from tasks.decisioning.facts import DECISIONS, STEPS, Array, Facts, Night, gather_facts
from tasks.decisioning.judge import Verdicts, judge_closed
from tasks.decisioning.live_lines import judge_probation, judge_temporary
from tasks.decisioning.path import Paths, find_paths
from tasks.decisioning.ragged import Ragged, join

BLOCK_ROWS = 32_768
"""Rows judged at a time: few enough that their columns stay in the processor's cache."""
KINDS = tuple(LineKind)


@dataclass(frozen=True)
class Kinds:
    """Which rows of a partition are looked at, and as what; each is an array of positions."""

    closed: Ints
    temporary: Ints
    probation: Ints
    pending_activation: Ints


@dataclass(frozen=True)
class Judged:
    """Everything that was found out about some lines, one entry a line.

    Codes count into the tuples of `tasks.decisioning.judge` and `Night`: decisions, steps, routes, `night.reasons`,
    `night.ids`. `answers` is criteria by lines, `points` scorecard attributes by lines. `path_rows` are the positions
    of the lines that have a path.
    """

    positions: Ints
    kind: Array
    decision: Array
    step: Array
    route: Array
    score: Array
    recoverable: Bools
    limit_cents: Ints
    valid_until: Ints
    campaign: Array
    reasons: Ragged
    unknown: Ragged
    fallback_reasons: Ragged
    answers: Array
    points: Array
    path_rows: Ints
    wait: Ragged
    wait_days: Ragged
    fix: Ragged
    show: Ragged
    gap: Ints
    steps: Ragged
    gains: Ragged
    closable: Bools
    earliest: Ints

    def __len__(self) -> int:
        return len(self.positions)


def kinds_of_lines(columns: Columns) -> Kinds:
    """Sort the rows of a partition into those up for judgement and those that wait for the core system."""
    probation = columns.rules.policy.probation
    closed = _is(columns, "line_status", "closed")
    temporary = _is(columns, "ledger_state", LedgerState.TEMPORARY)
    reopened = _is(columns, "ledger_state", LedgerState.REOPENED)
    if not (temporary.any() or reopened.any()):
        none = np.zeros(0, np.int64)
        return Kinds(np.flatnonzero(closed), none, none, none)
    since = columns["ledger_since"].values
    known = closed & (temporary | reopened) & (columns["closed_on"].values <= since)
    on_probation = np.zeros_like(closed)
    if probation:
        on_probation = ~closed & reopened & (columns.today - since <= probation.days)
    return Kinds(
        closed=np.flatnonzero(closed & ~known),
        temporary=np.flatnonzero(temporary & (known | ~closed)),
        probation=np.flatnonzero(on_probation),
        pending_activation=np.flatnonzero(known & reopened),
    )


def rescore_lines(frame: pd.DataFrame, night: Night) -> tuple[Judged, Kinds]:
    """Judge every line of a partition that is up for judgement.

    Args:
        frame: clean, typed rows (see `Columns`) with an index from 0, ledger columns joined where there are any.
        night: policy and business date.

    Returns:
        The lines judged, closed ones first, and what every row was looked at as.
    """
    columns = Columns(frame, night.rules, night.business_date)
    kinds = kinds_of_lines(columns)
    parts = [_closed_block(columns, night, rows) for rows in _blocks(kinds.closed, len(frame))]
    if len(kinds.temporary):
        held = Columns(_as_the_ledger_closed_them(frame.iloc[kinds.temporary]), night.rules, night.business_date)
        facts = gather_facts(night, Rows(held, slice(0, len(held))), "closure_cause")
        parts.append(_judged(facts, judge_temporary(facts), kinds.temporary, LineKind.TEMPORARY))
    if len(kinds.probation):
        facts = gather_facts(night, Rows(columns, kinds.probation), "ledger_cause")
        parts.append(_judged(facts, judge_probation(facts), kinds.probation, LineKind.PROBATION))
    return _joined(parts, night), kinds


def _is(columns: Columns, name: str, value: str) -> Bools:
    column = columns[name]
    return np.array([*(each == value for each in column.categories), False])[column.values]


def _blocks(positions: Ints, count: int) -> list[slice | Ints]:
    starts = range(0, len(positions), BLOCK_ROWS)
    if len(positions) == count:
        return [slice(start, min(start + BLOCK_ROWS, count)) for start in starts]
    return [positions[start : start + BLOCK_ROWS] for start in starts]


def _closed_block(columns: Columns, night: Night, positions: slice | Ints) -> Judged:
    facts = gather_facts(night, Rows(columns, positions), "closure_cause")
    verdicts = judge_closed(facts)
    stays = (verdicts.decision == DECISIONS.index(Decision.KEEP_CLOSED)) & (verdicts.step == STEPS.index(Step.CAUSE))
    if isinstance(positions, slice):
        positions = np.arange(positions.start, positions.stop)
    return _judged(facts, verdicts, positions, LineKind.CLOSED, find_paths(facts, np.flatnonzero(stays)))


def _as_the_ledger_closed_them(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of temporary lines with the closing that the ledger reversed in place of their own."""
    return frame.assign(
        closed_on=frame["ledger_closed_on"],
        closure_cause=frame["ledger_cause"],
        closed_limit_cents=frame["ledger_closed_limit_cents"],
        closure_initiator=pd.Categorical(["issuer"] * len(frame)),
    ).reset_index(drop=True)


def _judged(facts: Facts, verdicts: Verdicts, positions: Ints, kind: LineKind, paths: Paths | None = None) -> Judged:
    paths = paths or find_paths(facts, np.zeros(0, np.int64))
    answers = [*facts.criteria.values()]
    return Judged(
        positions=positions,
        kind=np.full(len(positions), KINDS.index(kind), np.int8),
        decision=verdicts.decision,
        step=verdicts.step,
        route=verdicts.route,
        score=facts.score,
        recoverable=verdicts.recoverable,
        limit_cents=verdicts.limit_cents,
        valid_until=verdicts.valid_until,
        campaign=verdicts.campaign,
        reasons=verdicts.reasons.build(),
        unknown=verdicts.unknown.build(),
        fallback_reasons=verdicts.fallback_reasons.build(),
        answers=np.array(answers, np.int8).reshape(len(answers), len(positions)),
        points=facts.scores.points,
        path_rows=paths.rows,
        wait=paths.wait,
        wait_days=paths.wait_days,
        fix=paths.fix,
        show=paths.show,
        gap=paths.gap,
        steps=paths.steps,
        gains=paths.gains,
        closable=paths.closable,
        earliest=paths.earliest,
    )


def _joined(parts: list[Judged], night: Night) -> Judged:
    if not parts:
        return _judged_nobody(night)
    joined: dict[str, object] = {}
    for name in (field.name for field in fields(Judged)):
        values = [getattr(part, name) for part in parts]
        if name == "path_rows":
            starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
            values = [rows + start for rows, start in zip(values, starts, strict=True)]
        joined[name] = join(values) if isinstance(values[0], Ragged) else np.concatenate(values, axis=-1)
    return Judged(**joined)  # type: ignore[arg-type]


def _judged_nobody(night: Night) -> Judged:
    """The evidence of a partition in which no line is up for judgement: every array there, and empty."""
    none, lists = np.zeros(0, np.int64), join([])
    shapes = {"answers": (len(night.rules.criteria), 0), "points": (len(night.rules.scorecard), 0)}
    values: dict[str, object] = {}
    for field in fields(Judged):
        if field.type == "Ragged" or field.type is Ragged:
            values[field.name] = lists
        else:
            kind = np.int8 if field.name in ("kind", "decision", "step", "route", "answers", "campaign") else np.int64
            values[field.name] = np.zeros(shapes[field.name], kind) if field.name in shapes else none
    values["recoverable"] = values["closable"] = np.zeros(0, bool)
    return Judged(**values)  # type: ignore[arg-type]
