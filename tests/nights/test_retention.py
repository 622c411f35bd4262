"""Old nights give up what their portfolio no longer keeps, and whoever misses it is told so."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import SnapshotRefused
from tasks.nights import run_directory, store_of
from tasks.reruns import published_before
from tests.crashes.book import NAME, NIGHTS
from tests.digest import digest
from tests.nights.retained import (
    EVERYTHING,
    FIFTH,
    FIRST,
    FOURTH,
    JUDGED,
    SECOND,
    SET_ASIDE,
    STAYS,
    THIRD,
    book,
    command,
    found,
    keep,
    refusal,
)
from tests.plain_nights import forget, run_plainly


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Five nights that keep what is set aside for a day and evidence for two; the second was tried first, and revised."""
    root = tmp_path_factory.mktemp("retention")
    with pytest.MonkeyPatch.context() as patch:
        book(root, patch, "{quarantine_days: 1, evidence_days: 2}")
        run_plainly(NAME, FIRST)
        run_plainly(NAME, SECOND, dry_run=True)
        run_plainly(NAME, SECOND)
        assert command("revise", "--reason", "delivered again", "--by", "ann").exit_code == 0
        for date in (THIRD, FOURTH, FIFTH):
            run_plainly(NAME, date)
        yield root / "data"
    forget()


def test_of_a_night_past_its_evidence_stays_what_names_no_account(kept: Path) -> None:
    assert found(FIRST) == STAYS
    assert found(SECOND) == STAYS


def test_no_file_that_stays_names_an_account(kept: Path) -> None:
    texts = [path.read_text() for path in run_directory(NAME, SECOND).iterdir()]
    accounts = {entry["account_id"] for entry in store_of(NAME).select_mine("ledger")} | {JUDGED}
    assert len(accounts) > 10
    assert not [account for account in accounts for text in texts if account in text]


def test_dry_runs_and_revisions_of_a_date_go_with_it(kept: Path) -> None:
    assert found(SECOND, is_dry_run=True) == STAYS
    assert found(SECOND, revision=2) == STAYS


def test_of_a_night_past_its_quarantine_only_the_rows_set_aside_go(kept: Path) -> None:
    assert found(THIRD) == EVERYTHING - {"quarantine"}


def test_younger_nights_keep_everything(kept: Path) -> None:
    assert found(FOURTH) == found(FIFTH) == EVERYTHING
    assert list((run_directory(NAME, FOURTH) / "quarantine").glob("*.parquet"))


def test_a_night_that_was_refused_goes_once_later_ones_are_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(tmp_path, monkeypatch, "{evidence_days: 1}")
    snapshot = tmp_path / "home" / "delivered" / f"{FIRST}.parquet"
    kept = snapshot.read_bytes()
    snapshot.write_bytes(kept[:-100])
    with pytest.raises(SnapshotRefused):
        run_plainly(NAME, FIRST)
    assert found(FIRST) - STAYS
    run_plainly(NAME, SECOND)
    run_plainly(NAME, THIRD)
    assert found(FIRST) <= STAYS
    forget()


def test_deliveries_and_the_counts_of_what_was_set_aside_stay(kept: Path) -> None:
    assert len(list(kept.glob("deliveries/*/customer/*.jsonl"))) >= 5
    assert store_of(NAME).run(FIRST)["counts"]["quarantined"] == 1


def test_what_is_let_go_has_no_say_in_what_nights_leave_in_the_store(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(store_of(NAME))
    with monkeypatch.context() as patch:
        book(tmp_path, patch)
        for date in NIGHTS[:5]:
            run_plainly(NAME, date)
        expected = digest(store_of(NAME))
        assert found(FIRST) == EVERYTHING
    forget()
    assert before == expected


@pytest.mark.parametrize("words", [("replay",), ("explain", JUDGED)], ids=lambda words: words[0])
def test_who_asks_for_a_night_that_was_let_go_is_told_that_it_was(kept: Path, words: tuple[str, ...]) -> None:
    said = refusal(*words, "--business-date", str(FIRST))
    assert f"{FIRST} cannot be {words[0]}ed: " in said
    assert f"The retention of {NAME} let it go: its evidence_days is 2, and {FIFTH} has been published" in said
    assert JUDGED not in said


def test_a_night_without_its_quarantine_is_replayed_the_same_bit_for_bit(kept: Path) -> None:
    assert "the same bit for bit" in command("replay", "--business-date", str(THIRD)).output


def test_a_line_that_was_judged_is_explained_without_the_rows_set_aside(kept: Path) -> None:
    assert "days past due" in command("explain", JUDGED, "--business-date", str(THIRD)).output.lower()


def test_a_line_that_may_have_been_set_aside_is_not_explained_as_if_it_had_not(kept: Path) -> None:
    said = refusal("explain", SET_ASIDE, "--business-date", str(THIRD))
    assert "whether its row was set aside cannot be said" in said
    assert f"The retention of {NAME} let it go: its quarantine_days is 1" in said
    assert f"{SET_ASIDE} " not in said


def test_a_line_that_was_set_aside_is_explained_as_long_as_it_is_kept(kept: Path) -> None:
    assert command("explain", SET_ASIDE, "--business-date", str(FOURTH)).exit_code == 0


def test_a_night_that_was_let_go_still_brings_back_its_report(kept: Path) -> None:
    again = published_before(NAME, FIRST)
    assert again is not None
    assert again.report is not None
    page = again.report.read_text()
    assert "The ledger names their accounts; this page does not." in page
    assert not [name for name in re.findall(r'(?:href|src)="([^"#]+)"', page) if not name.startswith("data:")]


def test_another_retention_is_not_another_input(kept: Path) -> None:
    keep("{evidence_days: 3}")
    assert published_before(NAME, FIFTH) is not None
    keep("{quarantine_days: 1, evidence_days: 2}")


def test_files_that_an_earlier_retention_let_go_are_not_blamed_on_this_one(kept: Path) -> None:
    keep("")
    said = refusal("replay", "--business-date", str(FIRST))
    assert (
        "Either an earlier `retention` of the portfolio let it go, or the night's folder is to be had from a b" in said
    )
    keep("{quarantine_days: 1, evidence_days: 2}")
