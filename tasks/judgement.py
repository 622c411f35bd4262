"""Judging a night partition by partition and writing its evidence."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from schemas.errors import ReinstateError
from schemas.handles import Accepted, Plan, Rescored, Run, Snapshot, Validated
from schemas.portfolio import Portfolio
from tasks.decisioning.columns import day_number
from tasks.decisioning.facts import DECISIONS, Night
from tasks.decisioning.path_check import misleading_paths
from tasks.decisioning.rescoring import Judged, rescore_lines
from tasks.decisioning.rules import Rules
from tasks.evidence import candidates_table, evidence_table, write_array, write_table
from tasks.ledger import join_ledger
from tasks.partitions import to_frame
from tasks.planning import check_counts, make_plan
from tasks.snapshots import accept_snapshot, clean_table, validate_partition


class PathMisleads(ReinstateError):
    """A path to reopening that, followed, would not lead there; no customer is told such a thing."""


def judge_night(run: Run, portfolio: Portfolio, rules: Rules, snapshot: Snapshot) -> tuple[Accepted, Plan]:
    """Judge a whole night on threads, without Prefect: what its stages do from `validate` to `decide`.

    Raises:
        SnapshotRefused: the snapshot does not have the contract's shape, or too many rows are bad.
        CountsDisagree: rows or decisions do not add up.
    """
    with ThreadPoolExecutor(portfolio.workers) as pool:
        validated = pool.map(lambda part: validate_partition(run, portfolio, rules, part), snapshot.partitions)
        accepted = accept_snapshot(run, portfolio, rules, snapshot, list(validated))
        rescored = list(pool.map(lambda part: rescore_partition(run, portfolio, rules, part), accepted.partitions))
    plan = make_plan(run, rules, accepted, rescored)
    check_counts(plan)
    return accepted, plan


def rescore_partition(run: Run, portfolio: Portfolio, rules: Rules, validated: Validated) -> Rescored:
    """Judge the clean rows of one partition; the evidence goes to Parquet.

    The evidence is final but for the night's budget, which the plan applies over all partitions.

    Raises:
        PathMisleads: a path of the sample that is followed does not lead where it says.
    """
    known = pq.read_table(run.directory / "ledger.parquet")
    table, seen = join_ledger(clean_table(validated, rules, portfolio), known)
    frame = to_frame(table)
    decided = Night(rules, run.business_date)
    judged, kinds = rescore_lines(frame, decided)
    _refuse_misleading(misleading_paths(frame, judged, decided), run)
    evidence = evidence_table(judged, frame, decided)
    name = f"part-{validated.partition.number:05d}"
    paths = {kind: run.directory / kind / f"{name}.parquet" for kind in ("evidence", "candidates")}
    write_table(evidence, paths["evidence"])
    write_table(candidates_table(judged, frame, decided, evidence), paths["candidates"])
    seen_path = run.directory / "candidates" / f"{name}-seen.npy"
    write_array(seen.to_numpy(), seen_path)
    overdue = _overdue(frame, kinds.pending_activation, run.business_date, portfolio.activation_grace_days)
    return Rescored(
        **paths,
        seen=seen_path,
        judged_count=len(judged),
        not_up_count=len(frame) - len(judged),
        pending_activation_count=len(kinds.pending_activation),
        overdue_activation_count=overdue,
        decisions=_tally(judged),
    )


def _refuse_misleading(count: int, run: Run) -> None:
    if count:
        raise PathMisleads(
            f"{count} of the paths to reopening that {run.business_date} tried out do not lead to a recoverable line on their "
            "date; nothing was published. This is a fault of the program."
        )


def _tally(judged: Judged) -> dict[str, int]:
    counts = np.bincount(judged.decision, minlength=len(DECISIONS)).tolist()
    return {decision.value: count for decision, count in zip(DECISIONS, counts, strict=True) if count}


def _overdue(frame: pd.DataFrame, pending: np.ndarray, business_date: datetime.date, grace_days: int) -> int:
    """Lines that the core system has not opened within the portfolio's grace."""
    if not len(pending):
        return 0
    since = frame["ledger_since"].iloc[pending].to_numpy().astype("datetime64[D]").astype(np.int64)
    return int((day_number(business_date) - since > grace_days).sum())
