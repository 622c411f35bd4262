"""A night follows a sample of its own paths: true ones pass, and one that misleads is found."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from tasks.decisioning.facts import NO_DAY, Night
from tasks.decisioning.path_check import misleading_paths
from tasks.decisioning.ragged import Ragged
from tasks.decisioning.rescoring import Judged, rescore_lines
from tests.decisioning.strategies import RandomNight, nights
from tests.decisioning.test_agreement import examples
from tests.factories import NIGHT, days_ago, frame, line, policy_dict, rules

WAITS_AND_GAINS = {"closed_on": days_ago(30), "on_time_streak_months": 0, "days_past_due": 3}
"""Closed too recently, in arrears, and short of points."""


def followed(change: Callable[[Judged], Judged] = lambda judged: judged) -> int:
    """How many paths of a line with everything to do mislead, once `change` has been made to what was found."""
    night = Night(rules(policy_dict()), NIGHT)
    lines = frame([line(**WAITS_AND_GAINS)], night.rules)
    judged, _ = rescore_lines(lines, night)
    assert judged.earliest[0] > night.today
    assert (judged.fix.counts[0], judged.steps.counts[0]) == (1, 1)
    return misleading_paths(lines, change(judged), night)


@examples(0.5)
@given(night=nights())
def test_no_path_of_a_random_night_misleads(night: RandomNight) -> None:
    compiled = rules(night.policy)
    lines, night_of = frame(night.rows, compiled), Night(compiled, night.date)
    judged, _ = rescore_lines(lines, night_of)
    assert misleading_paths(lines, judged, night_of) == 0


def test_a_true_path_passes() -> None:
    assert followed() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda judged: replace(judged, earliest=judged.earliest - 1),
        lambda judged: replace(judged, gains=Ragged(judged.gains.values - 60, judged.gains.counts)),
        lambda judged: replace(judged, fix=Ragged(np.zeros(0, np.int64), np.zeros(1, np.int64))),
    ],
    ids=["a day too early", "too few points", "something more to put right"],
)
def test_a_path_that_misleads_is_found(change: Callable[[Judged], Judged]) -> None:
    assert followed(change) == 1


def test_a_line_without_a_date_has_nothing_to_follow() -> None:
    assert followed(lambda judged: replace(judged, earliest=np.full(1, NO_DAY))) == 0
