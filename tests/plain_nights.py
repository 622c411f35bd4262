"""A night without Prefect: the plain functions that the stages call, in the order in which the flow calls them."""

import datetime
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.handles import Published, Run, Settled
from schemas.vocabulary import Outcome
from tasks import judgement, nights, opening, planning, publishing, reporting, snapshots
from tasks.outbox import relay
from tasks.reruns import published_before
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
    if dry_run:
        return finish_plainly(plan_plainly(name, business_date, dry_run=True))
    with nights.writing(name):
        return finish_plainly(plan_plainly(name, business_date))


def run_again(name: str, business_date: datetime.date) -> None:
    """What running a night by hand does, wherever it was stopped before."""
    with nights.writing(name):
        if nights.unfinished_night(name) == business_date:
            finish_plainly(nights.recall(name, business_date))
        elif published_before(name, business_date) is None:
            finish_plainly(plan_plainly(name, business_date))


def plan_plainly(
    name: str, business_date: datetime.date, *, dry_run: bool = False, revision: int = nights.FIRST_REVISION
) -> Settled:
    """A night up to its audited plan."""
    portfolio = nights.portfolio_of(name)
    run = opening.open_run(name, business_date, is_dry_run=dry_run, revision=revision)
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
    return publishing.settle(run, portfolio, accepted, plan)


def finish_plainly(settled: Settled) -> tuple[Run, Published]:
    """What follows a plan: its effects, its notices, its report."""
    portfolio = nights.portfolio_of(settled.run.portfolio)
    published = publishing.publish_plan(settled, portfolio)
    if published.outcome is Outcome.PUBLISHED:
        relay(nights.store_of(settled.run.portfolio))
    report = reporting.gather_report(settled, portfolio, published)
    reporting.write_report(settled.run, report, settings().deployments / "templates")
    return settled.run, published
