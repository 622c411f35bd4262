"""Finishing a planned night without Prefect: what a person released or revised, or a flow left behind."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from schemas.errors import NightRefused, ReinstateError
from schemas.handles import NightResult, Published, Settled
from schemas.vocabulary import Outcome, RunStatus, Verdict
from tasks import holds, nights, outbox, publishing, reporting, retention
from tasks.holds import Person
from tasks.settings import settings


def release_plan(name: str, plan_hash: str, person: Person, reason: str) -> tuple[datetime.date, NightResult | None]:
    """Record that a person releases a held plan, and publish it once enough people have.

    Returns:
        The night, and how it ended; None where it takes another person.

    Raises:
        NightRefused: no such plan is held, the portfolio is paused, the plan was altered, the ledger has moved on, this person has said so before, or
            another process is at work on the portfolio.
    """
    with nights.writing(name) as writer:
        if writer.store.pause():
            raise NightRefused(f"{name} is paused: `reinstate resume` it first; nothing was changed")
        for run in writer.store.unsettled():
            if run["plan_hash"] == plan_hash and run["status"] == RunStatus.HELD:
                publishing.stored_plan(nights.recall(name, run["business_date"]), plan_hash)
        run, missing = holds.say(writer, nights.portfolio_of(name), plan_hash, Verdict.RELEASE, person, reason)
        if missing:
            return run["business_date"], None
        settled, published = publish_night(name, run["business_date"])
    return run["business_date"], wrap_up(settled, published)


@contextmanager
def sending_what_waits(name: str, *, is_dry_run: bool = False) -> Iterator[None]:
    """Send what waits of earlier nights also where a night cannot go on; a dry run sends nothing."""
    try:
        yield
    except ReinstateError:
        if is_dry_run:
            raise
        with suppress(Exception):  # nothing takes the place of what the night says
            outbox.relay(nights.store_of(name))
        raise


def publish_night(name: str, business_date: datetime.date) -> tuple[Settled, Published]:
    """Publish the stored plan of a night; whoever calls is the portfolio's writer.

    Raises:
        NightRefused: the stored plan was altered or is gone, or the ledger has moved on.
    """
    settled = nights.recall(name, business_date)
    return settled, publishing.publish_plan(settled, nights.portfolio_of(name))


def wrap_up(settled: Settled, published: Published) -> NightResult:
    """Deliver what waits, write the night's report, and let old nights go; the caller need not be the writer any more."""
    portfolio = nights.portfolio_of(settled.run.portfolio)
    delivered = outbox.relay_after(settled.run, published)
    report = reporting.gather_report(settled, portfolio, published)
    page = reporting.write_report(settled.run, report, settings().deployments / "templates")
    warnings = retention.let_go(settled.run) if published.outcome is Outcome.PUBLISHED else ()
    return reporting.result_of(settled, published, page, delivered, warnings)
