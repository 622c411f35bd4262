"""What people look back with: `verify` the ledger, `replay` a past night. Nothing is changed."""

import datetime
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.commands.held import PORTFOLIO
from flows.commands.options import ISO_DATE

if TYPE_CHECKING:
    from tasks.replaying import Moved, Replayed


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

    Lines that differ are counted here. The file of --out names them and what is known of them: treat it like the
    customers' files.
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
    if found.moved:
        _count_moved(found.moved)


def _count_moved(moved: "Sequence[Moved]") -> None:
    """How many lines differ, and in what; a scheduler may log it, so it names none of them and shows no value."""
    are = "lines are not judged as they were" if len(moved) > 1 else "line is not judged as it was"
    click.echo(f"{len(moved):,} {are}. `--out FILE` lists every line with its values.", err=True)
    counts = Counter(what for line in moved for what in _what_moved(line))
    for what, count in counts.items():
        click.echo(f"  {what}: {count:,} {'line' if count == 1 else 'lines'}", err=True)


def _what_moved(line: "Moved") -> Iterable[str]:
    if not line.then or not line.now:
        return ["judged only then" if line.then else "judged only now"]
    return line.then
