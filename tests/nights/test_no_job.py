"""Access ends by data, not by a job: nights that nobody runs leave no temporary line open past its end."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.nights import store_of
from tests.nights.conftest import DAY, Book
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in

LAST_NIGHT = FIRST_NIGHT + 8 * DAY


@pytest.fixture
def opened(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """Temporary lines by account, opened on the first two nights, with their ends; then nobody runs a job for a week."""
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", stand_in(book.world)))
    for date in (FIRST_NIGHT, FIRST_NIGHT + DAY):
        run_plainly("small", date)
    entries = store_of("small").select_mine("ledger", decision="reopen_temporarily")
    ends = {entry["account_id"]: entry["valid_until"] for entry in entries}
    assert any(end < LAST_NIGHT for end in ends.values())
    yield ends
    forget()


def test_the_core_system_shows_no_temporary_line_open_past_its_end(opened: dict[str, object]) -> None:
    run, _ = run_plainly("small", LAST_NIGHT)
    (snapshot,) = (run.directory / "snapshot").glob("*.parquet")
    table = pq.read_table(snapshot, columns=["account_id", "line_status"])
    status = dict(zip(table["account_id"].to_pylist(), table["line_status"].to_pylist(), strict=True))
    over = [account for account, end in opened.items() if end <= LAST_NIGHT]
    assert {status[account] for account in over if account in status} == {"closed"}


def test_the_first_job_after_the_gap_ends_each_of_them_once(opened: dict[str, object]) -> None:
    run_plainly("small", LAST_NIGHT)
    over = {account for account, end in opened.items() if end <= LAST_NIGHT}
    entries = store_of("small").select_mine("ledger", business_date=LAST_NIGHT)
    ended = [entry["account_id"] for entry in entries if entry["account_id"] in over]
    assert sorted(ended) == sorted(over)
    assert {entry["decision"] for entry in entries if entry["account_id"] in over} <= {"expire", "reopen"}
    temporary = store_of("small").select_mine("line_states", "account_id", state="temporary")
    assert not over & {state["account_id"] for state in temporary}
