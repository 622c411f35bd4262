"""A night without Prefect: the plain functions that the stages call, in the order in which the flow calls them."""

import datetime
from pathlib import Path

import pytest

from schemas.handles import NightResult, Published, Run, Settled
from tasks import finishing, judgement, nights, opening, publishing
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
    settled, published = _publish_plainly(name, business_date, dry_run=dry_run)
    finishing.wrap_up(settled, published)
    return settled.run, published


def run_again(name: str, business_date: datetime.date) -> NightResult | None:
    """What running a night by hand does, wherever it was stopped before."""
    if nights.unfinished_night(name) == business_date:
        with finishing.sending_what_waits(name), nights.writing(name):
            done = finishing.publish_night(name, business_date)
        return finishing.wrap_up(*done)
    return published_before(name, business_date) or finishing.wrap_up(*_publish_plainly(name, business_date))


def _publish_plainly(name: str, business_date: datetime.date, *, dry_run: bool = False) -> tuple[Settled, Published]:
    with opening.attempt(name, business_date, is_dry_run=dry_run):
        settled = plan_plainly(name, business_date, dry_run=dry_run)
        return settled, publishing.publish_plan(settled, nights.portfolio_of(name))


def plan_plainly(name: str, business_date: datetime.date, *, dry_run: bool = False) -> Settled:
    """A night up to its audited plan."""
    portfolio = nights.portfolio_of(name)
    run = opening.open_run(name, business_date, is_dry_run=dry_run)
    rules = nights.rules_of(run)
    source = open_source(portfolio, settings().data_directory)
    snapshot = source.take(business_date, rules.snapshot_columns, run.directory / "snapshot", portfolio.partition_rows)
    accepted, plan = judgement.judge_night(run, portfolio, rules, snapshot)
    return publishing.settle(run, portfolio, accepted, plan)


def finish_plainly(settled: Settled) -> tuple[Run, Published]:
    """What follows a plan: its effects, its notices, its report."""
    published = publishing.publish_plan(settled, nights.portfolio_of(settled.run.portfolio))
    finishing.wrap_up(settled, published)
    return settled.run, published
