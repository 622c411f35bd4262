"""The plan of a night: what will change, decided over all partitions at once, in one table with a hash."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import ReinstateError
from schemas.handles import Accepted, Plan, Rescored, Run
from schemas.vocabulary import TRANSITIONS, Decision, LedgerState, LineKind, Step
from tasks.decisioning.budget import granted_within
from tasks.decisioning.rules import Rules
from tasks.evidence import PASSED_OVER_STEPS, write_table

OVERLAY_COLUMNS = ["account_id", "decision", "step", "reasons", "route", "limit_cents", "valid_until"]


class CountsDisagree(ReinstateError):
    """Counts of a night that must add up do not; nothing is published."""


def make_plan(run: Run, rules: Rules, accepted: Accepted, rescored: list[Rescored]) -> Plan:
    """Apply the night's budget over all partitions and set down what will change.

    Args:
        run: the run.
        rules: its policy.
        accepted: the snapshot.
        rescored: its partitions, judged.
    """
    candidates = pa.concat_tables([plain_texts(pq.read_table(part.candidates)) for part in rescored])
    settled, overlay = within_budget(candidates, rules)
    changes = pc.is_in(settled["decision"], value_set=pa.array([each.value for each in TRANSITIONS]))
    ledger = pq.read_table(run.directory / "ledger.parquet")
    absent = _absent(ledger, rescored)
    ended = absent.filter(pc.less_equal(absent["ledger_valid_until"], pa.scalar(run.business_date, pa.date32())))
    transitions = _transitions(settled.filter(changes), ended)
    stays = settled.filter(pc.and_(pc.invert(changes), settled["recoverable"]))
    write_table(overlay, run.directory / "overlay.parquet")
    write_table(stays.select(["account_id"]).sort_by("account_id"), run.directory / "recoverable.parquet")
    write_table(transitions, run.directory / "plan.parquet")
    return Plan(
        path=run.directory / "plan.parquet",
        decided=run.directory / "plan.parquet",
        overlay=run.directory / "overlay.parquet",
        recoverable=run.directory / "recoverable.parquet",
        decided_recoverable=run.directory / "recoverable.parquet",
        plan_hash=plan_hash(run, transitions, stays["account_id"]),
        transition_count=len(transitions),
        row_count=accepted.snapshot.row_count,
        judged_count=sum(part.judged_count for part in rescored),
        not_up_count=sum(part.not_up_count for part in rescored),
        quarantined_count=accepted.quarantined_count,
        pending_activation_count=sum(part.pending_activation_count for part in rescored),
        decisions=_decisions(rescored, candidates, settled),
        exceptions={
            "held by the ledger, missing from the snapshot": len(absent),
            "reopened, not activated in time": sum(part.overdue_activation_count for part in rescored),
        },
    )


REPORT_COLUMNS = ["account_id", "cause", "customer_segment", "product_code", "decision", "step", "score", "reasons"]


def evidence_tables(run: Run, plan: Plan, columns: list[str] | None = REPORT_COLUMNS) -> Iterator[pa.Table]:
    """The evidence of a night as it was settled, partition by partition: the plan's outcomes laid over it."""
    overlay = pq.read_table(plan.overlay)
    for path in sorted((run.directory / "evidence").glob("part-*.parquet")):
        yield laid_over(plain_texts(pq.read_table(path, columns=columns)), overlay)


def laid_over(evidence: pa.Table, overlay: pa.Table) -> pa.Table:
    """Evidence, in plain texts, with the outcomes of the lines that the budget passed over."""
    places = pc.index_in(evidence["account_id"].combine_chunks(), value_set=overlay["account_id"].combine_chunks())
    if places.null_count == len(places):
        return evidence
    for name in (name for name in OVERLAY_COLUMNS[1:] if name in evidence.column_names):
        own, over = evidence[name].combine_chunks(), overlay[name].combine_chunks()
        mixed = _either(pc.is_null(places), own, over.cast(own.type).take(pc.fill_null(places, 0)))
        evidence = evidence.set_column(evidence.schema.get_field_index(name), name, mixed)
    return evidence


def check_counts(plan: Plan) -> None:
    """Rows are judged, not up for judgement, or quarantined; decisions add up to the lines judged.

    Raises:
        CountsDisagree: they do not.
    """
    parts = plan.judged_count + plan.not_up_count + plan.quarantined_count
    if parts != plan.row_count:
        raise CountsDisagree(
            f"{plan.row_count} rows came in, but {plan.judged_count} judged + {plan.not_up_count} not up for judgement "
            f"+ {plan.quarantined_count} quarantined are {parts}; nothing was published. This is a fault of the program."
        )
    if sum(plan.decisions.values()) != plan.judged_count:
        raise CountsDisagree(
            f"{plan.judged_count} lines were judged, but the decisions add up to {sum(plan.decisions.values())}; "
            "nothing was published. This is a fault of the program."
        )


