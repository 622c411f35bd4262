"""Replaying a past night: it is judged again from what it recorded, in a scratch folder, and compared bit for bit.

Nothing is written to the store or to the night's folder. Where something differs, it is said what has moved since: the
recorded data, the policy, the schema, the code, or what the night itself wrote down.
"""

import datetime
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from sqlalchemy import RowMapping

from schemas.errors import NightRefused, SnapshotRefused
from schemas.handles import Accepted, Plan, Run, Settled
from schemas.portfolio import Portfolio
from schemas.vocabulary import RunStatus
from tasks import nights
from tasks.decisioning.rules import Rules
from tasks.judgement import judge_night
from tasks.nights import FIRST_REVISION
from tasks.opening import decision_hash
from tasks.planning import evidence_tables, plan_hash
from tasks.provenance import code_version, libraries, schema_hash
from tasks.retention import refuse_gone
from tasks.sources.private_copy import file_hash
from tasks.store import canonical_json
from tasks.whole_files import write_whole

PREPARED = ("quarantine", "evidence", "candidates")


@dataclass(frozen=True)
class Moved:
    """One line that is judged otherwise now: the fields that differ, as they were recorded and as they are.

    One of the two is empty for a line that was judged only then, or is only now.
    """

    account_id: str
    then: dict[str, Any]
    now: dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """What came of replaying a night: the same bit for bit where there are no `differences` and no lines `moved`.

    `causes` say in words what is not as it was recorded, whether anything came of it or not.
    """

    business_date: datetime.date
    revision: int
    judged_count: int
    plan_hash: str
    differences: tuple[str, ...]
    causes: tuple[str, ...]
    moved: tuple[Moved, ...]

    @property
    def is_same(self) -> bool:
        return not self.differences and not self.moved


def replay(name: str, business_date: datetime.date) -> Replayed:
    """Judge a published night again from its recorded snapshot, ledger columns and policy content.

    Raises:
        NightRefused: the night was not published, or what it recorded is gone or cannot be judged any more.
    """
    store = nights.store_of(name)
    known = store.run(business_date, RunStatus.PUBLISHED)
    if known is None:
        raise NightRefused(f"no night of {name} was published for {business_date}, so there is nothing to replay")
    settled = nights.recall(name, business_date, RunStatus.PUBLISHED)
    rules = nights.rules_of_content(store, known["policy_hash"])
    refuse_gone(settled, nights.portfolio_of(name), _needed(settled), "replayed")
    with tempfile.TemporaryDirectory(prefix="reinstate-") as scratch:
        run = settled.run.model_copy(update={"directory": Path(scratch)})
        for folder in PREPARED:
            (run.directory / folder).mkdir()
        (run.directory / "ledger.parquet").symlink_to(settled.run.directory / "ledger.parquet")
        accepted, plan = _judge(run, _portfolio_then(settled), rules, settled)
        moved = tuple(_moved(settled, run, plan))
        differences = tuple(_differences(settled, known, accepted, plan))
        causes = tuple(_causes(settled, known, accepted, rules))
    return Replayed(
        business_date=business_date,
        revision=known["revision"],
        judged_count=plan.judged_count,
        plan_hash=settled.plan.plan_hash,
        differences=differences,
        causes=causes,
        moved=moved,
    )


def _judge(run: Run, portfolio: Portfolio, rules: Rules, settled: Settled) -> tuple[Accepted, Plan]:
    try:
        return judge_night(run, portfolio, rules, settled.accepted.snapshot)
    except SnapshotRefused as refused:
        told = str(refused)
    raise NightRefused(f"{run.business_date} cannot be replayed, its recorded data has moved: {told}")


def write_moved(found: Replayed, path: Path) -> None:
    """List every line that differs, one row a line, as CSV: what was recorded and what is found now, as JSON."""
    rows = [[moved.account_id, canonical_json(moved.then), canonical_json(moved.now)] for moved in found.moved]
    names = ("account_id", "then", "now")
    table = pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})
    write_whole(path, lambda sink: pyarrow.csv.write_csv(table, sink))


