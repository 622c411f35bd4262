"""Locks that die with the process that holds them, whatever kills it: nobody ever has to clear one away.

SQLite: a transaction on a side file, of those that may write: one at a time. PostgreSQL: an advisory lock of a session of
its own.
"""

import hashlib
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from tasks.store import StoreError, lacks_right, told_code

SECONDS_BEFORE_DEAD: Final = 0
"""No waiting: who finds a lock taken is told so at once."""
END_SECONDS: Final = 10
"""How long PostgreSQL is given to end a session, which takes it milliseconds."""
_HOLDS: Final = text(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (CAST(classid AS bigint) << 32 | CAST(objid AS bigint)) = :key"
)
_WHOSE: Final = text("SELECT usename, current_user FROM pg_stat_activity WHERE pid = :session")
_END: Final = text(
    "SELECT pg_terminate_backend(of_process.pid, :milliseconds) FROM pg_stat_activity AS of_process "
    "JOIN pg_stat_activity AS known USING (datid, application_name) WHERE known.pid = :session"
)


class Lock(Protocol):
    """A lock that is held."""

    @property
    def session(self) -> int | None:
        """The database session that holds it, where there is one."""
        ...

    def release(self) -> None:
        """Let it go; safe to call again."""
        ...


def try_lock(engine: Engine, name: str) -> Lock | None:
    """Take the lock `name` of a store, or return None at once if someone else has it.

    Raises:
        StoreError: the database cannot be asked.
    """
    if engine.dialect.name == "sqlite":
        return _try_file(Path(f"{engine.url.database}.{name.replace('/', '.')}.lock"))
    return _try_session(engine, name)


def holding_session(connection: Connection, name: str) -> int | None:
    """The session of PostgreSQL that holds the lock `name` now; None where nobody does."""
    return connection.scalar(_HOLDS, {"key": _key(name)})


def end_process(engine: Engine, session: int) -> None:
    """End a session of PostgreSQL and all others of its process, and wait until they have ended.

    The others too: a process that is frozen inside a transaction keeps the rows that it has changed.

    Raises:
        StoreError: this role may not end them.
    """
    message, whose = None, None
    try:
        with engine.begin() as connection:
            whose = connection.execute(_WHOSE, {"session": session}).first()
            connection.execute(_END, {"session": session, "milliseconds": int(END_SECONDS * 1000)})
    except DBAPIError as error:
        message = told_code(error)
        if whose and lacks_right(error):
            message = (
                f"the process to end works as the role '{whose.usename}', and '{whose.current_user}' may not end sessions of "
                f"that role. Give the command as '{whose.usename}', in REINSTATE_STORE_URL, or, unless that is a superuser, "
                f'have an administrator GRANT pg_signal_backend TO "{whose.current_user}"; it was left alone'
            )
    if message:
        raise StoreError(message)


class _FileLock:
    """A transaction that could write, and never does, on a file beside the database."""

    session = None

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def release(self) -> None:
        self._connection.close()


def _try_file(path: Path) -> _FileLock | None:
    connection, code = None, ""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=SECONDS_BEFORE_DEAD, check_same_thread=False)
        connection.execute("BEGIN IMMEDIATE")  # an exclusive one is refused to two that ask for it at one moment
        return _FileLock(connection)
    except sqlite3.Error as error:
        code = error.sqlite_errorname
    if connection is not None:
        connection.close()
    if code == "SQLITE_BUSY":
        return None
    raise StoreError(
        f"the lock {path} cannot be taken: SQLite answered {code}. See whether its folder is there, may be written and has "
        "room; nothing was written"
    )


class _SessionLock:
    """A connection that keeps an advisory lock as long as it lives."""

    def __init__(self, connection: Connection, session: int, key: int) -> None:
        self._connection = connection
        self._key = key
        self.session = session

    def release(self) -> None:
        if not self._connection.closed:
            with suppress(DBAPIError):  # the server ends a session in its own time; the next in line asks at once
                self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": self._key})
            self._connection.invalidate()  # the session ends with it, and the lock with the session
            self._connection.close()


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _try_session(engine: Engine, name: str) -> _SessionLock | None:
    key = _key(name)
    connection, message = None, None
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        row = connection.execute(
            text("SELECT pg_try_advisory_lock(:key) AS taken, pg_backend_pid() AS session"), {"key": key}
        ).one()
        if row.taken:
            return _SessionLock(connection, row.session, key)
    except DBAPIError as error:
        message = told_code(error)
    if connection is not None:
        connection.close()
    if message:
        raise StoreError(message)
    return None
