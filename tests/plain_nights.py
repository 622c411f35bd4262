"""A night without Prefect: the plain functions that the stages call, in the order in which the flow calls them."""

import datetime
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.handles import Published, Run
from tasks import judgement, nights, planning, publishing, reporting, snapshots
from tasks.channels import FileChannel
from tasks.outbox import deliver_outstanding
from tasks.settings import CHECKOUT, settings
from tasks.sources.opening import open_source


def use_home(monkeypatch: pytest.MonkeyPatch, data: Path, home: Path = CHECKOUT, store_url: str | None = None) -> None:
    """Point the settings of this process at a data directory of its own."""
    monkeypatch.setenv("REINSTATE_DATA", str(data))
    monkeypatch.setenv("REINSTATE_HOME", str(home))
    if store_url:
        monkeypatch.setenv("REINSTATE_STORE_URL", store_url)
    else:
        monkeypatch.delenv("REINSTATE_STORE_URL", raising=False)
    forget()


def forget() -> None:
    """Forget what this process has cached of settings, stores and policies."""
    settings.cache_clear()
    nights.close_stores()
    nights._rules.cache_clear()


def run_plainly(name: str, business_date: datetime.date, *, dry_run: bool = False) -> tuple[Run, Published]:
    """One night, published and its notices delivered."""
    portfolio = nights.portfolio_of(name)
    run = nights.open_run(name, business_date, is_dry_run=dry_run)
    rules = nights.rules_of(run)
    source = open_source(portfolio, settings().data_directory)
    snapshot = source.take(business_date, rules.snapshot_columns, run.directory / "snapshot", portfolio.partition_rows)
    with ThreadPoolExecutor(portfolio.workers) as pool:
        validated = list(
            pool.map(lambda part: snapshots.validate_partition(run, portfolio, rules, part), snapshot.partitions)
        )
        accepted = snapshots.accept_snapshot(run, portfolio, rules, snapshot, validated)
        rescored = list(
            pool.map(lambda part: judgement.rescore_partition(run, portfolio, rules, part), accepted.partitions)
        )
    plan = planning.make_plan(run, rules, accepted, rescored)
    planning.check_counts(plan)
    published = publishing.publish_plan(run, portfolio, accepted, plan)
    if not dry_run:
        channel = FileChannel(settings().data_directory / "deliveries" / name)
        deliver_outstanding(nights.store_of(name), channel)
    report = reporting.gather_report(run, portfolio, accepted, published)
    reporting.write_report(run, report, settings().deployments / "templates")
    return run, published
