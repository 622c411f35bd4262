"""A long comparison of core and oracle on random policies.

    python -m tests.decisioning.campaign --examples 3000 --seed 1

prints how many policies and lines were judged by both, how many lines were reopened, and every difference;

    python -m tests.decisioning.campaign --examples 100 --seed 1 --nights 400

lets the books of steady policies stand still over so many nights, and prints every line that goes to and fro.
"""

import argparse
import random
import sys

from tests.decisioning.agreement import Figures
from tests.decisioning.steady import steady_night
from tests.decisioning.still_books import Book, Flapping
from tests.decisioning.strategies import random_night
from tests.factories import rules


def run(examples: int, seed: int) -> Figures:
    """Judge `examples` random nights by core and oracle; the same seed gives the same nights."""
    figures = Figures()
    for number in range(examples):
        chance = random.Random(f"{seed}, {number}")
        figures.add(random_night(chance.randrange))
    return figures


def stand_still(examples: int, seed: int, nights: int) -> Flapping:
    """Run `examples` books of steady policies over so many nights; the same seed gives the same books."""
    found = Flapping()
    for number in range(examples):
        night = steady_night(random.Random(f"{seed}, {number}").randrange)
        book = Book(rules(night.policy), night.rows)
        book.run(night.date, nights)
        found.add(book)
    return found


def main() -> int:
    """Run the campaign that the command line asks for; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nights", type=int, default=0)
    asked = parser.parse_args()
    if asked.nights:
        found = stand_still(asked.examples, asked.seed, asked.nights)
        sys.stdout.write("\n".join([str(found), *found.faults, ""]))
        return 1 if found.faults else 0
    figures = run(asked.examples, asked.seed)
    counts = [f"{count:8} {decision} ({step})" for (decision, step), count in figures.outcomes.most_common()]
    sys.stdout.write("\n".join([str(figures), *counts, *figures.differences, ""]))
    return 1 if figures.differences else 0


if __name__ == "__main__":
    sys.exit(main())
