"""Who may write: one process per portfolio, and a second one that sends notices.

A lock that dies with its process lets one in; an epoch, which every write transaction checks, keeps out whoever was
taken for dead and is not. Nobody waits: who comes second is told who holds it since when, and writes nothing.
"""

import datetime
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas import tables
from schemas.errors import NightRefused
from tasks.locks import END_SECONDS, Lock, end_process, holding_session, try_lock
from tasks.store import Store, StoreError

NIGHT: Final = ""
"""The role of whoever changes lines."""
RELAY: Final = "/relay"
"""The role of whoever sends what is owed: a slow mail server never holds up a night."""
ROLES: Final = (NIGHT, RELAY)
DRY_RUN: Final = "/dry-run"
"""The lock of whoever only tries a night: it keeps others out of its folder, and writes nothing to the store."""
BATCH_ROWS: Final = 500


class Writer:
    """The one process that may write in a role, until it lets go or dies."""

    def __init__(self, store: Store, role: str, lock: Lock, epoch: int) -> None:
        self.store = store
        self.portfolio = store.portfolio
        self.epoch = epoch
        self._role = role
        self._lock = lock

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction, all of it or nothing; refused to a process that has been superseded.

        Raises:
            NightRefused: another process has been let in since.
            StoreError: the database did not do what was asked.
        """
        with self.store.transaction() as connection:
            self._refuse_superseded(connection)
            yield connection

    def release(self) -> None:
        """Let the next one in; safe to call again."""
        self._lock.release()

    def insert(self, connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
        """Append rows."""
        for start in range(0, len(rows), BATCH_ROWS):
            connection.execute(insert(table), rows[start : start + BATCH_ROWS])

    def upsert(self, connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
        """Append rows, or put them in the place of those with the same key."""
        query = dialect(self.store).insert(table)
        keys = list(table.primary_key.columns)
        fresh = {c.name: query.excluded[c.name] for c in table.c if not c.primary_key}
        query = query.on_conflict_do_update(index_elements=keys, set_=fresh)
        for start in range(0, len(rows), BATCH_ROWS):
            connection.execute(query, rows[start : start + BATCH_ROWS])

    def _refuse_superseded(self, connection: Connection) -> None:
        writers = tables.writers
        query = select(writers.c.epoch).where(writers.c.portfolio == self.portfolio + self._role).with_for_update()
        if connection.scalar(query) != self.epoch:
            raise NightRefused(f"another process has taken over {self.portfolio} since; this one wrote nothing more")


def take_writer(store: Store, role: str = NIGHT) -> Writer:
    """Become the one process that writes in a role.

    Raises:
        NightRefused: another process is; says who, and since when.
    """
    lock = try_lock(store.engine, store.portfolio + role)
    if lock is None:
        raise NightRefused(f"{taken(store, role)}; nothing was written")
    try:
        return Writer(store, role, lock, _next_epoch(store, role, lock))
    except BaseException:
        lock.release()
        raise


def holder_of(store: Store, role: str = NIGHT) -> RowMapping | None:
    """The last process that was let to write in a role; None where there never was one."""
    writers = tables.writers
    with store.reading() as connection:
        query = select(writers).where(writers.c.portfolio == store.portfolio + role)
        return connection.execute(query).mappings().first()


def take_over(store: Store) -> str:
    """Shut out whoever holds a portfolio, for a night, its notices or a dry run, and does not go on; say who it was.

    All database sessions of these processes are ended; what one of them still tries to write is refused.

    Raises:
        NightRefused: nobody holds it, or, on SQLite, only the process itself can be ended.
        StoreError: this role may not end the sessions, or PostgreSQL has not ended them in time.
    """
    ended = [_end(store, role) for role in (*ROLES, DRY_RUN) if _is_held(store, role)]
    if not ended:
        raise NightRefused(f"nobody holds {store.portfolio}: just run the night")
    for role in ROLES:
        with suppress(NightRefused):  # somebody was quicker, and has the next epoch
            take_writer(store, role).release()
    return "; ".join([*ended, "run the night"])


def dialect(store: Store) -> Any:
    """The module with the store's own INSERT."""
    return postgresql if store.engine.dialect.name == "postgresql" else sqlite


def _next_epoch(store: Store, role: str, lock: Lock) -> int:
    writers = tables.writers
    name = store.portfolio + role
    fresh = {
        "holder": f"process {os.getpid()} on {socket.gethostname()}",
        "session": lock.session,
        "since": datetime.datetime.now(datetime.UTC),
    }
    with store.transaction() as connection:
        known = connection.scalar(select(writers.c.epoch).where(writers.c.portfolio == name).with_for_update())
        if lock.session is not None and holding_session(connection, name) != lock.session:
            raise NightRefused(f"this process was shut out of {store.portfolio}; it wrote nothing")
        epoch: int = (known or 0) + 1
        if known is None:
            connection.execute(insert(writers), {"portfolio": name, "epoch": epoch, **fresh})
        else:
            connection.execute(update(writers).where(writers.c.portfolio == name).values(epoch=epoch, **fresh))
    return epoch


def _is_held(store: Store, role: str) -> bool:
    lock = try_lock(store.engine, store.portfolio + role)
    if lock is not None:
        lock.release()
    return lock is None


def _end(store: Store, role: str) -> str:
    """End the process that holds a role, as far as the database goes."""
    if store.engine.dialect.name == "sqlite":
        raise NightRefused(f"{taken(store, role)}. End that process: the lock dies with it")
    (who, since), session = _holder(store, role), _session(store, role)
    if session is not None:
        end_process(store.engine, session)
        if _session(store, role) == session:
            raise StoreError(
                f"PostgreSQL has not ended its session {session}, of {who}, within {END_SECONDS} s: give the command again"
            )
    return f"{who}, which held {'the notices of ' * (role == RELAY)}{store.portfolio}{since}, was shut out"


def taken(store: Store, role: str) -> str:
    """Who holds a portfolio in a role, in words, as far as it can be known."""
    who, since = _holder(store, role)
    doing = "its notices are being sent" if role == RELAY else "it is being worked on"
    return f"{store.portfolio}: {doing} by {who}{since}"


def _holder(store: Store, role: str) -> tuple[str, str]:
    """Who holds a role, and since when, if that is known: who was let in may not have come to write it down yet."""
    known = holder_of(store, role)
    if known is None or not _still_holds(store, role, known):
        return "another process", ""
    return known["holder"], f" since {_told(known['since'])}"


def _still_holds(store: Store, role: str, known: RowMapping) -> bool:
    """Whether the last holder that was written down is the present one."""
    if known["session"] is not None:
        return known["session"] == _session(store, role)
    process, host = re.fullmatch(r"process (\d+) on (.+)", known["holder"]).groups()  # type: ignore[union-attr]
    return host != socket.gethostname() or Path(f"/proc/{process}").exists() or not Path("/proc/self").exists()


def _session(store: Store, role: str) -> int | None:
    with store.reading() as connection:
        return holding_session(connection, store.portfolio + role)


def _told(moment: datetime.datetime) -> str:
    return (
        moment.replace(tzinfo=datetime.UTC).isoformat(" ", "seconds")
        if moment.tzinfo is None
        else (moment.astimezone(datetime.UTC).isoformat(" ", "seconds"))
    )
