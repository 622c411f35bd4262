"""Shutting out a process that does not go on: with all its sessions, wherever it was frozen, and nobody else with it."""

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.errors import NightRefused, ReinstateError
from tasks import locks, writers
from tasks.grants import grant
from tasks.locks import try_lock
from tasks.store import Store, StoreError, open_store
from tasks.writers import DRY_RUN, NIGHT, RELAY, ROLES, holder_of, take_over, take_writer
from tests.store.roles import JOB, OWNER, Roles, make_role, make_roles
from tests.store.test_writers import MIGRATIONS, PROCESSES

ENDED = "went on as if nothing had been"
WAIT_SECONDS = 60
NUMBERS = itertools.count()
Stop = Callable[[], None]


def between(opened: Store, role: str, stop: Stop) -> None:
    """Stop between two transactions."""
    writer = take_writer(opened, role)
    stop()
    with writer.transaction():
        pass


def inside(opened: Store, role: str, stop: Stop) -> None:
    """Stop inside a transaction, which keeps the row that every writer of the role asks."""
    with take_writer(opened, role).transaction() as connection:
        stop()
        connection.execute(text("SELECT 1"))


def just_let_in(opened: Store, role: str, stop: Stop) -> None:
    """Stop with the lock, before it is written down who has it."""
    really = writers._next_epoch
    writers._next_epoch = lambda *given: (stop(), really(*given))[1]
    take_writer(opened, role)


PLACES = {place.__name__: place for place in (between, inside, just_let_in)}


def freeze_at(url: str, portfolio: str, role: str, place: str, told: Connection) -> None:
    """Become the holder of a role, freeze at a place, and say what came of going on."""

    def stop() -> None:
        told.send(os.getpid())
        os.kill(os.getpid(), signal.SIGSTOP)

    try:
        PLACES[place](open_store(url, portfolio, MIGRATIONS), role, stop)
    except ReinstateError as error:
        told.send(str(error))
    told.send(ENDED)


@dataclass(frozen=True)
class Frozen:
    """A process that is frozen."""

    process: int
    told: Connection

    def go_on(self) -> str:
        """Let it go on; what it says then."""
        os.kill(self.process, signal.SIGCONT)
        assert self.told.poll(WAIT_SECONDS), "it says nothing"
        return str(self.told.recv())


@contextmanager
def frozen(opened: Store, place: str, role: str = NIGHT) -> Iterator[Frozen]:
    here, there = PROCESSES.Pipe()
    url = opened.engine.url.render_as_string(hide_password=False)
    process = PROCESSES.Process(target=freeze_at, args=(url, opened.portfolio, role, place, there))
    process.start()
    try:
        assert here.poll(WAIT_SECONDS), "it does not come to be frozen"
        yield Frozen(here.recv(), here)
    finally:
        process.kill()
        process.join()


@pytest.fixture
def book(postgres_url: str) -> Iterator[Store]:
    """A portfolio of its own on PostgreSQL."""
    opened = open_store(postgres_url, f"book-{next(NUMBERS)}", MIGRATIONS)
    yield opened
    opened.close()


@pytest.mark.parametrize("role", ROLES, ids=["night", "relay"])
@pytest.mark.parametrize("place", PLACES)
def test_a_frozen_process_is_shut_out_wherever_it_is_and_the_next_one_writes(
    book: Store, role: str, place: str
) -> None:
    take_writer(book, role).release()
    with frozen(book, place, role) as holder:
        who = "another process" if place == "just_let_in" else f"process {holder.process} on "
        said = take_over(book)
        assert said.startswith(who)
        assert f"which held {'the notices of ' * (role == RELAY)}{book.portfolio}" in said
        assert said.endswith("was shut out; run the night")
        following = take_writer(book, role)
        with following.transaction():
            pass
        following.release()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("between", "another process has taken over"),
        ("inside", "answered 57P01: the session was ended"),
        ("just_let_in", "this process was shut out"),
    ],
)
def test_a_process_that_was_shut_out_writes_nothing_when_it_goes_on_even_if_nobody_came_after_it(
    book: Store, place: str, words: str
) -> None:
    with frozen(book, place) as holder:
        take_over(book)
        before = holder_of(book)
        assert words in holder.go_on()
        assert holder_of(book) == before


