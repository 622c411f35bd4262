"""What travels between tasks: paths, hashes and counts, never frames."""

import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from schemas.vocabulary import Outcome


class Handle(BaseModel):
    """A frozen, JSON-friendly reference to something in files or in the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(Handle):
    """One run of one portfolio: everything that its stages need to find the rest."""

    portfolio: str
    business_date: datetime.date
    revision: int
    is_dry_run: bool
    is_paused: bool
    directory: Path
    policy_file: Path
    policy_hash: str
    portfolio_hash: str
    ledger_hash: str
    schema_hash: str
    code_version: str
    libraries: dict[str, str]


class Partition(Handle):
    """Some row groups of one Parquet file of the private copy of a snapshot."""

    number: int
    path: Path
    row_groups: tuple[int, ...]
    row_count: int


class Snapshot(Handle):
    """The private, immutable copy of one night's snapshot; `files_hash` is SHA-256 over the delivered files."""

    portfolio: str
    business_date: datetime.date
    directory: Path
    files_hash: str
    row_count: int
    partitions: tuple[Partition, ...]


class Validated(Handle):
    """A partition held against the contract: how many rows are quarantined, where they are listed, and why."""

    partition: Partition
    quarantine: Path | None
    quarantined_count: int
    failures: dict[str, int]
    id_hashes: Path
    fingerprint: tuple[int, ...]


class Accepted(Handle):
    """A whole snapshot that may be judged: its validated partitions, and what was found in all of them together.

    `content_hash` speaks of the typed content, whatever its order, partitions and file format.
    """

    snapshot: Snapshot
    content_hash: str
    partitions: tuple[Validated, ...]
    quarantined_count: int
    failures: dict[str, int]


class Rescored(Handle):
    """The evidence of one partition, and its lines that may change."""

    evidence: Path
    candidates: Path
    seen: Path
    """Which lines of the ledger the partition holds."""
    judged_count: int
    not_up_count: int
    pending_activation_count: int
    overdue_activation_count: int
    decisions: dict[str, int]


class Plan(Handle):
    """What a night will change: transitions in order, outcomes over the evidence, and counts that add up.

    `path` and `recoverable` are what will be written; `decided` and `decided_recoverable` all that the night decided, which for
    a revision is more.
    """

    path: Path
    decided: Path
    overlay: Path
    recoverable: Path
    decided_recoverable: Path
    plan_hash: str
    transition_count: int
    row_count: int
    judged_count: int
    not_up_count: int
    quarantined_count: int
    pending_activation_count: int
    decisions: dict[str, int]
    exceptions: dict[str, int]


class Settled(Handle):
    """A plan that passed its audit, and all that is needed to publish it, to deliver what it owes and to report on it.

    `findings` are the caps that it is above, in words: while there are any, it is held.
    """

    run: Run
    accepted: Accepted
    plan: Plan
    findings: tuple[str, ...]
    measures: dict[str, Any]


class Published(Handle):
    """What came of publishing a plan, and the head of the ledger then."""

    plan: Plan
    outcome: Outcome
    ledger_head: str


class Delivered(Handle):
    """What became of the notices that were owed; `outstanding` says how many still wait, why, and what to do."""

    accepted_count: int
    outstanding: str = ""


class NightResult(Handle):
    """What a night ends with, for a person and for whoever started it; `warnings` are of what it could not tidy up.

    `outstanding` is of the portfolio's notices, whatever night owes them: while there are words, not all is final.
    """

    portfolio: str
    business_date: datetime.date
    outcome: Outcome
    message: str
    report: Path | None
    counts: dict[str, int]
    warnings: tuple[str, ...] = ()
    outstanding: str = ""
