"""The evidence of a night: one row for every line judged, as Arrow tables and Parquet files.

Evidence of a partition is final but for the night's budget; `overlay` puts the plan's outcomes over it, so that one
reader gives the whole.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.vocabulary import TRANSITIONS, Answer, Decision, LineKind, Step
from tasks.decisioning.facts import DECISIONS, NO_DAY, ROUTES, STEPS, Night
from tasks.decisioning.ragged import Ragged
from tasks.decisioning.rescoring import KINDS, Judged
from tasks.decisioning.rules import Scored
from tasks.whole_files import write_whole

ANSWERS = tuple(Answer)
DAY = pa.date32()
PASSED_OVER_STEPS = {
    Decision.KEEP_CLOSED: Step.BUDGET,
    Decision.EXPIRE: Step.EXPIRY,
    Decision.KEEP_TEMPORARY: Step.TEMPORARY,
}
"""The step of a line that the budget passes over, by what is decided instead."""


def evidence_table(judged: Judged, frame: pd.DataFrame, night: Night) -> pa.Table:
    """Lay out what was found out about a partition's lines, one row a line judged.

    Args:
        judged: decisions, answers and points in codes.
        frame: the partition that was judged.
        night: what the codes count into.
    """
    reasons, ids = night.rules.reasons, night.ids
    spread = _Spread(judged)
    columns: dict[str, pa.Array] = {
        "account_id": _ids(frame).take(pa.array(judged.positions)),
        "line_kind": _words(judged.kind, KINDS),
        **{name: _own(frame[name], judged) for name in ("product_code", "customer_segment")},
        "decision": _words(judged.decision, DECISIONS),
        "step": _words(judged.step, STEPS),
        "cause": _causes(judged, frame),
        "route": _words(judged.route, ROUTES),
        "score": pa.array(judged.score, pa.int32()),
        "recoverable": pa.array(judged.recoverable),
        "limit_cents": pa.array(judged.limit_cents, mask=judged.limit_cents < 0),
        "valid_until": _days(judged.valid_until),
        "reasons": _lists(judged.reasons, _words(judged.reasons.values, reasons)),
        "unknown": _lists(judged.unknown, _words(judged.unknown.values, ids)),
        "must_wait": spread.lists(
            judged.wait,
            pa.StructArray.from_arrays(
                [_words(judged.wait.values, ids), _days(judged.wait_days.values)], ["criterion", "passes_on"]
            ),
        ),
        "must_fix": spread.lists(judged.fix, _words(judged.fix.values, ids)),
        "must_show": spread.lists(judged.show, _words(judged.show.values, ids)),
        "score_gap": spread.values(judged.gap, pa.int64()),
        "score_steps": spread.lists(judged.steps, _steps(judged, night), present=judged.closable),
        "earliest_on": spread.values(judged.earliest, pa.int64(), judged.earliest == NO_DAY).cast(pa.int32()).cast(DAY),
    }
    for name, answers in zip(night.rules.criteria, judged.answers, strict=True):
        columns[f"criterion.{name}"] = _words(answers, ANSWERS)
    for scored, points in zip(night.rules.scorecard, judged.points, strict=True):
        columns[f"points.{scored.name}"] = pa.array(points, pa.int32())
    return pa.table(columns)


def candidates_table(judged: Judged, frame: pd.DataFrame, night: Night, evidence: pa.Table) -> pa.Table:
    """The lines of a partition that may change or are recoverable, with all that the plan needs of them."""
    changes = np.isin(judged.decision, [DECISIONS.index(each) for each in TRANSITIONS])
    rows = np.flatnonzero(changes | judged.recoverable)
    table = evidence.take(pa.array(rows)).select(CANDIDATE_EVIDENCE)
    temporary = judged.kind[rows] == KINDS.index(LineKind.TEMPORARY)
    closed = judged.kind[rows] == KINDS.index(LineKind.CLOSED)
    lines = frame.iloc[judged.positions[rows]]
    codes = [campaign.shape.code for campaign in night.rules.campaigns]
    fallback_reasons = judged.fallback_reasons.take(rows)
    fallback = _lists(fallback_reasons, _words(fallback_reasons.values, night.rules.reasons))
    own = {"closed_on": "closed_on", "closed_limit_cents": "closed_limit_cents"}
    for name, column in own.items():
        values = lines[column].where(closed, lines[f"ledger_{name}"]) if f"ledger_{name}" in lines else lines[column]
        kind = DAY if name == "closed_on" else pa.int64()
        table = table.append_column(name, _arrow(values, kind))
    ends = _arrow(lines["ledger_valid_until"], DAY) if "ledger_valid_until" in lines else pa.nulls(len(rows), DAY)
    over = pc.and_(pa.array(temporary), pc.fill_null(pc.less_equal(ends, pa.scalar(night.business_date, DAY)), False))
    instead = pc.if_else(over, Decision.EXPIRE.value, Decision.KEEP_TEMPORARY.value)
    instead = pc.if_else(pa.array(temporary), instead, Decision.KEEP_CLOSED.value)
    table = table.append_column("campaign", _words(judged.campaign[rows], codes).cast(pa.string()))
    table = table.append_column("held_until", ends)
    table = table.append_column("fallback_decision", instead)
    return table.append_column("fallback_reasons", fallback)


CANDIDATE_EVIDENCE = [
    "account_id", "line_kind", "decision", "step", "cause", "route", "score", "recoverable", "limit_cents",
    "valid_until", "reasons", "unknown",
]  # fmt: skip


def write_table(table: pa.Table, path: Path) -> None:
    """Write Parquet, whole or not at all."""
    write_whole(path, lambda sink: pq.write_table(table, sink, compression="zstd", write_statistics=False))


def write_array(array: np.ndarray, path: Path) -> None:
    """Write an array in numpy's own format, whole or not at all; numpy itself hides why a disk took no more."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    write_whole(path, lambda sink: sink.write(buffer.getbuffer()))


