"""The nightly re-evaluation: every business date that is due, oldest first, or one date by hand."""

import datetime
import re
import sys
from typing import Annotated

from prefect import flow, unmapped
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BeforeValidator, Field

from flows.endings import refuse_held, refuse_outstanding
from schemas.errors import NightRefused, ReinstateError
from schemas.handles import NightResult
from schemas.portfolio import PORTFOLIO_NAME
from tasks import finishing, nights, outbox, reruns
from tasks.audit import audit
from tasks.calendars import check_in_window
from tasks.decide import decide
from tasks.notify import notify
from tasks.opening import attempt, dry_run_alone
from tasks.progress import NightBegins, NightEnds, StageBegins, tell
from tasks.publish import publish
from tasks.pull import open_night, pull, read_secret_block
from tasks.report import report
from tasks.rescore import rescore
from tasks.stages import guarded
from tasks.validate import accept, validate


def _date_or_iso(value: object) -> object:
    """A date is written as YYYY-MM-DD and in no other way; left alone, pydantic would read `0` as a day in 1970."""
    if value is None or isinstance(value, datetime.date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise ValueError("write a business date as YYYY-MM-DD")


# Prefect's form takes a field's title from here only; `Field(title=...)` is overwritten with the parameter's name.
PortfolioName = Annotated[str, Field(pattern=PORTFOLIO_NAME, max_length=64, json_schema_extra={"title": "Portfolio"})]
BusinessDate = Annotated[
    datetime.date | None, BeforeValidator(_date_or_iso), Field(json_schema_extra={"title": "Business date"})
]
DryRun = Annotated[bool, Field(json_schema_extra={"title": "Dry run"})]


@flow(name="night", flow_run_name="{portfolio} {business_date}", persist_result=False)
@guarded
def night(portfolio: str, business_date: datetime.date, dry_run: bool) -> NightResult:
    """Re-evaluate the closed lines of one portfolio at the end of one business date."""
    with dry_run_alone(portfolio, is_dry_run=dry_run):
        with attempt(portfolio, business_date, is_dry_run=dry_run):
            run = open_night(portfolio, business_date, dry_run)
            snapshot = pull(run)
            tell(StageBegins("validate", snapshot.row_count))
            validated = validate.map(unmapped(run), snapshot.partitions).result()
            accepted = accept(run, snapshot, validated)
            tell(StageBegins("rescore", snapshot.row_count))
            rescored = rescore.map(unmapped(run), accepted.partitions).result()
            settled = audit(run, accepted, decide(run, accepted, rescored))
            published = publish(settled)
        return report(settled, published, notify(run, published))


@flow(name="finish", flow_run_name="{portfolio} {business_date} finish", persist_result=False)
@guarded
def finish(portfolio: str, business_date: datetime.date) -> NightResult:
    """Publish, deliver and report what a planned night left open when it was stopped."""
    with nights.writing(portfolio):
        settled = nights.recall(portfolio, business_date)
        published = publish(settled)
    return report(settled, published, notify(settled.run, published))


@flow(name="nightly", flow_run_name="nightly {portfolio}", persist_result=False)
@guarded
def nightly_reevaluation(
    portfolio: PortfolioName, business_date: BusinessDate = None, dry_run: DryRun = False
) -> list[NightResult]:
    """Re-evaluate every night that is due, oldest first, or the one night that is named.

    Args:
        portfolio: Name of the portfolio file, such as `bundled`.
        business_date: The one night to run; with None every night that is due.
        dry_run: Judge and report, but publish and send nothing. Without a date only the oldest night due is tried.
    """
    dates = dates_to_run(portfolio, business_date, dry_run=dry_run)
    results = []
    with finishing.sending_what_waits(portfolio, is_dry_run=dry_run):
        for number, date in enumerate(dates, 1):
            tell(NightBegins(date, number, len(dates)))
            results.append(run_night(portfolio, date, dry_run=dry_run, is_named=business_date is not None))
            tell(NightEnds(results[-1]))
            refuse_held(results[-1])
    for last in results[-1:]:
        refuse_outstanding(last.outstanding, f"{last.business_date}: {last.message}")
    if not results and not dry_run:
        refuse_outstanding(outbox.relay(nights.store_of(portfolio)).outstanding)
    return results


def dates_to_run(name: str, business_date: datetime.date | None, *, dry_run: bool) -> list[datetime.date]:
    """The business dates that were asked for; what cannot be run is refused here, before anything is opened."""
    portfolio = nights.portfolio_of(name)
    if business_date is not None:
        check_in_window(portfolio, business_date, nights.today_in(portfolio))
        return [business_date]
    if dry_run:
        return nights.nights_due(name, read_secret_block)[:1]
    return nights.nights_to_run(name, read_secret_block)


def run_night(portfolio: str, business_date: datetime.date, *, dry_run: bool, is_named: bool) -> NightResult:
    """Run one night, or finish or bring back one that was published before; one that is named on the same inputs only."""
    if not dry_run and nights.unfinished_night(portfolio) == business_date:
        finished = finish(portfolio, business_date)
        if is_named:
            _refuse_changed(portfolio, finished)
        return finished
    known = None if dry_run else reruns.published_before(portfolio, business_date, read_secret_block)
    workers = ThreadPoolTaskRunner(max_workers=nights.portfolio_of(portfolio).workers)
    return known or night.with_options(task_runner=workers)(portfolio, business_date, dry_run)


def _refuse_changed(portfolio: str, finished: NightResult) -> None:
    """Refuse other inputs than those that a night was finished on, and say that it is."""
    told = ""
    try:
        reruns.published_before(portfolio, finished.business_date, read_secret_block)
    except ReinstateError as error:
        done = f"{finished.business_date} is finished: {finished.message}."
        told = " ".join(filter(None, (done, finished.outstanding, str(error))))
    if told:
        raise NightRefused(told)


if __name__ == "__main__":
    from flows.command_line import main

    main(["nightly", *sys.argv[1:]])
