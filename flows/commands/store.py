"""`reinstate store`: what the owner of the store's tables does."""

import click


@click.group()
def store() -> None:
    """Upgrade the store's tables, and say what the job's role may do with them."""


@store.command()
def upgrade() -> None:
    """Bring the tables of the store to the newest revision; run it as their owner."""
    from tasks.settings import settings
    from tasks.store import migrate, open_engine

    engine = open_engine(settings().store)
    try:
        found, newest = migrate(engine, settings().deployments / "migrations")
    finally:
        engine.dispose()
    if found == newest:
        click.echo(f"The store's tables are of revision {newest} already; nothing was changed.")
        return
    click.echo(f"The store's tables are of revision {newest} now; they were of {found or 'none'}.")
    if engine.dialect.name == "postgresql":
        click.echo("If the job has a role of its own, run `reinstate store grant` for it: tables may have come.")


@store.command()
@click.argument("role")
def grant(role: str) -> None:
    """Give ROLE what the job needs and nothing more (PostgreSQL): it can add to the ledger, and never edit it.

    Run it as the owner of the store's tables, and again after every upgrade.
    """
    from schemas.tables import JOB_MAY
    from tasks import grants
    from tasks.settings import settings

    grants.grant(settings().store, role, settings().deployments / "migrations")
    for table, verbs in JOB_MAY.items():
        click.echo(f"{table}: {', '.join(verbs)}")
    click.echo(f"This is what '{role}' may do with the store now, and nothing else.")