class _Spread:
    """Puts what only lines with a path have among all lines judged."""

    def __init__(self, judged: Judged) -> None:
        self.rows = judged.path_rows
        self.count = len(judged)

    def lists(self, ragged: Ragged, values: pa.Array, present: np.ndarray | None = None) -> pa.ListArray:
        counts = np.zeros(self.count, np.int64)
        counts[self.rows] = ragged.counts
        missing = np.zeros(self.count, bool)
        if present is not None:
            missing[self.rows] = ~present
        offsets = np.concatenate([[0], np.cumsum(counts)])
        mask = pa.array(missing) if missing.any() else None
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=mask)

    def values(self, values: np.ndarray, kind: pa.DataType, missing: np.ndarray | None = None) -> pa.Array:
        out, mask = np.zeros(self.count, np.int64), np.ones(self.count, bool)
        out[self.rows] = values
        mask[self.rows] = False if missing is None else missing
        return pa.array(np.where(mask, 0, out), kind, mask=mask)


def _ids(frame: pd.DataFrame) -> pa.Array:
    ids = pa.array(frame["account_id"], pa.string())
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def _words(codes: np.ndarray, names: tuple[str, ...] | list[str]) -> pa.DictionaryArray:
    kind = np.int8 if len(names) < 127 else np.int16  # noqa: PLR2004 - what fits a signed byte
    indices = pa.array(codes.astype(kind), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array([str(name) for name in names], pa.string()))


def _days(days: np.ndarray) -> pa.Array:
    absent = days == NO_DAY
    return pa.array(np.where(absent, 0, days).astype(np.int32), pa.int32(), mask=absent).cast(DAY)


def _lists(ragged: Ragged, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(ragged.offsets, pa.int32()), values)


def _arrow(series: pd.Series, kind: pa.DataType) -> pa.Array:
    array = pa.Array.from_pandas(series)
    return array.cast(pa.timestamp("s")).cast(kind) if pa.types.is_timestamp(array.type) else array.cast(kind)


def _own(series: pd.Series, judged: Judged) -> pa.Array:
    return pa.array(series).take(pa.array(judged.positions))


def _causes(judged: Judged, frame: pd.DataFrame) -> pa.Array:
    own = _own(frame["closure_cause"], judged)
    live = judged.kind != KINDS.index(LineKind.CLOSED)
    if not live.any():
        return own
    ledger = _own(frame["ledger_cause"], judged).cast(pa.string())
    return pc.if_else(pa.array(live), ledger, own.cast(pa.string())).dictionary_encode()


def _steps(judged: Judged, night: Night) -> pa.StructArray:
    """Score steps: the attribute, what it gains, and the first best bin or the best values."""
    ladders = [_ladder(scored) for scored in night.rules.scorecard]
    attributes = pa.array(judged.steps.values)
    lows = pa.array([low for low, _, _ in ladders], pa.float64()).take(attributes)
    highs = pa.array([high for _, high, _ in ladders], pa.float64()).take(attributes)
    values = pa.array([values for _, _, values in ladders], pa.list_(pa.string())).take(attributes)
    names = _words(judged.steps.values, [scored.name for scored in night.rules.scorecard])
    gains = pa.array(judged.gains.values, pa.int64())
    fields = ["attribute", "gain", "at_least", "below", "values"]
    return pa.StructArray.from_arrays([names, gains, lows, highs, values], fields)


def _ladder(scored: Scored) -> tuple[float | None, float | None, list[str] | None]:
    if scored.shape.bins:
        return *best_bin(scored), None
    return None, None, [str(value).lower() if isinstance(value, bool) else value for value in best_values(scored)]


def best_bin(scored: Scored) -> tuple[float | None, float | None]:
    """The edges, as the policy writes them, of the first reachable bin with the most points; None where open."""
    place = next(each for each in scored.reachable_bins if scored.points[each] == scored.best)
    edges: tuple[float | None, ...] = (None, *scored.edges, None)
    return edges[place], edges[place + 1]


def best_values(scored: Scored) -> list[str | bool]:
    """The allowed values with the most points, sorted."""
    return sorted(value for value, points in scored.points_by_value.items() if points == scored.best)
