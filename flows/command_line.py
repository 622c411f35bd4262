"""The command `reinstate`.

Nothing heavy is imported before a command needs it: help, and whatever only reads files, answers at once.
"""

import datetime
import os
import sys
from pathlib import Path
from typing import Any

import click

from schemas.errors import ConfigurationError, ReinstateError

QUIET_PREFECT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    # The server that a local run starts for itself takes a while on a busy machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
}
"""What a local run sets unless the environment says otherwise: no telemetry, and no log beside our own words."""

ISO_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Re-evaluate closed credit lines night by night and reopen those that earned it."""


@commands.command()
@click.option("--portfolio", required=True, help="Name of a portfolio file in deployments/portfolios.")
@click.option("--business-date", type=ISO_DATE, help="One night only; without it every night that is due.")
@click.option("--dry-run", is_flag=True, help="Judge and report, but publish and send nothing.")
def nightly(portfolio: str, business_date: datetime.datetime | None, dry_run: bool) -> None:
    """Run the nights that are due, oldest first, or one night."""
    for name, value in QUIET_PREFECT.items():
        os.environ.setdefault(name, value)
    from flows.console import watch_nights
    from tasks import nights

    nights.portfolio_of(portfolio)
    date = business_date.date() if business_date else None
    due = [date] if date else nights.nights_to_run(portfolio, _secret_block)
    if not due:
        last = nights.store_of(portfolio).last_published()
        click.echo(f"Nothing is due for {portfolio}" + (f": the last night published is {last}." if last else "."))
        return
    with watch_nights(portfolio, due):
        from flows.nightly import nightly_reevaluation

        nightly_reevaluation(portfolio, date, dry_run)


@commands.command()
@click.argument("world", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", type=int, default=20261026, show_default=True, help="The same seed gives the same book.")
@click.option("--lines", type=click.IntRange(100, 100_000_000), default=20_000, show_default=True, help="Credit lines.")
@click.option("--nights", "night_count", type=click.IntRange(1, 400), default=14, show_default=True, help="Nights.")
@click.option("--first", type=ISO_DATE, default="2026-10-26", show_default=True, help="First business date.")
def synthesize(world: Path, seed: int, lines: int, night_count: int, first: datetime.datetime) -> None:
    """Generate the sample book WORLD: a folder that a portfolio's source can name."""
    from tasks.sample_data.synthetic import synthesize as generate

    generate(world, seed=seed, lines=lines, nights=night_count, first_business_date=first.date())
    click.echo(f"{world}: {lines:,} lines, {night_count} nights from {first:%Y-%m-%d}, seed {seed}.")


@commands.command("import-uci")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("world", type=click.Path(path_type=Path, file_okay=False))
def import_uci(file: Path, world: Path) -> None:
    """Turn the public UCI credit-card FILE into six month-end snapshots in the folder WORLD."""
    from tasks.sample_data.uci import import_uci as convert

    convert(file, world)
    click.echo(f"{world}: six month-end snapshots of the UCI credit cards, 2005-04-30 to 2005-09-30.")


@commands.group()
def policy() -> None:
    """Read and check policy files."""


@policy.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
def check(files: tuple[Path, ...]) -> None:
    """Check policy FILES and list everything that is wrong, as FILE:LINE: what."""
    from schemas.errors import FileRefused, Finding
    from tasks.policy_files import check_reasons, load_policy

    findings: dict[Path, list[Finding]] = {}
    for look, path in [
        *((load_policy, file) for file in files),
        *((check_reasons, folder) for folder in _series(files)),
    ]:
        try:
            found = look(path)
            findings[path] = found if isinstance(found, list) else []
        except FileRefused as refused:
            findings[path] = refused.findings
    for finding in dict.fromkeys(finding for found in findings.values() for finding in found):
        click.echo(str(finding), err=True)
    for file in (file for file in files if not findings[file]):
        click.echo(f"{file}: in order.")
    if any(findings.values()):
        sys.exit(2)


def _series(files: tuple[Path, ...]) -> list[Path]:
    """The folders of `files` that hold the reason texts of a series."""
    folders = dict.fromkeys(file.parent for file in files)
    return [folder for folder in folders if (folder / "reasons.yaml").exists()]


def _secret_block(name: str) -> str:
    from tasks.pull import read_secret_block

    return read_secret_block(name)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors that a person can act on are printed, not traced."""
    try:
        commands(arguments, prog_name="reinstate")
    except ConfigurationError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except (ReinstateError, ValueError) as error:
        if isinstance(error, ValueError) and not type(error).__module__.startswith("tasks."):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