def test_two_processes_that_hold_a_portfolio_are_shut_out_by_one_command(book: Store) -> None:
    with frozen(book, "inside", NIGHT) as night, frozen(book, "inside", RELAY) as relay:
        said = take_over(book)
        assert f"process {night.process} on " in said
        assert f"process {relay.process} on " in said
        for role in ROLES:
            take_writer(book, role).release()


def test_no_session_of_another_process_is_ended(book: Store) -> None:
    """Nor is this process's own: it holds another portfolio meanwhile."""
    beside = take_writer(Store(book.engine, f"{book.portfolio}-beside"))
    with beside.transaction() as connection, frozen(book, "inside"):
        take_over(book)
        assert try_lock(book.engine, beside.portfolio) is None
        connection.execute(text("SELECT 1"))
    beside.release()


def test_a_process_that_ends_is_not_shut_out(book: Store) -> None:
    take_writer(book).release()
    with pytest.raises(NightRefused, match="nobody holds"):
        take_over(book)


def test_a_session_that_postgresql_does_not_end_is_named(book: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "END_SECONDS", 0.05)
    with frozen(book, "between"):
        session = int(holder_of(book)["session"])
        os.kill(session, signal.SIGSTOP)
        try:
            with pytest.raises(StoreError, match=rf"has not ended its session {session}, of process"):
                take_over(book)
        finally:
            os.kill(session, signal.SIGCONT)


def test_a_role_that_may_not_end_the_session_is_told_whose_it_is_and_what_to_do(job: Roles) -> None:
    with opened_as(job.owner) as owner, opened_as(job.job) as mine, frozen(owner, "inside"):
        with pytest.raises(StoreError) as refused:
            take_over(mine)
        assert f"works as the role '{OWNER}', and '{JOB}' may not end sessions" in str(refused.value)
        assert f'GRANT pg_signal_backend TO "{JOB}"' in str(refused.value)
        assert "store grant" not in str(refused.value)
        with pytest.raises(NightRefused, match="it is being worked on by process"):
            take_writer(mine)


def test_a_role_that_may_end_sessions_of_others_ends_all_of_the_process(job: Roles) -> None:
    make_role(job.superuser, "signaller", "LOGIN IN ROLE pg_signal_backend")
    grant(job.owner, "signaller", MIGRATIONS)
    with opened_as(job.owner) as owner, opened_as(job.as_role("signaller")) as mine, frozen(owner, "inside"):
        take_over(mine)
        take_writer(mine).release()


def test_a_frozen_dry_run_is_shut_out_too(book: Store) -> None:
    with frozen(book, "between", DRY_RUN):
        assert try_lock(book.engine, book.portfolio + DRY_RUN) is None
        assert "was shut out" in take_over(book)
        lock = try_lock(book.engine, book.portfolio + DRY_RUN)
        assert lock is not None
        lock.release()


@pytest.fixture
def job(postgres_url: str) -> Roles:
    made = make_roles(postgres_url, "take-over")
    grant(made.owner, JOB, MIGRATIONS)
    return made


@contextmanager
def opened_as(url: str) -> Iterator[Store]:
    opened = open_store(url, "small", MIGRATIONS)
    yield opened
    opened.close()


@pytest.mark.parametrize("role", ROLES, ids=["night", "relay"])
def test_on_sqlite_the_process_to_end_is_named(tmp_path: Path, role: str) -> None:
    opened = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", "small", MIGRATIONS)
    with frozen(opened, "between", role) as holder, pytest.raises(NightRefused) as refused:
        take_over(opened)
    assert f"by process {holder.process} on " in str(refused.value)
    assert str(refused.value).endswith("End that process: the lock dies with it")
    opened.close()
