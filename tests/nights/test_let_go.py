"""What is let go, and what never: links, failures, kills, and nights that are not settled."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks import nights, retention
from tasks.nights import store_of
from tasks.store import StoreError
from tests.crashes.book import NAME
from tests.nights.conftest import DAY
from tests.nights.retained import (
    EVERYTHING,
    FIRST,
    FOURTH,
    JUDGED,
    SECOND,
    STAYS,
    THIRD,
    book,
    command,
    found,
    keep,
    night,
    refusal,
    run_of,
)
from tests.plain_nights import forget, run_plainly, use_home


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
        ("refused", STAYS),
        ("failed", STAYS),
        ("discarded", STAYS),
    ],
)
def test_only_nights_that_wait_for_nothing_more_are_let_go(three: Path, status: str, left: set[str]) -> None:
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


def test_a_dry_run_of_a_date_that_no_night_was_run_for_goes_when_it_is_as_old_as_a_night_that_goes(three: Path) -> None:
    shutil.copytree(three / f"{FIRST}", three / f"{FIRST - DAY}-dry-run")
    with closing(sqlite3.connect(str(store_of(NAME).engine.url.database))) as connection:
        connection.execute("DELETE FROM runs WHERE business_date = ?", (str(SECOND),))
        connection.commit()
    shutil.copytree(three / f"{SECOND}", three / f"{SECOND}-dry-run")
    shutil.copytree(three / f"{THIRD}", three / f"{FOURTH}-dry-run")
    assert let_go() == ()
    assert found(FIRST - DAY, is_dry_run=True) == found(SECOND, is_dry_run=True) == STAYS
    assert found(FOURTH, is_dry_run=True) == found(SECOND) == EVERYTHING


@pytest.mark.parametrize("name", ["2026-02-30-dry-run", f"{FIRST}-dry-run-copy"])
def test_a_folder_that_only_looks_like_that_of_a_dry_run_is_left_alone(three: Path, name: str) -> None:
    (three / name).mkdir()
    (three / name / "ledger.parquet").touch()
    assert let_go() == ()
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
