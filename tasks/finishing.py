"""Finishing a planned night without Prefect: what a person released, or a flow left behind."""

import datetime

from schemas.handles import NightResult
from schemas.vocabulary import Outcome, Verdict
from tasks import holds, nights, outbox, publishing, reporting
from tasks.holds import Person
from tasks.settings import settings


def release_plan(name: str, plan_hash: str, person: Person, reason: str) -> tuple[datetime.date, NightResult | None]:
    """Record that a person releases a held plan, and publish it once enough people have; whoever calls is the writer.

    Returns:
        The night, and how it ended; None where it takes another person.

    Raises:
        NightRefused: no such plan is held, it was altered, the ledger has moved on, or this person has said so before.
    """
    writer, portfolio = nights.writer_of(name), nights.portfolio_of(name)
    for run in holds.held_runs(writer.store):
        if run["plan_hash"] == plan_hash:
            publishing.stored_plan(nights.recall(name, run["business_date"]))
    run, missing = holds.say(writer, portfolio, plan_hash, Verdict.RELEASE, person, reason)
    return run["business_date"], None if missing else finish_night(name, run["business_date"])


def finish_night(name: str, business_date: datetime.date) -> NightResult:
    """Publish the stored plan of a night, deliver what it owes and write its report; whoever calls is its writer.

    Raises:
        NightRefused: the stored plan was altered or is gone, or the ledger has moved on.
    """
    settled, portfolio = nights.recall(name, business_date), nights.portfolio_of(name)
    published = publishing.publish_plan(settled, portfolio)
    if published.outcome is Outcome.PUBLISHED:
        outbox.relay(nights.store_of(name))
    report = reporting.gather_report(settled, portfolio, published)
    page = reporting.write_report(settled.run, report, settings().deployments / "templates")
    return reporting.result_of(settled, published, page)
