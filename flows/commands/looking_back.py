"""What people look back with: `verify` the ledger, `replay` a past night. Nothing is changed."""

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.commands.held import PORTFOLIO
from flows.commands.options import ISO_DATE

if TYPE_CHECKING:
    from tasks.replaying import Moved, Replayed

LISTED_MOST = 20


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


@click.command()
@PORTFOLIO
@click.option("--business-date", required=True, type=ISO_DATE, help="A night that was published.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="List every line that differs, as CSV.")
def replay(portfolio: str, business_date: datetime.datetime, out: Path | None) -> None:
    """Judge a past night again from what it recorded and compare it bit for bit; exit status 1 if anything differs.

    The output may name accounts and what is known of them: treat it like the customers' files.
    """
    from tasks.replaying import replay as judge_again
    from tasks.replaying import write_moved

    found = judge_again(portfolio, business_date.date())
    title = f"{portfolio}, {found.business_date}, revision {found.revision}"
    for cause in found.causes:
        click.echo(f"Not as it was recorded: {cause}")
    if out is not None:
        write_moved(found, out)
        click.echo(f"{out}: {len(found.moved):,} lines")
    if found.is_same:
        click.echo(f"{title}: {found.judged_count:,} lines judged again, the same bit for bit. Plan {found.plan_hash}")
        return
    _show_differences(found, title)
    sys.exit(1)


def _show_differences(found: "Replayed", title: str) -> None:
    click.echo(f"{title}: not the same as it was recorded.", err=True)
    if not found.causes:
        click.echo(
            "Data, policy, schema and code are as they were recorded: what the night wrote down was altered.", err=True
        )
    for difference in found.differences:
        click.echo(f"  {difference}", err=True)
    for moved in found.moved[:LISTED_MOST]:
        click.echo(f"  {moved.account_id}: {_fields(moved)}", err=True)
    if len(found.moved) > LISTED_MOST:
        click.echo(f"  and {len(found.moved) - LISTED_MOST:,} more lines; --out FILE lists them all", err=True)


def _fields(moved: "Moved") -> str:
    if not moved.then or not moved.now:
        return "judged only then" if moved.then else "judged only now"
    return "; ".join(f"{name} {moved.then[name]} then, {moved.now[name]} now" for name in moved.then)
