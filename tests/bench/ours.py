"""Our side of the bench: the plain functions behind the stages of a night, without Prefect and without a store."""

import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.handles import Accepted, Plan, Run
from schemas.portfolio import Portfolio
from tasks.decisioning.compiling import compile_rules
from tasks.decisioning.facts import Night
from tasks.decisioning.rescoring import rescore_lines
from tasks.decisioning.rules import Rules
from tasks.evidence import evidence_table, write_table
from tasks.judgement import rescore_partition
from tasks.ledger import LEDGER_SCHEMA
from tasks.partitions import to_frame
from tasks.planning import check_counts, make_plan
from tasks.policy_files import load_policy
from tasks.settings import CHECKOUT
from tasks.snapshots import accept_snapshot, clean_table, validate_partition
from tasks.sources.opening import open_source

POLICY = CHECKOUT / "deployments" / "policies" / "consumer-revolving" / "2026-10.yaml"


def bench_rules() -> Rules:
    """The shipped policy without what SQL has no words for: confirmation over nights and the walk of the budget."""
    shipped = load_policy(POLICY).policy
    return compile_rules(shipped.model_copy(update={"confirm_nights": 1, "nightly_budget": None}))


def bench_portfolio(world: Path, business_date: datetime.date) -> Portfolio:
    """A portfolio whose source is the folder of a generated world's snapshots."""
    return Portfolio.model_validate(
        {
            "portfolio": "bench", "title": "Bench", "currency": "EUR", "time_zone": "Europe/Berlin",
            "policy": "consumer-revolving", "calendar": "daily", "first_business_date": business_date,
            "source": {"kind": "folder", "path": str(world / "base")}, "kept_closed_notices_from": business_date,
        }
    )  # fmt: skip


def clean_frames(world: Path, folder: Path, business_date: datetime.date, *, only_closed: bool) -> list[pd.DataFrame]:
    """The clean rows of a snapshot as typed frames, one a partition."""
    rules, portfolio = bench_rules(), bench_portfolio(world, business_date)
    accepted = _accepted(_run(folder, business_date), portfolio, rules, ThreadPoolExecutor(1))
    frames = [to_frame(clean_table(part, rules, portfolio)) for part in accepted.partitions]
    return (
        [frame[frame["line_status"].eq("closed")].reset_index(drop=True) for frame in frames] if only_closed else frames
    )


def judge(frames: Sequence[pd.DataFrame], rules: Rules, business_date: datetime.date, threads: int) -> list[pa.Table]:
    """Score and decide the lines of every frame, with their path to reopening, as tables of evidence."""
    night = Night(rules, business_date)
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda frame: evidence_table(rescore_lines(frame, night)[0], frame, night), frames))


def whole_night(world: Path, folder: Path, business_date: datetime.date, threads: int) -> Plan:
    """Take a snapshot, validate, rescore and decide it; quarantine, evidence and plan are in `folder`."""
    rules, portfolio = bench_rules(), bench_portfolio(world, business_date)
    run = _run(folder, business_date)
    with ThreadPoolExecutor(threads) as pool:
        accepted = _accepted(run, portfolio, rules, pool)
        rescored = list(pool.map(partial(rescore_partition, run, portfolio, rules), accepted.partitions))
    plan = make_plan(run, rules, accepted, rescored)
    check_counts(plan)
    return plan


def evidence_of(folder: Path) -> pa.Table:
    """The evidence that `whole_night` wrote."""
    return one_table([pq.read_table(path) for path in sorted((folder / "evidence").glob("*.parquet"))])


def one_table(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of several partitions as one, every text plain."""
    return pa.concat_tables([_plain(table) for table in tables])


def quarantine_of(folder: Path) -> pa.Table:
    """The quarantine that `whole_night` wrote; `row` counts from the start of the whole snapshot."""
    parts, first = [], 0
    accepted = Accepted.model_validate_json((folder / "accepted.json").read_text())
    for part in accepted.partitions:
        if part.quarantine is not None:
            listed = _plain(pq.read_table(part.quarantine))
            rows = pa.array(listed["row"].to_numpy() + first)
            parts.append(listed.set_column(0, "row", rows))
        first += part.partition.row_count
    return pa.concat_tables(parts)


def _plain(table: pa.Table) -> pa.Table:
    """Every text as plain text, lists of it too."""
    texts = pa.list_(pa.string())
    kinds = {
        field.name: texts if pa.types.is_list(field.type) and pa.types.is_dictionary(field.type.value_type)
        else pa.string() if pa.types.is_dictionary(field.type) else field.type
        for field in table.schema
    }  # fmt: skip
    return table.cast(pa.schema(kinds))


def _run(folder: Path, business_date: datetime.date) -> Run:
    for name in ("quarantine", "evidence", "candidates"):
        (folder / name).mkdir(parents=True)
    write_table(LEDGER_SCHEMA.empty_table(), folder / "ledger.parquet")
    return Run(
        portfolio="bench", business_date=business_date, revision=1, is_dry_run=True, is_paused=False, directory=folder, policy_file=POLICY,
        policy_hash="", portfolio_hash="", ledger_hash="", schema_hash="", code_version="", libraries={},
    )  # fmt: skip


def _accepted(run: Run, portfolio: Portfolio, rules: Rules, pool: ThreadPoolExecutor) -> Accepted:
    source = open_source(portfolio, run.directory)
    snapshot = source.take(
        run.business_date, rules.snapshot_columns, run.directory / "snapshot", portfolio.partition_rows
    )
    validated = list(pool.map(partial(validate_partition, run, portfolio, rules), snapshot.partitions))
    accepted = accept_snapshot(run, portfolio, rules, snapshot, validated)
    (run.directory / "accepted.json").write_text(accepted.model_dump_json())
    return accepted
