"""Judging snapshot files under a policy: no store and no Prefect, and nothing written but a private copy while it runs.

What is judged, and how, is what a night does: the same contract, the same core, the same budget. Only the ledger comes
from the snapshot itself, as columns that it may have.
"""

import csv
import datetime
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import SnapshotRefused
from schemas.snapshot import IN_FUTURE, NOT_ALLOWED
from schemas.vocabulary import LEDGER_COLUMNS, LEDGER_COUNTS, WHOLE_NUMBER_LIMIT, AttributeType, LedgerState
from tasks.contract import REPEATED, check_partition, prove_gate_bites
from tasks.decisioning.facts import Night
from tasks.decisioning.rescoring import rescore_lines
from tasks.decisioning.rules import Rules
from tasks.evidence import candidates_table, evidence_table
from tasks.ledger import complete_ledger
from tasks.partitions import ACCOUNT_ID, UNPARSABLE, read_partition, to_frame
from tasks.planning import laid_over, plain_texts, within_budget
from tasks.snapshots import quarantine_table
from tasks.sources.folder import take_files
from tasks.sources.source import Request

PARTITION_ROWS = 262_144
HELD_STATES = (LedgerState.TEMPORARY.value, LedgerState.REOPENED.value)
NEEDED = {
    **dict.fromkeys(("ledger_since", "ledger_cause"), HELD_STATES),
    **dict.fromkeys(
        ("ledger_valid_until", "ledger_closed_on", "ledger_closed_limit_cents"), (LedgerState.TEMPORARY.value,)
    ),
}
"""What must be known of a line that the ledger holds, by its state."""
NOT_HELD = "is missing on a line that the ledger holds"
NO_CODES = "is no list of campaign codes: CODE,CODE or a JSON list of them"
CODE = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Book:
    """Every row of some snapshot files, typed, in the order of the files; the ledger's columns too if there are any."""

    tables: list[pa.Table]
    business_date: datetime.date

    @property
    def row_count(self) -> int:
        return sum(len(table) for table in self.tables)


@dataclass(frozen=True)
class JudgedLines:
    """What a policy decides about every line of a book by itself, before the budget of the night.

    `evidence` has a row for every line judged, in the order of the snapshot; `candidates` one for every line that may
    change; `quarantine` one for every row refused: its number, counting from 1 over all files, its id and what is wrong.
    """

    evidence: pa.Table
    candidates: pa.Table
    quarantine: pa.Table
    pending_activation_count: int


@dataclass(frozen=True)
class JudgedBook:
    """What a policy decides about a book: `evidence` as in `before_budget`, but settled by the budget."""

    rules: Rules
    row_count: int
    evidence: pa.Table
    before_budget: JudgedLines

    @property
    def quarantine(self) -> pa.Table:
        return self.before_budget.quarantine

    @property
    def pending_activation_count(self) -> int:
        return self.before_budget.pending_activation_count

    @property
    def not_up_count(self) -> int:
        return self.row_count - len(self.quarantine) - len(self.evidence)


def read_book(files: Sequence[Path], policies: Sequence[Rules], business_date: datetime.date) -> Book:
    """Read snapshot files, all Parquet or all CSV, that hold what every one of `policies` asks for.

    Raises:
        SnapshotRefused: a file is absent or not whole, its columns are not the policy's, or a row is of another date.
    """
    columns = _columns(files, policies)
    with tempfile.TemporaryDirectory(prefix="reinstate-") as scratch:
        target = Path(scratch) / "snapshot"
        request = Request(policies[0].policy.policy, business_date, columns, target, PARTITION_ROWS)
        snapshot = take_files(files, request)
        tables = _each(lambda partition: read_partition(partition, columns), snapshot.partitions)
    return Book([complete_ledger(table) for table in tables], business_date)


def judge_book(book: Book, rules: Rules) -> JudgedBook:
    """Hold a book against the contract of a policy, and judge the lines that fit it.

    Raises:
        ConfigurationError: the validation has been switched off.
    """
    prove_gate_bites(rules, book.business_date)
    lines = judge_lines(book, rules)
    _, overlay = within_budget(lines.candidates, rules)
    return JudgedBook(rules, book.row_count, laid_over(lines.evidence, overlay), lines)


def judge_lines(book: Book, rules: Rules, *, is_checked: bool = True) -> JudgedLines:
    """Judge the lines of a book, but for the budget.

    Args:
        book: the rows.
        rules: the policy.
        is_checked: hold the rows against the policy's contract; not for rows that are known to fit it.
    """
    failures = _each(lambda table: _failures(table, rules, book.business_date) if is_checked else {}, book.tables)
    repeated = _repeated([table[ACCOUNT_ID] for table in book.tables])
    night = Night(rules, book.business_date)
    parts = _each(lambda part: _judge_part(*part, repeated, night), list(zip(book.tables, failures, strict=True)))
    starts = np.cumsum([1, *(len(table) for table in book.tables)])
    quarantine = [_moved(part.quarantine, int(start)) for part, start in zip(parts, starts, strict=False)]
    return JudgedLines(
        evidence=pa.concat_tables([part.evidence for part in parts]),
        candidates=pa.concat_tables([part.candidates for part in parts]),
        quarantine=pa.concat_tables(quarantine),
        pending_activation_count=sum(part.pending_activation_count for part in parts),
    )


