"""A plan is written chunk by chunk, each whole or absent; what is left is written by whoever comes next."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import NightRefused
from tasks import manual, nights, publishing, runs
from tasks.holds import Person
from tasks.nights import store_of
from tests.nights.another_plan import give_another_plan
from tests.nights.conftest import Book
from tests.plain_nights import forget, plan_plainly, run_again, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in


class Stopped(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture(autouse=True)
def home(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", stand_in(book.world)))
    monkeypatch.setattr(publishing, "CHUNK_LINES", 3)
    yield
    forget()


def stop_after(chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the first night up to so many chunks."""
    written = 0

    def counting(*args: object) -> None:
        nonlocal written
        if written == chunks:
            raise Stopped
        written += 1
        runs.publish_chunk(*args)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "publish_chunk", counting)
        with pytest.raises(Stopped):
            run_plainly("small", FIRST_NIGHT)


def test_the_size_of_chunks_does_not_show(book: Book) -> None:
    run_plainly("small", FIRST_NIGHT)
    assert store_of("small").ledger_head()[1] == book.nights[0][1].ledger_head


def test_a_chunk_holds_states_entries_notices_and_progress_together(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(2, monkeypatch)
    store = store_of("small")
    ledger, states = store.select_mine("ledger"), store.select_mine("line_states")
    assert len(ledger) == len(states) == 6
    assert {notice["sequence"] for notice in store.select_mine("notices")} == {1, 2, 3, 4, 5, 6}
    assert store.run(FIRST_NIGHT)["progress"] == 6
    assert store.run(FIRST_NIGHT)["status"] == "planned"


def test_a_night_stopped_between_chunks_goes_on_from_its_stored_plan(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(2, monkeypatch)
    forget()
    assert nights.unfinished_night("small") == FIRST_NIGHT
    with monkeypatch.context() as patch:
        patch.setattr("tasks.judgement.rescore_partition", None)
        run_again("small", FIRST_NIGHT)
    assert store_of("small").ledger_head()[1] == book.nights[0][1].ledger_head


def test_nothing_is_sent_before_the_whole_night_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(2, monkeypatch)
    assert not (tmp_path / "data" / "deliveries").exists()


def test_a_night_is_not_planned_anew_once_its_plan_is_set_down(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(1, monkeypatch)
    with nights.writing("small"), pytest.raises(NightRefused, match="is planned and not wholly published"):
        plan_plainly("small", FIRST_NIGHT)


def test_a_plan_is_resumed_with_chunks_of_another_size(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_after(2, monkeypatch)
    monkeypatch.setattr(publishing, "CHUNK_LINES", 5)
    run_again("small", FIRST_NIGHT)
    assert store_of("small").ledger_head()[1] == book.nights[0][1].ledger_head


def test_a_night_that_was_stopped_waits_while_its_portfolio_is_paused(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(1, monkeypatch)
    with nights.writing("small") as writer:
        manual.pause(writer, Person("ann", is_proven=True), "a fault in the core system")
    with pytest.raises(NightRefused, match="has been paused by ann: the plan of 2026-10-26 waits"):
        run_again("small", FIRST_NIGHT)
    assert store_of("small").ledger_head()[0] == 3
    with nights.writing("small") as writer:
        manual.resume(writer, Person("ann", is_proven=True), "mended")
    run_again("small", FIRST_NIGHT)
    assert store_of("small").ledger_head()[1] == book.nights[0][1].ledger_head


def test_a_folder_with_another_plan_than_the_store_knows_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(1, monkeypatch)
    give_another_plan(nights.run_directory("small", FIRST_NIGHT))
    with pytest.raises(NightRefused, match="holds another plan of 2026-10-26 than the one that was set down"):
        run_again("small", FIRST_NIGHT)
    assert store_of("small").ledger_head()[0] == 3
