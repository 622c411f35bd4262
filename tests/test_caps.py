"""Caps of a night: what is above them is said, what is at them passes."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.portfolio import Caps
from tasks.caps import above_caps, stability_index

MEASURES = {
    "closed": 1_000, "reopened": 50, "reopened_limit_cents": 7_000_000, "scorecard": "small 1",
    "scores": {"600": 500, "620": 500},
}  # fmt: skip


def accepted(rows: int = 2_000, quarantined: int = 10) -> Any:
    return SimpleNamespace(snapshot=SimpleNamespace(row_count=rows), quarantined_count=quarantined)


def recent(rows: int = 2_000, scorecard: str = "small 1", **scores: int) -> dict[str, Any]:
    measures = {"scorecard": scorecard, "scores": scores or MEASURES["scores"]}
    return {"counts": {"rows": rows}, "measures": measures}


@pytest.mark.parametrize(
    ("at", "above", "words"),
    [
        ({"reopened_lines_max": 50}, {"reopened_lines_max": 49}, "lines reopened: 50, the cap is 49"),
        (
            {"reopened_share_max_bp": 500}, {"reopened_share_max_bp": 499},
            "50 of 1,000 of the closed lines judged reopened: the cap is 4.99 %",
        ),
        (
            {"reopened_limit_max_cents": 7_000_000}, {"reopened_limit_max_cents": 6_999_999},
            "limit reopened in cents: 7,000,000, the cap is 6,999,999",
        ),
        (
            {"quarantined_share_max_bp": 50}, {"quarantined_share_max_bp": 49},
            "10 of 2,000 of the rows quarantined: the cap is 0.49 %",
        ),
    ],
)  # fmt: skip
def test_a_night_at_its_cap_passes_and_one_above_it_does_not(
    at: dict[str, int], above: dict[str, int], words: str
) -> None:
    assert above_caps(Caps(**at), accepted(), MEASURES, []) == ()
    assert above_caps(Caps(**above), accepted(), MEASURES, []) == (words,)


@pytest.mark.parametrize("rows", [1_390, 2_610])
def test_a_row_count_far_from_the_usual_one_is_held_either_way(rows: int) -> None:
    caps = Caps(row_count_change_max_bp=3_000)
    usual = [recent(1_900), recent(2_000), recent(9_000)]
    assert above_caps(caps, accepted(rows), MEASURES, usual) == (
        f"{rows:,} rows where recent nights had 2,000: the cap is a change by 30 %",
    )
    assert above_caps(caps, accepted(1_400), MEASURES, usual) == ()


def test_the_first_night_has_nothing_to_be_compared_with() -> None:
    assert above_caps(Caps(row_count_change_max_bp=1, score_stability_max=0.01), accepted(), MEASURES, []) == ()


def test_scores_that_moved_are_held_and_another_scorecard_says_nothing_of_them() -> None:
    caps = Caps(score_stability_max=0.25)
    moved = recent(**{"600": 100, "620": 900})
    (finding,) = above_caps(caps, accepted(), MEASURES, [moved])
    assert finding == "the scores have moved: stability index 0.879, the cap is 0.25"
    assert (
        above_caps(caps, accepted(), MEASURES, [moved | {"measures": moved["measures"] | {"scorecard": "new"}}]) == ()
    )


def test_the_stability_index_of_equal_distributions_is_nothing_and_grows_with_their_distance() -> None:
    assert stability_index({"1": 30, "2": 70}, {"1": 3, "2": 7}) == 0
    near, far = stability_index({"1": 40, "2": 60}, {"1": 50, "2": 50}), stability_index({"1": 1}, {"2": 1})
    assert 0 < near < 0.1 < far


def test_without_caps_no_night_is_held(tmp_path: Path) -> None:
    assert above_caps(Caps(), accepted(1, 1), MEASURES, [recent()]) == ()
