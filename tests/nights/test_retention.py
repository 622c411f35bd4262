"""Old nights give up what their portfolio no longer keeps, and whoever misses it is told so."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.errors import NightRefused
from schemas.handles import NightResult, Run
from tasks import finishing, nights, opening, publishing, retention
from tasks.nights import run_directory, store_of
from tasks.reruns import published_before
from tasks.store import StoreError
from tests.crashes.book import NAME, NIGHTS, make_home
from tests.digest import digest
from tests.nights.conftest import DAY
from tests.plain_nights import forget, plan_plainly, run_plainly, use_home

FIRST, SECOND, THIRD, FOURTH, FIFTH, _ = NIGHTS
STAYS = {"report.html", "report.json", "night.json", "policy.yaml", "portfolio.json"}
EVERYTHING = STAYS | {
    "snapshot", "ledger.parquet", "evidence", "candidates", "quarantine", "plan.parquet", "overlay.parquet",
    "recoverable.parquet", "transitions.csv",
}  # fmt: skip
JUDGED, SET_ASIDE = "overdue-1", "bad"
"""A line that every night judges, and one whose row is wrong."""


def book(root: Path, patch: pytest.MonkeyPatch, keeps: str = "") -> None:
    """Work on the smallest book, without caps, in `root`."""
    home = make_home(root / "home")
    use_home(patch, root / "data", home)
    keep(keeps)


def keep(keeps: str) -> None:
    """Write the retention into the portfolio file, or leave it out."""
    [path] = (nights.settings().deployments / "portfolios").glob("*.yaml")
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("retention:", "caps:"))]
    path.write_text("\n".join([*lines, f"retention: {keeps}" if keeps else "", ""]))


def night(number: int) -> NightResult:
    """The night of that number from 1, to its end."""
    with opening.attempt(NAME, NIGHTS[number - 1], is_dry_run=False):
        settled = plan_plainly(NAME, NIGHTS[number - 1])
        published = publishing.publish_plan(settled, nights.portfolio_of(NAME))
    return finishing.wrap_up(settled, published)


def run_of(number: int) -> Run:
    return nights.recall(NAME, NIGHTS[number - 1]).run


def found(date: Any, **which: Any) -> set[str]:
    """The names in the folder of a night."""
    return {path.name for path in run_directory(NAME, date, **which).iterdir()}


def command(*words: str) -> Result:
    return CliRunner().invoke(commands, [*words, "--portfolio", NAME])


def refusal(*words: str) -> str:
    refused = command(*words)
    assert isinstance(refused.exception, NightRefused), refused.output
    return str(refused.exception)


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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights that have kept everything, in `data`, and a copy of it."""
    root = tmp_path_factory.mktemp("three-nights")
    with pytest.MonkeyPatch.context() as patch:
        book(root, patch)
        for number in (1, 2, 3):
            night(number)
        keep("{evidence_days: 1}")
        forget()
    shutil.copytree(root / "data", root / "copy")
    return root


