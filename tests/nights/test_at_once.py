"""Nights and commands that are started at one moment: one writes, the others are told who does, and the end is a serial one."""

import functools
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flows.command_line import commands
from schemas.errors import NightRefused
from tasks import revising
from tasks.holds import Person
from tasks.nights import store_of
from tasks.store import canonical_json
from tasks.verifying import verify
from tasks.whole_files import write_whole
from tests.crashes.book import WITHDRAWN
from tests.digest import contents, digest
from tests.nights.tiny import NAME, NIGHTS, tiny_eve, untroubled
from tests.nights.together import Act, Said, at_once, while_held
from tests.plain_nights import forget, run_again

Begin = Callable[[int], None]
Serially = Callable[..., str]
BESIDE = {"runs": ("business_date", "revision", "status"), "pauses": ("person", "reason")}


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="module")
def serially(tmp_path_factory: pytest.TempPathFactory) -> Serially:
    """What commands leave that are given one after the other after two nights; the same on both stores."""
    folder = tmp_path_factory.mktemp("serially")

    @functools.cache
    def leave(*acts: Act) -> str:
        with pytest.MonkeyPatch.context() as patch:
            tiny_eve(tmp_path_factory.getbasetemp(), 2).use(folder / f"data-{leave.cache_info().misses}", patch)
            for act in acts:
                with suppress(NightRefused):
                    act()
            found = left()
            forget()
        return found

    return leave


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def begin(store_url: str | None, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Goes on with a copy of the book after so many nights."""

    def begin_after(nights: int) -> None:
        eve = tiny_eve(base, nights, store_url)
        eve.use(tmp_path / "data", monkeypatch, eve.copy_of_database("at-once"))

    yield begin_after
    forget()


NIGHT: tuple[Act, ...] = tuple(functools.partial(run_again, NAME, date) for date in NIGHTS)


def command(*words: str) -> Act:
    return lambda: commands.main([*words, "--portfolio", NAME], prog_name="reinstate", standalone_mode=False)


BY_HAND: dict[str, Act] = {
    "withdraw": command("withdraw", WITHDRAWN, "--reason", "the core system refuses it", "--by", "ann"),
    "pause": command("pause", "--reason", "a fault in the core system", "--by", "ann"),
    "revise": lambda: revising.revise(NAME, Person("ann", is_proven=False), "delivered again"),
}


def left() -> str:
    """All that commands left in the store, but for the clock and who was let in when."""
    store = store_of(NAME)
    beside = {table: list(map(dict, store.select_mine(table, *columns))) for table, columns in BESIDE.items()}
    found = canonical_json({**contents(store), **beside})
    assert verify(store).fault is None
    return found


def attempts(number: int) -> list[dict[str, Any]]:
    return list(map(dict, store_of(NAME).select_mine("attempts", business_date=NIGHTS[number])))


def check_one_wrote(said: list[Said]) -> Said:
    """The one attempt at the second night was of a process that was let in, and left what an untroubled night leaves."""
    [attempt] = attempts(1)
    [writer] = [each for each in said if attempt["holder"].startswith(f"process {each.process} on ")]
    assert writer.was_let_in
    assert not writer.was_refused
    return writer


@pytest.mark.parametrize("count", [2, 5, 8])
def test_of_nights_started_at_one_moment_one_writes_and_all_others_are_told_that_it_does(
    begin: Begin, count: int, base: Path
) -> None:
    begin(1)
    said = at_once(*[NIGHT[1]] * count, until_all_are_heard=True)
    writer = check_one_wrote(said)
    others = [each for each in said if each is not writer]
    assert all(each.was_refused and not each.was_let_in for each in others)
    assert all(f"{NAME}: it is being worked on by " in each.words for each in others)
    assert digest(store_of(NAME)) == untroubled(base, 2)


def test_whoever_comes_while_a_night_is_worked_on_is_told_by_which_process_since_when(begin: Begin, base: Path) -> None:
    begin(1)
    writer, others = while_held(NIGHT[1], *[NIGHT[1]] * 4)
    assert not writer.was_refused
    for each in others:
        assert each.was_refused
        assert f"by process {writer.process} on " in each.words
        assert " since 20" in each.words
        assert "nothing was written" in each.words
    assert len(attempts(1)) == 1
    assert digest(store_of(NAME)) == untroubled(base, 2)


def test_of_nights_that_wait_for_nobody_one_writes_and_the_others_are_refused_or_come_after_its_end(
    begin: Begin, base: Path
) -> None:
    begin(1)
    said = at_once(*[NIGHT[1]] * 8)
    check_one_wrote(said)
    refusals = [each.words for each in said if each.was_refused]
    assert all("it is being worked on by " in words or "the last business date settled" in words for words in refusals)
    assert digest(store_of(NAME)) == untroubled(base, 2)


@pytest.mark.parametrize(("first", "second"), [(2, 3), (3, 2)], ids=["older first", "newer first"])
def test_of_two_dates_at_once_one_is_run_and_the_other_is_not_begun(
    begin: Begin, serially: Serially, first: int, second: int
) -> None:
    begin(2)
    writer, [other] = while_held(NIGHT[first], NIGHT[second])
    assert (writer.was_refused, other.was_refused) == (False, True)
    assert (len(attempts(first)), len(attempts(second))) == (1, 0)
    assert left() == serially(NIGHT[first])


@pytest.mark.parametrize("name", BY_HAND)
def test_a_command_by_hand_during_a_night_is_refused_and_the_night_is_as_if_it_had_not_been_given(
    begin: Begin, serially: Serially, name: str
) -> None:
    begin(2)
    writer, [other] = while_held(NIGHT[2], BY_HAND[name])
    assert (writer.was_refused, other.was_refused) == (False, True)
    assert f"by process {writer.process} on " in other.words
    assert left() == serially(NIGHT[2])


@pytest.mark.parametrize("name", BY_HAND)
def test_a_night_during_a_command_by_hand_is_refused_and_the_command_is_as_if_there_had_been_no_night(
    begin: Begin, serially: Serially, name: str
) -> None:
    begin(2)
    writer, [other] = while_held(BY_HAND[name], NIGHT[2])
    assert (writer.was_refused, other.was_refused) == (False, True)
    assert f"by process {writer.process} on " in other.words
    assert attempts(2) == []
    assert left() == serially(BY_HAND[name])


@pytest.mark.parametrize("name", BY_HAND)
def test_a_night_and_a_command_that_wait_for_nobody_end_as_one_after_the_other_or_one_alone(
    begin: Begin, serially: Serially, name: str
) -> None:
    night, command = NIGHT[2], BY_HAND[name]
    begin(2)
    at_once(night, command)
    orders = ([night], [command], [night, command], [command, night])
    found = left()
    assert found in {serially(*order) for order in orders}


def test_two_processes_that_write_one_file_at_once_each_leave_it_whole(tmp_path: Path) -> None:
    """As two may at the end of a night: its report is written when others are let in already."""
    path = tmp_path / "report.html"

    def begin_and_be_overtaken(sink: Any) -> None:
        sink.write(b"the ")
        write_whole(path, lambda other: other.write(b"the other's"))
        assert path.read_bytes() == b"the other's"
        sink.write(b"first one's")

    write_whole(path, begin_and_be_overtaken)
    assert path.read_bytes() == b"the first one's"
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
