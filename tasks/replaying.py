"""Replaying a past night: it is judged again from what it recorded, in a scratch folder, and compared bit for bit.

Nothing is written to the store or to the night's folder. Where something differs, it is said what has moved since: the
recorded data, the policy, the schema, the code, or what the night itself wrote down.
"""

import datetime
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
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
from tasks.planning import evidence_tables, plan_hash
from tasks.provenance import code_version, libraries, schema_hash
from tasks.retention import refuse_gone
from tasks.sources.private_copy import file_hash
from tasks.store import canonical_json
from tasks.whole_files import write_whole

PREPARED = ("quarantine", "evidence", "candidates")
STRETCH_ROWS = 64
"""Rows of evidence that are compared one by one, once it is known that some of them differ."""


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
        moved, others = _compared(settled, run, plan)
        differences = [*_differences(settled, known, accepted, plan), *others]
        causes = tuple(_causes(settled, known, accepted, rules))
    return Replayed(
        business_date=business_date,
        revision=known["revision"],
        judged_count=plan.judged_count,
        plan_hash=settled.plan.plan_hash,
        differences=tuple(differences),
        causes=causes,
        moved=tuple(moved),
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


def _compared(settled: Settled, run: Run, plan: Plan) -> tuple[list[Moved], list[str]]:
    """The lines whose evidence is another one, partition by partition, and what else of the evidence differs."""
    moved: list[Moved] = []
    others: dict[str, None] = {}
    recorded = evidence_tables(settled.run, settled.plan, None)
    for then, now in zip_longest(recorded, evidence_tables(run, plan, None)):
        before, after = (now.slice(0, 0) if then is None else then), (then.slice(0, 0) if now is None else now)
        if before.equals(after):
            continue
        lines, columns = list(moved_lines(before, after)), list(_columns_moved(before.schema, after.schema))
        moved += lines
        others |= dict.fromkeys(columns)
        if not lines and not columns:
            others["the evidence's rows: in another order, or a line more than once"] = None
    return moved, list(others)


def _columns_moved(then: pa.Schema, now: pa.Schema) -> Iterator[str]:
    kinds = [{field.name: field.type for field in schema} for schema in (then, now)]
    for name in dict.fromkeys((*kinds[0], *kinds[1])):
        before, after = (str(kind.get(name, "none")) for kind in kinds)
        if before != after:
            yield f"the evidence's column {name}: {before} then, {after} now"


def moved_lines(then: pa.Table, now: pa.Table) -> Iterator[Moved]:
    """The lines that differ in a column that both tables have, or that stand in one of them only.

    Rows of Python are made of those lines and a few beside them. A column whose values of now do not go into its type of
    then is not compared.
    """
    places = pc.index_in(now["account_id"].combine_chunks(), value_set=then["account_id"].combine_chunks())
    here = _typed_as(then.schema, now)
    names = here.column_names
    for before, after in _unlike(then.select(names).take(places.drop_null()), here.filter(places.is_valid())):
        for old, new in zip(_rows(before), _rows(after), strict=True):
            moved = [name for name in names if old[name] != new[name]]
            if moved:
                yield Moved(new["account_id"], *({name: row[name] for name in moved} for row in (old, new)))
    only_then = then.filter(pc.invert(pc.is_in(then["account_id"], value_set=now["account_id"].combine_chunks())))
    yield from (Moved(row["account_id"], row, {}) for row in _rows(only_then))
    yield from (Moved(row["account_id"], {}, row) for row in _rows(now.filter(places.is_null())))


def _typed_as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    columns = {}
    for field in schema:
        if field.name in table.column_names:
            with suppress(pa.ArrowException):
                columns[field.name] = table[field.name].cast(field.type)
    return pa.table(columns)


def _unlike(then: pa.Table, now: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The short stretches of equally long tables in which they differ, found by halving: whatever the columns' types."""
    if then.equals(now):
        return
    if len(then) <= STRETCH_ROWS:
        yield then, now
        return
    half = len(then) // 2
    yield from _unlike(then.slice(0, half), now.slice(0, half))
    yield from _unlike(then.slice(half), now.slice(half))


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


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
    moves = [
        ("data: the recorded snapshot", accepted.content_hash, known["snapshot_hash"]),
        ("data: what the ledger knew before", file_hash(run.directory / "ledger.parquet"), known["ledger_hash"]),
        (
            "policy: the recorded part of the portfolio file",
            file_hash(run.directory / "portfolio.json"),
            known["portfolio_hash"],
        ),
        ("schema: the columns that are judged", schema_hash(rules), known["schema_hash"]),
        ("code: the program", code_version(), known["code_version"]),
        *((f"code: {name}", libraries().get(name), version) for name, version in (known["libraries"] or {}).items()),
    ]
    for what, now, before in moves:
        if before and now != before:
            yield f"{what} was {before}, it is {now}"
