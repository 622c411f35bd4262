"""A long comparison of core and oracle on random policies.

    python -m tests.decisioning.campaign --examples 3000 --seed 1

prints how many policies and lines were judged by both, how many lines were reopened, and every difference.
"""

import argparse
import random
import sys

from tests.decisioning.agreement import Figures
from tests.decisioning.strategies import random_night


def run(examples: int, seed: int) -> Figures:
    """Judge `examples` random nights by core and oracle; the same seed gives the same nights."""
    figures = Figures()
    for number in range(examples):
        chance = random.Random(f"{seed}, {number}")
        figures.add(random_night(chance.randrange))
    return figures


def main() -> int:
    """Run the campaign that the command line asks for; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    figures = run(asked.examples, asked.seed)
    counts = [f"{count:8} {decision} ({step})" for (decision, step), count in figures.outcomes.most_common()]
    sys.stdout.write("\n".join([str(figures), *counts, *figures.differences, ""]))
    return 1 if figures.differences else 0


if __name__ == "__main__":
    sys.exit(main())
