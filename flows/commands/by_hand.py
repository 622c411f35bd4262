"""What people do by hand: `withdraw`, `pause`, `resume`, `revise`, `take-over`."""

import click

from flows.commands.held import BY, PORTFOLIO
from flows.commands.options import secret_block, show_result
from flows.endings import refuse_outstanding

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
    click.echo(f"Withdrawn: entry {entry['sequence']} of the ledger.")
    delivered = outbox.relay(nights.store_of(portfolio))
    refuse_outstanding(delivered.outstanding)
    click.echo(f"{delivered.accepted_count} notices delivered.")


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
@REASON
@BY
def resume(portfolio: str, reason: str, by: str | None) -> None:
    """Let the nights of a paused portfolio publish again."""
    from tasks import holds, manual, nights

    with nights.writing(portfolio) as writer:
        manual.resume(writer, holds.this_person(by), reason)
    click.echo(f"{portfolio} goes on: the nights that were not published are due.")


@click.command()
@PORTFOLIO
@REASON
@BY
def revise(portfolio: str, reason: str, by: str | None) -> None:
    """Judge the last published night anew and correct what differs: wrong data, policy or portfolio file put right."""
    from tasks import holds, revising

    show_result(revising.revise(portfolio, holds.this_person(by), reason, secret_block))


@click.command("take-over")
@PORTFOLIO
def take_over(portfolio: str) -> None:
    """Shut out a process that holds a portfolio, or the sending of its notices, and does not go on (PostgreSQL)."""
    from tasks import nights, writers

    click.echo(writers.take_over(nights.store_of(portfolio)))
