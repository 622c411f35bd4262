"""`reinstate synthesize` and `reinstate import-uci`: books to try things on."""

import datetime
from pathlib import Path

import click

from flows.commands.options import ISO_DATE


@click.command()
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


@click.command("import-uci")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("world", type=click.Path(path_type=Path, file_okay=False))
def import_uci(file: Path, world: Path) -> None:
    """Turn the public UCI credit-card FILE into six month-end snapshots in the folder WORLD."""
    from tasks.sample_data.uci import import_uci as convert

    convert(file, world)
    click.echo(f"{world}: six month-end snapshots of the UCI credit cards, 2005-04-30 to 2005-09-30.")
