"""`reinstate held`, `release` and `discard`: nights above their caps, and what people say of them."""

import click

from flows.commands.options import show_result
from schemas.vocabulary import RunStatus, Verdict

PORTFOLIO = click.option("--portfolio", required=True, help="Name of a portfolio file in deployments/portfolios.")
BY = click.option("--by", help="Who says so; without it the account that runs the command.")
REASON = click.option("--reason", required=True, help="Why; it is kept with the plan.")


@click.command()
@PORTFOLIO
def held(portfolio: str) -> None:
    """List the nights that are held, or released and not wholly published: their plans, why, and who has said what."""
    from tasks import holds, nights

    people = nights.portfolio_of(portfolio).caps.people
    store = nights.store_of(portfolio)
    runs = store.unsettled()
    if not runs:
        click.echo(f"No night of {portfolio} is held.")
    for run in runs:
        said = holds.verdicts_on(store, run["plan_hash"])
        click.echo(f"{run['business_date']}, revision {run['revision']}: plan {run['plan_hash']}")
        for finding in run["findings"]:
            click.echo(f"  held because of {finding}")
        for verdict in said:
            proof = "" if verdict["is_proven"] else " (a name that was only claimed)"
            click.echo(f"  {verdict['verdict']} by {verdict['person']}{proof}: {verdict['reason']}")
        if run["status"] == RunStatus.HELD:
            click.echo(f"  takes {people} {'person' if people == 1 else 'people'} to release or to discard")
        else:
            click.echo(
                f"  planned and not wholly published: `reinstate nightly --portfolio {portfolio}` goes on with it"
            )


@click.command()
@click.argument("plan_hash")
@PORTFOLIO
@REASON
@BY
def release(plan_hash: str, portfolio: str, reason: str, by: str | None) -> None:
    """Release exactly the held plan PLAN_HASH, and, once enough people have, publish it as it is stored."""
    from tasks import finishing, holds

    date, result = finishing.release_plan(portfolio, plan_hash, holds.this_person(by), reason)
    if result is None:
        click.echo(f"{holds.this_person(by).name} has said release of the plan of {date}. It takes another person.")
    else:
        show_result(result)


@click.command()
@click.argument("plan_hash")
@PORTFOLIO
@REASON
@BY
def discard(plan_hash: str, portfolio: str, reason: str, by: str | None) -> None:
    """Discard exactly the held plan PLAN_HASH: the night is settled, changes nothing and counts for nothing."""
    from tasks import holds, nights

    with nights.writing(portfolio) as writer:
        run, missing = holds.say(
            writer, nights.portfolio_of(portfolio), plan_hash, Verdict.DISCARD, holds.this_person(by), reason
        )
    if missing:
        click.echo(
            f"{holds.this_person(by).name} has said discard of the plan of {run['business_date']}. It takes another person."
        )
    else:
        click.echo(f"{run['business_date']} is discarded. The night is settled; nothing was changed.")
