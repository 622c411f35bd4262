"""The store: runs, ledger, line states and outbox, on SQLite or PostgreSQL, as everybody may read it.

Every method is one transaction. Who writes is in `tasks.writers`, what is written in `tasks.runs`. Database errors leave this module as `StoreError` with the database's code and the
name of a constraint, never with rows: PostgreSQL prints values in its details.
"""

import datetime
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, RowMapping, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from schemas import tables
from schemas.errors import ReinstateError
from schemas.vocabulary import RunStatus

GENESIS = "0" * 64
"""What the first entry of a ledger names as the hash before it."""
READS = "reinstate_reads"
"""The execution option of connections that only read."""
LOCK_SECONDS: Final = 30
"""How long a transaction that writes waits for another one."""
IDLE_SECONDS: Final = 600
"""How long PostgreSQL lets one that writes do nothing; rendering the letters of a chunk takes seconds."""
MIGRATION_LOCK: Final = 0x7265_696E_7374_6174
"""PostgreSQL's number of the lock of whoever makes or changes tables."""
LACKS_RIGHT = ("42501", "3F000")
"""PostgreSQL's codes for a right that is missing, and for no schema in which this role may make a table."""
_WAITED = (
    f"another process has kept for {LOCK_SECONDS} s what this one wanted to change. Wait until it has ended; if it does not "
    "go on, end it, as `reinstate take-over` does on PostgreSQL; then run this again"
)
_LOST = (
    "the session was ended, or none could be had. See whether the server runs, and what its log says; `reinstate take-over` "
    "ends the sessions of a process that does not go on"
)
_GRANT = "this role lacks a right. `reinstate store grant`, run as the tables' owner, gives what a job needs"
ADVICE: Final = MappingProxyType(
    {
        **dict.fromkeys(LACKS_RIGHT, _GRANT),
        **dict.fromkeys(("55P03", "SQLITE_BUSY"), _WAITED),
        **dict.fromkeys(("57P01", "OperationalError"), _LOST),
        "25P03": f"this session was ended, as it did nothing for {IDLE_SECONDS} s in the middle of a transaction",
    }
)
"""What some of the databases' codes mean here, and what to do."""


class StoreError(ReinstateError):
    """The store did not do what was asked; the transaction is undone."""


class Store:
    """One portfolio's view of the store."""

    def __init__(self, engine: Engine, portfolio: str) -> None:
        self.engine = engine
        self.portfolio = portfolio

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction that may write: all of it or nothing. Writers use their own, see `tasks.writers`."""
        with _told(self.engine) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads: it waits for nobody and holds up nobody."""
        with _told(self.engine.execution_options(**{READS: True})) as connection:
            yield connection

    def last_published(self) -> datetime.date | None:
        """The newest business date that was published."""
        return self._newest(RunStatus.PUBLISHED)

    def last_settled(self) -> datetime.date | None:
        """The newest business date that was published or discarded: nights go on after it."""
        return self._newest(RunStatus.PUBLISHED, RunStatus.DISCARDED)

    def _newest(self, *statuses: RunStatus) -> datetime.date | None:
        runs = tables.runs
        with self.reading() as connection:
            return connection.scalar(
                select(func.max(runs.c.business_date)).where(
                    runs.c.portfolio == self.portfolio, runs.c.status.in_(statuses)
                )
            )

    def unsettled(self) -> list[RowMapping]:
        """The runs that are planned and not wholly published, or held, oldest first."""
        runs = tables.runs
        waiting = (RunStatus.PLANNED, RunStatus.HELD)
        query = select(runs).where(runs.c.portfolio == self.portfolio, runs.c.status.in_(waiting))
        with self.reading() as connection:
            return list(connection.execute(query.order_by(runs.c.business_date, runs.c.revision)).mappings().all())

    def pause(self) -> RowMapping | None:
        """Who paused the portfolio, and why; None where nobody did."""
        with self.reading() as connection:
            query = select(tables.pauses).where(tables.pauses.c.portfolio == self.portfolio)
            newest = connection.execute(query.order_by(tables.pauses.c.sequence.desc()).limit(1)).mappings().first()
            return newest if newest is not None and newest["is_paused"] else None

    def run(self, business_date: datetime.date, *statuses: RunStatus, revision: int | None = None) -> RowMapping | None:
        """The newest revision of a night, or the newest that has one of some statuses, or one by its number; or None."""
        runs = tables.runs
        query = select(runs).where(runs.c.portfolio == self.portfolio, runs.c.business_date == business_date)
        if statuses:
            query = query.where(runs.c.status.in_(statuses))
        if revision is not None:
            query = query.where(runs.c.revision == revision)
        with self.reading() as connection:
            return connection.execute(query.order_by(runs.c.revision.desc()).limit(1)).mappings().first()

    def policy(self, content_hash: str) -> str | None:
        """The text of a policy that once decided, by the SHA-256 of its file."""
        with self.reading() as connection:
            query = select(tables.policies.c.content).where(tables.policies.c.content_hash == content_hash)
            return connection.scalar(query)

    def runs_published(self, until: datetime.date, most: int = 30) -> list[RowMapping]:
        """The last published nights up to `until`, oldest first."""
        runs = tables.runs
        query = (
            select(runs)
            .where(
                runs.c.portfolio == self.portfolio, runs.c.status == RunStatus.PUBLISHED, runs.c.business_date <= until
            )
            .order_by(runs.c.business_date.desc(), runs.c.revision.desc())
            .limit(most)
        )
        with self.reading() as connection:
            newest = {run["business_date"]: run for run in reversed(connection.execute(query).mappings().all())}
        return list(newest.values())

    def ledger_head(self, connection: Connection | None = None) -> tuple[int, str]:
        """Sequence number and hash of the newest entry; 0 and `GENESIS` for an empty ledger."""
        if connection is None:
            with self.reading() as opened:
                return self.ledger_head(opened)
        ledger = tables.ledger
        query = select(ledger.c.sequence, ledger.c.entry_hash).where(ledger.c.portfolio == self.portfolio)
        row = connection.execute(query.order_by(ledger.c.sequence.desc()).limit(1)).first()
        return (row.sequence, row.entry_hash) if row else (0, GENESIS)

    def select_mine(self, table: str, *columns: str, **where: object) -> list[RowMapping]:
        """Rows of this portfolio, by equality of columns, in the order of the primary key."""
        source = tables.metadata.tables[table]
        wanted = [source.c[name] for name in columns] or list(source.c)
        query = select(*wanted).where(source.c.portfolio == self.portfolio)
        for name, value in where.items():
            query = query.where(source.c[name] == value)
        with self.reading() as connection:
            return list(connection.execute(query.order_by(*source.primary_key.columns)).mappings().all())


