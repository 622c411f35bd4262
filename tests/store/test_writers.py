"""One process writes for a portfolio: whoever comes second is told who holds it, and writes nothing."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.errors import NightRefused
from tasks import store as stores
from tasks.settings import CHECKOUT
from tasks.store import Store, StoreError, open_store
from tasks.writers import RELAY, Writer, take_writer
from tests.nights.eve import database
from tests.store.roles import execute

MIGRATIONS = CHECKOUT / "deployments" / "migrations"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str, request: pytest.FixtureRequest) -> Iterator[Store]:
    opened = open_store(url, f"book-{request.node.name}"[:60], MIGRATIONS)
    yield opened
    opened.close()


def start_together(url: str, portfolio: str, barrier: Barrier, told: Connection, done: Connection) -> None:
    """One of several processes that want to write at once; says what came of it and holds on until told to end."""
    store = open_store(url, portfolio, MIGRATIONS)
    barrier.wait()
    try:
        writer = take_writer(store)
    except NightRefused as refused:
        told.send(("refused", str(refused), 0))
        return
    told.send(("writes", f"process {os.getpid()}", writer.epoch))
    done.recv()


def hold(url: str, portfolio: str, told: Connection) -> None:
    """Take the portfolio and never let it go."""
    told.send(take_writer(open_store(url, portfolio, MIGRATIONS)).epoch)
    signal.pause()


@pytest.mark.parametrize("count", [2, 8])
def test_of_simultaneous_starts_exactly_one_writes_and_the_others_name_it(store: Store, url: str, count: int) -> None:
    barrier = PROCESSES.Barrier(count)
    pipes = [(PROCESSES.Pipe(), PROCESSES.Pipe()) for _ in range(count)]
    started = [
        PROCESSES.Process(target=start_together, args=(url, store.portfolio, barrier, told[1], done[0]))
        for told, done in pipes
    ]
    for process in started:
        process.start()
    said = [told[0].recv() for told, _ in pipes]
    for _, done in pipes:
        done[1].send(None)
    for process in started:
        process.join()
    assert sorted(what for what, _, _ in said) == ["refused"] * (count - 1) + ["writes"]
    winner = next(words for what, words, _ in said if what == "writes")
    assert all(winner in words or "another process" in words for what, words, _ in said if what == "refused")


def test_a_killed_holder_holds_nothing(store: Store, url: str) -> None:
    here, there = PROCESSES.Pipe()
    holder = PROCESSES.Process(target=hold, args=(url, store.portfolio, there))
    holder.start()
    epoch = here.recv()
    with pytest.raises(NightRefused, match=rf"by process {holder.pid} on .+ since 20\d\d-"):
        take_writer(store)
    holder.kill()
    holder.join()
    writer = _soon(store)
    assert writer.epoch == epoch + 1
    writer.release()


def _soon(store: Store):
    """PostgreSQL notices within milliseconds that a client is dead."""
    for _ in range(1_000):
        try:
            return take_writer(store)
        except NightRefused:
            os.sched_yield()
    return take_writer(store)


def test_a_superseded_process_cannot_commit(store: Store) -> None:
    first = take_writer(store)
    first.release()
    second = take_writer(store)
    with pytest.raises(NightRefused, match="has taken over"), first.transaction():
        pass
    with second.transaction():
        pass
    second.release()


def test_whoever_sends_notices_does_not_hold_up_a_night(store: Store) -> None:
    relay, night = take_writer(store, RELAY), take_writer(store)
    with relay.transaction():
        pass
    with night.transaction():
        pass
    relay.release()
    night.release()


def test_a_process_refuses_itself_a_second_time(store: Store) -> None:
    writer = take_writer(store)
    with pytest.raises(NightRefused, match=f"process {os.getpid()}"):
        take_writer(store)
    writer.release()


@pytest.fixture
def impatient(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """A writer whose transactions wait for nobody."""
    monkeypatch.setattr(stores, "LOCK_SECONDS", 0.02)
    opened = open_store(url, "impatient", MIGRATIONS)
    writer = take_writer(opened)
    yield writer
    writer.release()
    opened.close()


def test_a_transaction_that_waits_too_long_for_another_one_says_so_and_what_to_do(impatient: Writer) -> None:
    with impatient.transaction():
        words = r"answered (55P03|SQLITE_BUSY): another process has kept .* `reinstate take-over`"
        with pytest.raises(StoreError, match=words), impatient.transaction():
            pass


def test_postgresql_ends_a_transaction_that_does_nothing_and_lets_the_next_one_in(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_store(postgres_url, "idle", MIGRATIONS)
    writer = take_writer(opened)
    monkeypatch.setattr(stores, "IDLE_SECONDS", 0.02)

    def let_another_one_in() -> None:
        with writer.transaction() as idle:
            with writer.transaction():
                pass
            idle.execute(text("SELECT 1"))

    with pytest.raises(StoreError, match="answered 25P03: this session was ended"):
        let_another_one_in()
    writer.release()
    opened.close()


def test_when_somebody_was_let_in_is_read_however_the_database_writes_dates(postgres_url: str) -> None:
    url = database(postgres_url, "date-style-of-writers")
    execute(url, 'ALTER DATABASE "date-style-of-writers" SET datestyle = German')
    opened = open_store(url, "small", MIGRATIONS)
    writer = take_writer(opened)
    with pytest.raises(NightRefused, match=r"since 20\d\d-\d\d-\d\d \d\d:"):
        take_writer(opened)
    writer.release()
    opened.close()
