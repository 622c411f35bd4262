"""Reading a database without changing it, and without telling what it said: SQLite and PostgreSQL.

A driver's message can hold rows, parameters or the address, so errors leave this module as a database's own code and
words of ours.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from schemas.errors import ConfigurationError, SnapshotRefused

Result = TypeVar("Result")

STATEMENT_TIMEOUT_SECONDS: Final = 900
CONNECT_TIMEOUT_SECONDS: Final = 30

_WORDS: Final = {
    "08": "the connection was lost",
    "28": "the user or the password was not accepted",
    "3D000": "there is no such database",
    "42501": "the user may not read it",
    "42601": "the query is not SQL",
    "42703": "a column of the query is not there",
    "42883": "business_date is not a date, or the query compares different types",
    "42P01": "there is no such table",
    "53": "the database is short of memory, disk or connections",
    "57014": f"a statement took longer than {STATEMENT_TIMEOUT_SECONDS} seconds",
    "57": "the database was shut down",
    "SQLITE_BUSY": "the database was locked by a writer",
    "SQLITE_CANTOPEN": "there is no such database file",
    "SQLITE_CORRUPT": "the database file is damaged",
    "SQLITE_ERROR": "there is no such table or column, or the query is not SQL",
    "SQLITE_NOTADB": "the file is not a SQLite database",
}


def read_engine(address: str) -> Engine:
    """An engine that reads the database at `address`; nothing is connected yet.

    Raises:
        ConfigurationError: the address is none, or is of another kind of database.
    """
    url = _url(address)
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql":
            return create_engine(
                url.set(drivername="postgresql+psycopg"),
                poolclass=NullPool,
                hide_parameters=True,
                connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "reinstate"},
            )
    raise ConfigurationError(f"the database's URL is for {url.get_backend_name()}; SQLite and PostgreSQL can be read")


def consistent_read(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """What `work` returns from one read-only transaction, which sees one state of the database throughout.

    Raises:
        SnapshotRefused: the database refused something, with its code and without its words.
    """
    try:
        with engine.connect() as connection:
            is_postgres = connection.dialect.name == "postgresql"
            if is_postgres:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                if is_postgres:
                    connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'"))
                return work(connection)
    except SQLAlchemyError as error:
        problem = _told(error)
    raise SnapshotRefused(f"the snapshot cannot be read from its database: {problem}")


def _url(address: str) -> URL:
    try:
        return make_url(address)
    except (ArgumentError, ValueError):
        pass
    raise ConfigurationError(
        "the database's URL cannot be read; it looks like postgresql://user:password@host/database"
    )


def _sqlite(url: URL) -> Engine:
    """An engine that opens an existing file for reading and begins transactions itself."""
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("the database's URL names no file: write sqlite:////path/to/file")
    uri = f"file:{quote(str(Path(url.database).absolute()))}?mode=ro"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=CONNECT_TIMEOUT_SECONDS, isolation_level=None),
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _told(error: SQLAlchemyError) -> str:
    original = error.orig if isinstance(error, DBAPIError) else None
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    kind = type(original or error).__name__
    if code is None:
        return f"{kind}; is the database running, and is the URL right?"
    words = next((_WORDS[known] for known in (code, code[:2]) if known in _WORDS), "see the database's own log")
    return f"{words} ({kind} {code})"