def _columns(files: Sequence[Path], policies: Sequence[Rules]) -> dict[str, AttributeType]:
    """What the policies ask for, and which of the ledger's columns the files have."""
    columns: dict[str, AttributeType] = {}
    for rules in policies:
        for name, kind in rules.snapshot_columns.items():
            if columns.setdefault(name, kind) is not kind:
                raise SnapshotRefused(f"column '{name}' is {columns[name]} for one policy and {kind} for the other")
    present = {name for file in files for name in _names(file)}
    return columns | {name: kind for name, kind in LEDGER_COLUMNS.items() if name in present}


def _names(file: Path) -> list[str]:
    """The columns of a file; none of one that cannot be read, of which taking it says more."""
    try:
        if file.suffix == ".csv":
            with file.open(encoding="utf-8-sig") as lines:
                return next(csv.reader(lines), [])
        return list(pq.read_schema(file).names)
    except (OSError, ValueError, csv.Error):
        return []


def _failures(table: pa.Table, rules: Rules, business_date: datetime.date) -> dict[str, np.ndarray]:
    own = [ACCOUNT_ID, *rules.snapshot_columns, *([UNPARSABLE] if UNPARSABLE in table.column_names else [])]
    return check_partition(to_frame(table.select(own)), rules, business_date).failures | _ledger_failures(
        table, business_date
    )


def _ledger_failures(table: pa.Table, business_date: datetime.date) -> dict[str, np.ndarray]:
    """Rows whose ledger columns cannot be: the ledger itself never says such things."""
    if "ledger_state" not in table.column_names:
        return {}
    state = table["ledger_state"].combine_chunks().cast(pa.string())
    odd = {f"ledger_state: {NOT_ALLOWED}": pc.invert(pc.is_in(state, value_set=pa.array([*LedgerState])))}
    for name in (*LEDGER_COUNTS, "ledger_closed_limit_cents"):
        values = table[name].combine_chunks()
        odd[f"{name}: {NOT_ALLOWED}"] = pc.or_(pc.less(values, 0), pc.greater(values, WHOLE_NUMBER_LIMIT))
    for name in ("ledger_since", "ledger_closed_on"):
        odd[f"{name}: {IN_FUTURE}"] = pc.greater(table[name].combine_chunks(), pa.scalar(business_date, pa.date32()))
    odd[f"ledger_campaigns_used: {NO_CODES}"] = _no_codes(table["ledger_campaigns_used"].combine_chunks())
    for name, states in NEEDED.items():
        held = pc.is_in(state, value_set=pa.array(states))
        odd[f"{name}: {NOT_HELD}"] = pc.and_(held, pc.is_null(table[name].combine_chunks()))
    masks = {name: pc.fill_null(mask, False).to_numpy(zero_copy_only=False) for name, mask in odd.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _no_codes(used: pa.DictionaryArray) -> pa.Array:
    """Cells that are no list of campaign codes: nobody could tell whom a campaign has served."""
    texts = used.dictionary.to_pylist()
    odd = [bool(text) and not all(CODE.fullmatch(code) for code in text.split(",")) for text in texts]
    return pa.array(odd, pa.bool_()).take(used.indices)


def _repeated(ids: list[pa.ChunkedArray]) -> pa.Array:
    counted = pc.value_counts(pa.chunked_array([chunk for column in ids for chunk in column.chunks]))
    return counted.field("values").filter(pc.greater(counted.field("counts"), 1)).drop_null()


def _judge_part(table: pa.Table, failures: dict[str, np.ndarray], repeated: pa.Array, night: Night) -> JudgedLines:
    again = pc.is_in(table[ACCOUNT_ID].combine_chunks(), value_set=repeated).to_numpy(zero_copy_only=False)
    failures = failures | ({REPEATED: again} if again.any() else {})
    bad = np.logical_or.reduce([*failures.values(), np.zeros(len(table), bool)])
    ledger = [name for name in LEDGER_COLUMNS if name in table.column_names]
    clean = table.select([ACCOUNT_ID, *night.rules.snapshot_columns, *ledger]).filter(pa.array(~bad))
    frame = to_frame(clean)
    judged, kinds = rescore_lines(frame, night)
    evidence = evidence_table(judged, frame, night)
    return JudgedLines(
        evidence=plain_texts(evidence.take(pa.array(np.argsort(judged.positions)))),
        candidates=plain_texts(candidates_table(judged, frame, night, evidence)),
        quarantine=plain_texts(quarantine_table(table, failures)),
        pending_activation_count=len(kinds.pending_activation),
    )


def _moved(quarantine: pa.Table, start: int) -> pa.Table:
    return quarantine.set_column(0, "row", pc.add(quarantine["row"], start))


def _each(work: Callable[[T], U], parts: Sequence[T]) -> list[U]:
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        return list(pool.map(work, parts))