def _needed(settled: Settled) -> Iterator[Path]:
    """The files of a night without which it cannot be judged again and compared."""
    run, plan = settled.run, settled.plan
    yield from (run.directory / name for name in ("ledger.parquet", "portfolio.json"))
    yield from (plan.decided, plan.overlay, plan.decided_recoverable)
    for part in settled.accepted.partitions:
        yield part.partition.path
        yield run.directory / "evidence" / f"part-{part.partition.number:05d}.parquet"


def _portfolio_then(settled: Settled) -> Portfolio:
    """The portfolio file as it is, with the part that has a say in decisions as it was."""
    path = settled.run.directory / "portfolio.json"
    part = json.loads(path.read_text(encoding="utf-8"))
    now = nights.portfolio_of(settled.run.portfolio)
    return Portfolio.model_validate({**now.model_dump(), **part})


def _moved(settled: Settled, run: Run, plan: Plan) -> Iterator[Moved]:
    """The lines whose evidence is another one, partition by partition."""
    recorded = evidence_tables(settled.run, settled.plan, None)
    for then, now in zip_longest(recorded, evidence_tables(run, plan, None)):
        if then is None or now is None or not then.equals(now):
            yield from _moved_rows(_by_account(then), _by_account(now))


def _by_account(table: pa.Table | None) -> dict[str, dict[str, Any]]:
    return {} if table is None else {row["account_id"]: row for row in table.to_pylist()}


def _moved_rows(then: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> Iterator[Moved]:
    for account in sorted({*then, *now}):
        before, after = then.get(account, {}), now.get(account, {})
        moved = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
        if not before or not after:
            yield Moved(account, before, after)
        elif moved:
            yield Moved(account, {name: before.get(name) for name in moved}, {name: after.get(name) for name in moved})


def _differences(settled: Settled, known: RowMapping, accepted: Accepted, plan: Plan) -> Iterator[str]:
    """What of the night as a whole is not as the store and its files have it."""
    recorded = plan_hash(settled.run, *_decided(settled.plan))
    for what, before, now in (
        ("the plan", recorded, plan.plan_hash),
        *([("the plan of the run", known["plan_hash"], plan.plan_hash)] if known["revision"] == FIRST_REVISION else ()),
        ("rows", known["counts"]["rows"], plan.row_count),
        ("lines judged", known["counts"]["judged"], plan.judged_count),
        ("rows quarantined", known["counts"]["quarantined"], plan.quarantined_count),
        ("reasons of the quarantine", settled.accepted.failures, accepted.failures),
    ):
        if before != now:
            yield f"{what}: {before} then, {now} now"


def _decided(plan: Plan) -> tuple[pa.Table, pa.ChunkedArray]:
    return pq.read_table(plan.decided), pq.read_table(plan.decided_recoverable)["account_id"]


def _causes(settled: Settled, known: RowMapping, accepted: Accepted, rules: Rules) -> Iterator[str]:
    """What is not as the run has recorded it."""
    run = settled.run
    then = _portfolio_then(settled)
    moves = [
        ("data: the recorded snapshot", accepted.content_hash, known["snapshot_hash"]),
        ("data: what the ledger knew before", file_hash(run.directory / "ledger.parquet"), known["ledger_hash"]),
        ("policy: the recorded part of the portfolio file", decision_hash(then), known["portfolio_hash"]),
        ("schema: the columns that are judged", schema_hash(rules), known["schema_hash"]),
        ("code: the program", code_version(), known["code_version"]),
        *((f"code: {name}", libraries().get(name), version) for name, version in (known["libraries"] or {}).items()),
    ]
    for what, now, before in moves:
        if before and now != before:
            yield f"{what} was {before}, it is {now}"
