"""What mutations of a policy have in common."""

import random
import re
from collections.abc import Callable
from typing import Any

from tests.factories import PolicyDict

Chance = random.Random
Mutation = Callable[[PolicyDict, Chance], str | None]
"""Changes a policy in place and gives the name of what it changed, which ends in `*` where any ending will do.

None where the policy has no such thing; an empty name for what decides nothing.
"""


def turned(question: str, chance: Chance) -> str:
    """Another question: one of its numbers moved, or the whole turned, widened or narrowed."""
    numbers = list(re.finditer(r"(?<![\w.-])\d+(?![\w.-])", question))
    if numbers and chance.random() < 0.6:
        found = chance.choice(numbers)
        return question[: found.start()] + str(int(found[0]) + chance.choice([1, 2, 30])) + question[found.end() :]
    return chance.choice([f"not ({question})", f"({question}) or 1 == 1", f"({question}) and 1 == 2"])


def one_of(parts: Any, chance: Chance) -> Any:
    return chance.choice(list(parts)) if parts else None
