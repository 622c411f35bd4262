"""What a terminal is told when nights are done."""

import pytest

from flows.console import watch_nights
from schemas.handles import NightResult
from schemas.vocabulary import Outcome
from tasks import progress
from tests.small_book import FIRST_NIGHT


def test_warnings_of_nights_that_were_published_follow_their_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_listeners", [])
    result = NightResult(
        portfolio="small",
        business_date=FIRST_NIGHT,
        outcome=Outcome.PUBLISHED,
        message="published",
        report=None,
        counts={"rows": 5, "judged": 2, "quarantined": 0},
        warnings=("[one file] was not removed",),
    )
    with watch_nights("small", [FIRST_NIGHT]):
        progress.tell(progress.NightEnds(result))
    assert f"{FIRST_NIGHT}: warning: [one file] was not removed" in capsys.readouterr().out
