"""`reinstate nightly`: the nights that are due, or one of them."""

import datetime
import os

import click

from flows.commands.options import ISO_DATE, secret_block
from flows.endings import refuse_outstanding

QUIET_PREFECT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # The server that a local run starts for itself takes a while on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
"""What a local run sets unless the environment says otherwise: no telemetry, and no log beside our own words."""


@click.command()
@click.option("--portfolio", required=True, help="Name of a portfolio file in deployments/portfolios.")
@click.option("--business-date", type=ISO_DATE, help="One night only; without it every night that is due.")
@click.option("--dry-run", is_flag=True, help="Judge and report, but publish and send nothing.")
def nightly(portfolio: str, business_date: datetime.datetime | None, dry_run: bool) -> None:
    """Run the nights that are due, oldest first, or one night."""
    for name, value in QUIET_PREFECT.items():
        os.environ.setdefault(name, value)
    from flows.console import watch_nights
    from tasks import nights, outbox

    nights.portfolio_of(portfolio)
    date = business_date.date() if business_date else None
    if dry_run:
        due = [date] if date else nights.nights_due(portfolio, secret_block)[:1]
    else:
        due = [date] if date else nights.nights_to_run(portfolio, secret_block)
    if not due:
        last = nights.store_of(portfolio).last_published()
        click.echo(f"Nothing is due for {portfolio}" + (f": the last night published is {last}." if last else "."))
        if not dry_run:
            refuse_outstanding(outbox.relay(nights.store_of(portfolio)).outstanding)
        return
    with watch_nights(portfolio, due):
        from flows.nightly import nightly_reevaluation

        nightly_reevaluation(portfolio, date, dry_run)
