"""Does the harness bite? Bugs are planted that nobody sees as long as nothing dies."""

import pytest

from tests.crashes.planted_bugs import PLANTED
from tests.crashes.troupe import Troupe


@pytest.fixture(scope="module")
def found(troupe: Troupe) -> dict[str, tuple[int, list[str]]]:
    """What is found of every planted bug, and after how many kills."""
    return troupe.with_bugs()


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught(found: dict[str, tuple[int, list[str]]], bug: str) -> None:
    kills, faults = found[bug]
    assert [fault for fault in faults if PLANTED[bug].caught_by in fault], f"not after {kills} kills: {faults}"
