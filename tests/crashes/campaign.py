"""Thousands of seeded plans of kills, or just one that failed.

`python -m tests.crashes.campaign --plans 5000 --seed 1 --store postgresql`, or `--plan 3:100,20` for one plan.
"""

import itertools
import sys
import time

import click

from tests.crashes.plans import Plan
from tests.crashes.troupe import WORKERS, processor_seconds, seeded, told, troupe_of

POINTS_APART = 200
"""Plans between two lines that say how far it is."""


@click.command()
@click.option("--plans", default=5_000, help="How many seeded plans of two to four kills.")
@click.option("--seed", default=1, help="What they are drawn from.")
@click.option("--store", type=click.Choice(["sqlite", "postgresql"]), default="sqlite")
@click.option("--workers", default=WORKERS, help="Processes that play at the same time.")
@click.option("--points/--no-points", default=True, help="Whether to kill once at every point first.")
@click.option("--plan", help="Play just this plan, such as 3:100,20.")
def campaign(plans: int, seed: int, store: str, workers: int, points: bool, plan: str | None) -> None:
    """Play plans of kills, and say what was found."""
    began = time.monotonic()
    drawn: dict[str, Plan] = {}
    with troupe_of(store, 1 if plan else workers) as troupe:
        every = [] if plan or not points else troupe.rehearsed.every_point()
        once = list(troupe.kill_once(every))
        if plan:
            drawn["given by hand"] = Plan.parse(plan)
        else:
            drawn |= itertools.islice(seeded(seed, troupe.rehearsed.points), plans)
        played = []
        for number, each in enumerate(troupe.play(drawn.values()), 1):
            played.append(each)
            if number % POINTS_APART == 0:
                click.echo(f"{number} plans", err=True)
        counted = sum(len(names) for names in troupe.rehearsed.points)
    failed = [each for each in (*once, *played) if each.faults]
    click.echo(told(failed, {plan: seed for seed, plan in drawn.items()}, store))
    kills = sum(len(each.killed_at) for each in (*once, *played))
    click.echo(
        f"{store}: {counted:,} points, {len(once):,} of them killed once, leaving {sum(each.is_new for each in once):,} "
        f"different stores; {len(drawn):,} plans; {len(once) + len(played):,} cases, {kills:,} kills, "
        f"{len(failed)} failures; {time.monotonic() - began:,.0f} s, {processor_seconds():,.0f} s of processors"
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    campaign()
