"""A small book on the eve of its second night, copied as often as a test needs, and what an untroubled night makes of it.

The first night confirms hardly anything, the second most of what it found: more transitions than go into one chunk.
"""

import functools
import itertools
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, make_url

from schemas.vocabulary import TRANSITIONS
from tasks import publishing
from tasks.nights import store_of
from tasks.store import Store
from tests.digest import digest
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import DAY, FIRST_NIGHT, make_home, make_world, stand_in

LINES = 416
CHUNK_LINES = 3
SECOND_NIGHT = FIRST_NIGHT + DAY


@dataclass(frozen=True)
class Eve:
    """A book whose first night has been run: its home, and its data directory, with the store where that is SQLite."""

    home: Path
    data: Path

    def use(self, data: Path, monkeypatch: pytest.MonkeyPatch, store_url: str | None = None) -> None:
        """Go on with a copy in `data`, in chunks of three lines; on PostgreSQL with a copy of the database besides."""
        shutil.copytree(self.data, data)
        use_home(monkeypatch, data, self.home, store_url)
        monkeypatch.setattr(publishing, "CHUNK_LINES", CHUNK_LINES)


@functools.cache
def make_eve(base: Path, store_url: str | None = None) -> Eve:
    """The book after its first night, made once a store below the folder of all tests of a session."""
    name = make_url(store_url).database if store_url else "sqlite"
    data, home = base / f"eve-{name}", _home(base)
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, data, home, store_url)
        run_plainly("small", FIRST_NIGHT)
        forget()
    return Eve(home, data)


@functools.cache
def _home(base: Path) -> Path:
    world = make_world(base / "eve-world", lines=LINES, nights=4)
    return make_home(base / "eve-home", stand_in(world))


@functools.cache
def untroubled(base: Path) -> str:
    """The digest of the book after a second night that nothing disturbs, on SQLite and in one chunk."""
    with pytest.MonkeyPatch.context() as patch:
        make_eve(base).use(base / "eve-untroubled", patch)
        patch.setattr(publishing, "CHUNK_LINES", 5_000)
        run_plainly("small", SECOND_NIGHT)
        found = digest(store_of("small"))
        forget()
    return found


def database(url: str, name: str, *, of: str = "template1") -> str:
    """The URL of a new database on the server of `url`: a copy of the one called `of`, empty if that is left out."""
    plain = make_url(url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"'.encode())
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def half_done(store: Store) -> list[str]:
    """What is there of the second night's chunks without the rest of them: nothing, whatever happened."""
    entries = {entry["sequence"] for entry in store.select_mine("ledger", business_date=SECOND_NIGHT)}
    run = store.run(SECOND_NIGHT)
    planned, progress = (run["counts"], run["progress"]) if run and run["counts"] else ({}, 0)
    transitions = sum(planned.get(decision, 0) for decision in TRANSITIONS)
    found = {
        "states": {state["sequence"] for state in store.select_mine("line_states", since=SECOND_NIGHT)} != entries,
        "notices": {notice["sequence"] for notice in store.select_mine("notices", business_date=SECOND_NIGHT)}
        != entries,
        "progress": min(progress, transitions) != len(entries),
        "chunk": len(entries) % CHUNK_LINES != 0 and len(entries) != transitions,
    }
    return [name for name, is_half in found.items() if is_half]


def told(error: BaseException, store: Store) -> str:
    """All that a log would show of an error; no account of the store may be in it."""
    text = "".join(traceback.format_exception(error))
    accounts = {line["account_id"] for table in ("ledger", "recoverable_nights") for line in store.select_mine(table)}
    assert accounts
    assert not [account for account in accounts if account in text]
    return text


@contextmanager
def at_commit(number: int, act: Callable[[], object]) -> Iterator[list[str]]:
    """Act just before the COMMIT of a transaction that has written, counted from 1; yields what each wrote to."""
    commits: list[str] = []

    def note(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        words = statement.split()
        if place := {"INSERT": 2, "DELETE": 2, "UPDATE": 1}.get(words[0]):
            connection.info.setdefault("written", {})[words[place]] = None

    def commit(connection: Connection) -> None:
        if written := connection.info.pop("written", None):
            commits.append(" ".join(written))
            if len(commits) == number:
                act()

    with listening("before_cursor_execute", note), listening("commit", commit):
        yield commits


@contextmanager
def before_statement(words: str, number: int, act: Callable[[], object]) -> Iterator[None]:
    """Act just before the `number`th statement that begins with some words, counted from 1."""
    with listening("before_cursor_execute", _counting(words, number, act)):
        yield


@contextmanager
def after_statement(words: str, number: int, act: Callable[[], object]) -> Iterator[None]:
    """Act just after the `number`th statement that begins with some words, counted from 1."""
    with listening("after_cursor_execute", _counting(words, number, act)):
        yield


@contextmanager
def listening(name: str, listener: Callable[..., None]) -> Iterator[None]:
    """Have a listener hear of an event of every engine."""
    event.listen(Engine, name, listener)
    try:
        yield
    finally:
        event.remove(Engine, name, listener)


def _counting(words: str, number: int, act: Callable[[], object]) -> Callable[..., None]:
    count = itertools.count(1)

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(words) and next(count) == number:
            act()

    return note
