"""Lines that the core system does not open, and lines that a snapshot lacks: nights over files that nothing changes."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.explanation import LineState
from tasks.explaining import explain
from tests.explaining.conftest import DAY, NIGHTS, Book, run_nights
from tests.explaining.test_explain import english_in, flat, said
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home

REOPENED_ON = FIRST_NIGHT
LAST = FIRST_NIGHT + (NIGHTS - 1) * DAY


@pytest.fixture(scope="module")
def deaf(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Book, str]]:
    """A book whose core system opens nothing, and an account reopened on the first night and missing on the last."""
    folder = tmp_path_factory.mktemp("deaf")
    source = folder / "source"
    source.mkdir()
    for path in (world / "base").glob("*.parquet"):
        (source / path.name).write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, folder / "data", make_home(folder / "home", f"{{kind: folder, path: {source}}}"))
        book = run_nights(NIGHTS - 1)
        gone = book.lines(decision="reopen")[0][1]["account_id"]
        last = source / f"{LAST}.parquet"
        table = pq.read_table(last)
        pq.write_table(table.filter(pc.not_equal(table["account_id"], gone)), last)
        run_plainly("small", LAST)
        yield book, gone
    forget()


def test_a_line_that_waits_for_the_core_system_says_since_when(deaf: tuple[Book, str]) -> None:
    book, _ = deaf
    date, row = book.lines(decision="reopen")[1]
    assert date == REOPENED_ON
    found = explain(row["account_id"], "small", date + DAY)
    assert (found.state, found.verdict) == (LineState.PENDING_ACTIVATION, None)
    assert not found.held.is_overdue
    text = said(row["account_id"], date + DAY)
    assert f"it was reopened on {date.day} {date:%B} {date.year}, and the core system has not opened it yet" in flat(
        text
    )
    assert "longer than it should" not in text
    assert english_in(said(row["account_id"], date + DAY, "zh")) == []


def test_a_line_that_waits_too_long_is_an_exception(deaf: tuple[Book, str]) -> None:
    book, _ = deaf
    _, row = book.lines(decision="reopen")[1]
    assert explain(row["account_id"], "small", REOPENED_ON + 4 * DAY).held.is_overdue
    assert "listed as an exception" in flat(said(row["account_id"], REOPENED_ON + 4 * DAY))
    assert "已列为异常" in said(row["account_id"], REOPENED_ON + 4 * DAY, "zh")


def test_a_line_of_the_ledger_that_the_snapshot_lacks_has_its_history(deaf: tuple[Book, str]) -> None:
    _, gone = deaf
    found = explain(gone)
    assert (found.business_date, found.state) == (LAST, LineState.ABSENT)
    assert [each.decision for each in found.history] == ["reopen"]
    assert "the snapshot of that night does not hold this account" in said(gone)
    assert english_in(said(gone, None, "zh")) == []