def plain_texts(table: pa.Table) -> pa.Table:
    """Dictionaries as text, in lists too, so that tables of several partitions go together."""
    return table.cast(pa.schema([pa.field(field.name, _plain_type(field.type)) for field in table.schema]))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _plain_type(field.type)) for field in kind])
    return kind


def within_budget(candidates: pa.Table, rules: Rules) -> tuple[pa.Table, pa.Table]:
    """The candidates as the budget leaves them, and those that it passed over, for laying over the evidence."""
    frame = candidates.select(["route", "score", "account_id", "limit_cents"]).to_pandas()
    granted = pa.array(granted_within(rules.policy.nightly_budget, frame))
    if pc.all(granted).as_py() is not False:
        return candidates, candidates.slice(0, 0).select(OVERLAY_COLUMNS)
    words = candidates["fallback_decision"].combine_chunks()
    steps = pa.array([step.value for step in PASSED_OVER_STEPS.values()])
    names = pa.array([decision.value for decision in PASSED_OVER_STEPS])
    columns = {
        "decision": words,
        "step": steps.take(pc.index_in(words, value_set=names)),
        "reasons": candidates["fallback_reasons"].combine_chunks(),
    }
    settled = candidates
    for name in ("decision", "step", "reasons", "route", "limit_cents", "valid_until", "campaign"):
        own = settled[name].combine_chunks()
        instead = columns.get(name, pa.nulls(len(own), own.type))
        place = settled.schema.get_field_index(name)
        settled = settled.set_column(place, name, _either(granted, own, instead))
    return settled, settled.filter(pc.invert(granted)).select(OVERLAY_COLUMNS)


def _either(condition: pa.Array, yes: pa.Array, no: pa.Array) -> pa.Array:
    """`if_else` for lists too."""
    both = pa.concat_arrays([yes, no])
    count = len(yes)
    places = np.where(np.asarray(condition), np.arange(count), np.arange(count) + count)
    return both.take(pa.array(places))


def _absent(ledger: pa.Table, rescored: list[Rescored]) -> pa.Table:
    """The lines that the ledger holds as open and no partition has among its clean rows."""
    seen = [np.load(part.seen) for part in rescored]
    mask = np.ones(len(ledger), bool)
    mask[np.concatenate([*seen, np.zeros(0, np.int64)]).astype(np.int64)] = False
    live = pc.not_equal(ledger["ledger_state"], LedgerState.NONE.value)
    return ledger.filter(pc.and_(pa.array(mask), live))


def _transitions(changes: pa.Table, ended: pa.Table) -> pa.Table:
    """What will change, in the order of account ids; an end says what ended: the first day without access."""
    own = changes["valid_until"].combine_chunks()
    ends = pc.equal(changes["decision"], Decision.EXPIRE.value).combine_chunks()
    until = _either(ends, changes["held_until"].combine_chunks(), own)
    changes = changes.set_column(changes.schema.get_field_index("valid_until"), "valid_until", until)
    kept = [name for name in changes.column_names if not name.startswith(("fallback_", "held_"))]
    changes = changes.select(kept)
    gone = pa.Table.from_pylist([_expired(row, kept) for row in ended.to_pylist()], schema=changes.schema)
    return pa.concat_tables([changes, gone]).sort_by("account_id")


def _expired(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The end of a temporary line that tonight's snapshot does not show."""
    known = {
        "account_id": row["account_id"],
        "line_kind": LineKind.TEMPORARY.value,
        "decision": Decision.EXPIRE.value,
        "step": Step.EXPIRY.value,
        "cause": row["ledger_cause"],
        "closed_on": row["ledger_closed_on"],
        "closed_limit_cents": row["ledger_closed_limit_cents"],
        "valid_until": row["ledger_valid_until"],
        "recoverable": False,
        "reasons": [],
        "unknown": [],
    }
    return {name: known.get(name) for name in names}


def plan_hash(run: Run, transitions: pa.Table, recoverable: pa.ChunkedArray) -> str:
    """SHA-256 over whose plan it is and everything that will change, column by column, as text.

    No two runs have the same: what people say of one plan is never said of another.
    """
    digest = hashlib.sha256(f"{run.portfolio}\n{run.business_date}\n{run.revision}".encode())
    for name in sorted(transitions.column_names):
        digest.update(f"\n\n{name}\n".encode())
        digest.update("\n".join(_texts(transitions[name])).encode())
    digest.update(b"\n\nrecoverable\n")
    digest.update("\n".join(sorted(recoverable.to_pylist())).encode())
    return digest.hexdigest()


def _texts(column: pa.ChunkedArray) -> list[str]:
    """The values of a column as text, a missing one as a character that no text may hold."""
    words = pc.binary_join(column, ",") if pa.types.is_list(column.type) else column.cast(pa.string())
    return pc.fill_null(words, "\x00").to_pylist()


def _decisions(rescored: list[Rescored], candidates: pa.Table, settled: pa.Table) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for part in rescored:
        counts.update(part.decisions)
    counts.update(settled["decision"].to_pylist())
    counts.subtract(candidates["decision"].to_pylist())
    return {decision.value: counts[decision.value] for decision in Decision if counts[decision.value]}
