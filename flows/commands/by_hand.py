"""What people do by hand: `withdraw`, `pause`, `resume`, `take-over`, `verify`."""

import sys

import click

from flows.commands.held import BY, PORTFOLIO

REASON = click.option("--reason", required=True, help="Why; it is kept, and not told to customers.")


@click.command()
@click.argument("account")
@PORTFOLIO
@REASON
@BY
def withdraw(account: str, portfolio: str, reason: str, by: str | None) -> None:
    """End the reopening of the line ACCOUNT: it is closed again, and its customer is told."""
    from tasks import holds, manual, nights, outbox

    with nights.writing(portfolio) as writer:
        file = nights.portfolio_of(portfolio)
        entry = manual.withdraw(writer, file, nights.reasons_of(file), account, holds.this_person(by), reason)
    delivered = outbox.relay(nights.store_of(portfolio))
    click.echo(f"Withdrawn: entry {entry['sequence']} of the ledger; {delivered.accepted_count} notices delivered.")


@click.command()
@PORTFOLIO
@REASON
@BY
def pause(portfolio: str, reason: str, by: str | None) -> None:
    """Let the nights of a portfolio judge and report, and publish nothing."""
    from tasks import holds, manual, nights

    with nights.writing(portfolio) as writer:
        manual.pause(writer, holds.this_person(by), reason)
    click.echo(f"{portfolio} is paused: nights judge and report, and publish nothing, until `reinstate resume`.")


@click.command()
@PORTFOLIO
def resume(portfolio: str) -> None:
    """Let the nights of a paused portfolio publish again."""
    from tasks import manual, nights

    with nights.writing(portfolio) as writer:
        manual.resume(writer)
    click.echo(f"{portfolio} goes on: the nights that were not published are due.")


@click.command("take-over")
@PORTFOLIO
def take_over(portfolio: str) -> None:
    """Shut out a process that holds a portfolio and does not go on (PostgreSQL)."""
    from tasks import nights, writers

    click.echo(writers.take_over(nights.store_of(portfolio)))


@click.command()
@PORTFOLIO
@click.option("--head", help="The head of the ledger that a report prints: finds a ledger that was cut off.")
def verify(portfolio: str, head: str | None) -> None:
    """Check every entry of the ledger; exit status 1 and the first bad entry if one is not what it was."""
    from tasks import nights, verifying

    found = verifying.verify(nights.store_of(portfolio), head)
    if found.fault:
        click.echo(f"{portfolio}: {found.entries:,} entries are in order, then: {found.fault}", err=True)
        sys.exit(1)
    click.echo(f"{portfolio}: {found.entries:,} entries are in order. Head of the ledger: {found.head}")