def open_store(url: str, portfolio: str, migrations: Path) -> Store:
    """Open the store at `url`, bringing its tables up to date where this role may.

    Raises:
        StoreError: the database cannot be reached, was written by a newer version of the program, or has older tables
            that this role may not change.
    """
    engine = open_engine(url)
    try:
        migrate(engine, migrations)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, portfolio)


def open_engine(url: str) -> Engine:
    """An engine whose transactions are what they say, and wait for nobody for ever."""
    parsed = make_url(url)
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)


def _sqlite(url: URL) -> Engine:
    """SQLite's driver needs to be told what a transaction is."""
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={LOCK_SECONDS * 1000:.0f}",
            "recursive_triggers=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    """Every session has the name of its process, so that all of a process can be ended, see `tasks.locks`."""
    engine = create_engine(url.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True)

    @event.listens_for(engine, "do_connect")
    def _name(_dialect: object, _record: object, _words: object, options: dict[str, object]) -> None:
        options["application_name"] = _process_name(os.getpid())

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.execute("SET datestyle = ISO")  # the only one of which the driver reads every moment
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(READS):
            connection.exec_driver_sql(
                f"SELECT set_config('lock_timeout', '{LOCK_SECONDS}s', true), "
                f"set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true)"
            )

    return engine


@lru_cache(maxsize=1)
def _process_name(process: int) -> str:
    """A name that no other process has, on whatever host, nor one that is forked from it."""
    return f"reinstate {process} {secrets.token_hex(8)}"


def migrate(engine: Engine, migrations: Path) -> tuple[str | None, str]:
    """Bring the tables from whatever revision they are at to the newest, in one transaction.

    Returns:
        The revision that was found, None for a store without tables, and the newest.

    Raises:
        StoreError: as for `open_store`.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    newest = str(ScriptDirectory.from_config(config).get_current_head())
    found, message = None, ""
    try:
        with engine.execution_options(**{READS: True}).begin() as connection:  # who only looks waits for no writer
            found = MigrationContext.configure(connection).get_current_revision()
        if found != newest:
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":  # whose writers do not wait for each other as SQLite's do
                    connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                found = MigrationContext.configure(connection).get_current_revision()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    except CommandError:
        message = f"was written by a newer version: its tables are of revision {found}, this program knows {newest}"
    except DBAPIError as error:
        message = _told_old(found, newest) if lacks_right(error) else f"cannot be used: {told_code(error)}"
    if message:
        raise StoreError(f"the store at {engine.url.render_as_string(hide_password=True)} {message}")
    return found, newest


def canonical_json(value: object) -> str:
    """One spelling of a value: sorted keys, no spaces, dates in ISO form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


@contextmanager
def _told(engine: Engine) -> Iterator[Connection]:
    """A transaction whose database errors are the project's own, without any value."""
    message = None
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        message = told_code(error)
    if message:
        raise StoreError(message)


def told_code(error: DBAPIError) -> str:
    """What went wrong in the database's own code words, without any value."""
    original = error.orig
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or type(original).__name__
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
    told = f"the database answered {code}" + (f" for constraint {constraint}" if constraint else "")
    return f"{told}: {ADVICE[code]}" if code in ADVICE else told


def lacks_right(error: DBAPIError) -> bool:
    """Whether PostgreSQL refused something to this role."""
    return getattr(error.orig, "sqlstate", None) in LACKS_RIGHT


def _told_old(found: str | None, newest: str) -> str:
    seen = f"has tables of revision {found}" if found else "has no tables that this role may see"
    return (
        f"{seen}, this program wants revision {newest}, and this role may not change tables: run `reinstate store upgrade` "
        "as their owner, then `reinstate store grant` for this role; nothing was changed"
    )