@pytest.fixture
def three(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the three nights as they were; from here on evidence is kept for a day."""
    shutil.rmtree(made / "data")
    shutil.copytree(made / "copy", made / "data")
    use_home(monkeypatch, made / "data", made / "home")
    yield made / "data" / "nights" / NAME
    forget()


def let_go() -> tuple[str, ...]:
    """What the end of a fourth night does."""
    return retention.let_go(run_of(3).model_copy(update={"business_date": FOURTH}))


def test_nights_that_were_kept_so_far_go_with_the_next_one_published(three: Path) -> None:
    assert night(4).warnings == ()
    assert found(FIRST) == found(SECOND) == STAYS
    assert found(THIRD) == EVERYTHING


def test_a_dry_run_lets_nothing_go(three: Path) -> None:
    run_plainly(NAME, FOURTH, dry_run=True)
    assert found(FIRST) == EVERYTHING


def test_the_newest_published_night_is_kept_whatever_its_age(three: Path) -> None:
    retention.let_go(run_of(3).model_copy(update={"business_date": THIRD + 100 * DAY}))
    assert (found(THIRD), found(SECOND)) == (EVERYTHING, STAYS)


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("held", EVERYTHING),
        ("planned", EVERYTHING),
        ("refused", EVERYTHING),
        ("failed", EVERYTHING),
        ("discarded", STAYS),
    ],
)
def test_only_settled_nights_are_let_go(three: Path, status: str, left: set[str]) -> None:
    with closing(sqlite3.connect(str(store_of(NAME).engine.url.database))) as connection:
        connection.execute("UPDATE runs SET status = ? WHERE business_date = ?", (status, str(FIRST)))
        connection.commit()
    retention.let_go(run_of(3))
    assert found(FIRST) == left


@pytest.mark.parametrize("name", ["notes", "2025-10-26", f"{FIRST} copy", f"{FIRST}-revision-x"])
def test_a_folder_that_is_not_a_settled_nights_is_left_alone(three: Path, name: str) -> None:
    (three / name).mkdir()
    (three / name / "ledger.parquet").touch()
    let_go()
    assert (three / name / "ledger.parquet").exists()


def behind_a_link(path: Path, elsewhere: Path) -> None:
    """Move what is at `path` to another place, and leave a link that leads there."""
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("place", [f"{FIRST}", f"{FIRST}/snapshot", f"{FIRST}/ledger.parquet"])
def test_what_lies_behind_a_symbolic_link_is_left_alone_and_told(three: Path, tmp_path: Path, place: str) -> None:
    behind_a_link(three / place, tmp_path / "elsewhere")
    before = sorted((tmp_path / "elsewhere").rglob("*"))
    [warning] = let_go()
    assert "symbolic link" in warning
    assert sorted((tmp_path / "elsewhere").rglob("*")) == before
    assert (tmp_path / "elsewhere").exists()
    assert found(SECOND) == STAYS


def test_nothing_is_removed_from_a_portfolio_whose_nights_lie_behind_a_link(three: Path, tmp_path: Path) -> None:
    behind_a_link(three, tmp_path / "elsewhere")
    [warning] = let_go()
    assert "and 1 more" in warning
    assert found(FIRST) == found(SECOND) == EVERYTHING


def test_links_inside_are_removed_and_not_followed(three: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (three / f"{FIRST}" / "evidence" / "more").symlink_to(tmp_path / "precious")
    assert let_go() == ()
    assert (tmp_path / "precious" / "file").exists()
    assert found(FIRST) == STAYS


def failing(patch: pytest.MonkeyPatch, error: BaseException, times: int) -> None:
    """Let the removing of folders fail after so many have been removed."""
    left, real = iter(range(times)), shutil.rmtree

    def remove(path: Path) -> None:
        if next(left, None) is None:
            raise error
        real(path)

    patch.setattr(retention, "shutil", SimpleNamespace(rmtree=remove))


def test_a_folder_that_cannot_be_removed_does_not_fail_the_night_and_goes_with_the_next(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, PermissionError(13, "Permission denied", str(three / JUDGED)), 2)
        ended = night(4)
    [warning] = ended.warnings
    assert ended.message == "published"
    assert "not removed: a file in " in warning
    assert "(Permission denied), and 5 more; the next night tries again" in warning
    assert JUDGED not in warning
    assert night(5).warnings == ()
    assert found(FIRST) == found(SECOND) == STAYS


def test_a_night_that_is_a_file_holds_up_no_other(three: Path) -> None:
    shutil.rmtree(three / f"{FIRST}")
    (three / f"{FIRST}").touch()
    [warning] = let_go()
    assert f"{FIRST} (Not a directory)" in warning
    assert found(SECOND) == STAYS


def test_a_store_that_does_not_answer_does_not_fail_the_night(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_: str) -> None:
        raise StoreError("the database answered 57P01")

    with monkeypatch.context() as patch:
        patch.setattr(retention, "store_of", lost)
        [warning] = let_go()
    assert "could not be looked for: the database answered 57P01" in warning


@pytest.mark.parametrize("removed", [0, 3, 7])
def test_a_night_killed_while_it_lets_go_is_followed_by_one_that_goes_on(
    three: Path, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, KeyboardInterrupt(), removed)
        with pytest.raises(KeyboardInterrupt):
            night(4)
    forget()
    assert store_of(NAME).run(FOURTH)["status"] == "published"
    assert nights.unfinished_night(NAME) is None
    assert night(5).warnings == ()
    assert found(FIRST) == found(SECOND) == found(THIRD) == STAYS


HALVES: dict[str, Callable[[Path], object]] = {
    "the first partition's evidence": lambda folder: (folder / "evidence" / "part-00000.parquet").unlink(),
    "the ledger's columns": lambda folder: (folder / "ledger.parquet").unlink(),
    "the snapshot": lambda folder: shutil.rmtree(folder / "snapshot"),
    "the overlay": lambda folder: (folder / "overlay.parquet").unlink(),
}


@pytest.mark.parametrize("words", [("replay",), ("explain", JUDGED)], ids=lambda words: words[0])
@pytest.mark.parametrize("half", HALVES)
def test_a_night_that_is_half_removed_is_told_as_one_that_was_let_go(
    three: Path, half: str, words: tuple[str, ...]
) -> None:
    HALVES[half](three / f"{FIRST}")
    assert "The retention of tiny let it go" in refusal(*words, "--business-date", str(FIRST))


def test_a_released_or_revised_night_tells_its_warnings(three: Path, tmp_path: Path) -> None:
    behind_a_link(three / f"{FIRST}", tmp_path / "elsewhere")
    done = command("revise", "--reason", "delivered again", "--by", "ann")
    assert done.exit_code == 0, done.exception
    assert "Warning: past the portfolio's retention and not removed: " in done.stderr
