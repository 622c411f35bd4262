"""The store: runs, ledger, line states and outbox, on SQLite or PostgreSQL.

Every method is one transaction. Database errors leave this module as `StoreError` with the database's code and the
name of a constraint, never with rows: PostgreSQL prints values in its details.
"""

import datetime
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, RowMapping, create_engine, event, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from schemas import tables
from schemas.errors import NightRefused, ReinstateError

GENESIS = "0" * 64
"""What the first entry of a ledger names as the hash before it."""
BATCH_ROWS = 500


class StoreError(ReinstateError):
    """The store did not do what was asked; the transaction is undone."""


class Store:
    """One portfolio's view of the store."""

    def __init__(self, engine: Engine, portfolio: str) -> None:
        self._engine = engine
        self.portfolio = portfolio

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing."""
        message = None
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            message = _told(error)
        if message:
            raise StoreError(message)

    def last_published(self) -> datetime.date | None:
        """The newest business date that was published."""
        with self.transaction() as connection:
            return connection.scalar(
                select(func.max(tables.runs.c.business_date)).where(
                    tables.runs.c.portfolio == self.portfolio, tables.runs.c.status == "published"
                )
            )

    def run(self, business_date: datetime.date) -> RowMapping | None:
        """The newest revision of a night, or None."""
        runs = tables.runs
        query = select(runs).where(runs.c.portfolio == self.portfolio, runs.c.business_date == business_date)
        with self.transaction() as connection:
            return connection.execute(query.order_by(runs.c.revision.desc()).limit(1)).mappings().first()

    def runs_published(self, until: datetime.date, most: int = 30) -> list[RowMapping]:
        """The last published nights up to `until`, oldest first."""
        runs = tables.runs
        query = (
            select(runs)
            .where(runs.c.portfolio == self.portfolio, runs.c.status == "published", runs.c.business_date <= until)
            .order_by(runs.c.business_date.desc())
            .limit(most)
        )
        with self.transaction() as connection:
            return list(reversed(connection.execute(query).mappings().all()))

    def start_run(self, run: dict[str, Any], policy: dict[str, str]) -> None:
        """Record that a night is being worked on and with which policy content; a night not yet published starts anew.

        Raises:
            NightRefused: the night has been published.
        """
        with self.transaction() as connection:
            self._keep_policy(connection, policy)
            known = self._locked_run(connection, run["business_date"], run["revision"])
            if known is not None and known["status"] == "published":
                raise NightRefused(f"{run['business_date']} has been published; nothing was written")
            if known is None:
                connection.execute(insert(tables.runs), {"portfolio": self.portfolio, **run, "status": "started"})
            else:
                fresh = {**run, "status": "started", "message": None, "finished_at": None}
                connection.execute(self._update_run(run["business_date"], run["revision"]).values(**fresh))

    def end_run(self, business_date: datetime.date, revision: int, status: str, message: str) -> None:
        """Record that a night was refused or failed, and why."""
        with self.transaction() as connection:
            runs = tables.runs
            query = self._update_run(business_date, revision).where(runs.c.status != "published")
            connection.execute(query.values(status=status, message=message, finished_at=_now()))

    def publish(
        self,
        run: dict[str, Any],
        entries: list[dict[str, Any]],
        states: list[dict[str, Any]],
        recoverable: list[dict[str, Any]],
        notices: list[dict[str, Any]],
    ) -> None:
        """Write everything that a night changes, in one transaction, and mark the night as published.

        Raises:
            NightRefused: the night, or a later one, was published meanwhile, or the ledger has moved on.
        """
        with self.transaction() as connection:
            self._refuse_unless_next(connection, run, entries)
            _insert(connection, tables.ledger, entries)
            self._replace_states(connection, states)
            mine = tables.recoverable_nights.c.portfolio == self.portfolio
            connection.execute(tables.recoverable_nights.delete().where(mine))
            _insert(connection, tables.recoverable_nights, recoverable)
            _insert(connection, tables.notices, notices)
            done = {**run, "status": "published", "message": None, "finished_at": _now()}
            connection.execute(self._update_run(run["business_date"], run["revision"]).values(**done))

    def ledger_head(self, connection: Connection | None = None) -> tuple[int, str]:
        """Sequence number and hash of the newest entry; 0 and `GENESIS` for an empty ledger."""
        if connection is None:
            with self.transaction() as opened:
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
        with self.transaction() as connection:
            return list(connection.execute(query.order_by(*source.primary_key.columns)).mappings().all())

    def accept_notices(self, notice_ids: list[str]) -> None:
        """Mark notices as taken over by their channel."""
        notices = tables.notices
        with self.transaction() as connection:
            for start in range(0, len(notice_ids), BATCH_ROWS):
                some = notices.c.notice_id.in_(notice_ids[start : start + BATCH_ROWS])
                query = update(notices).where(notices.c.portfolio == self.portfolio, some)
                connection.execute(query.values(is_accepted=True, accepted_at=_now()))

    def _keep_policy(self, connection: Connection, policy: dict[str, str]) -> None:
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(tables.policies).on_conflict_do_nothing(), policy)

    def _replace_states(self, connection: Connection, states: list[dict[str, Any]]) -> None:
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        query = dialect.insert(tables.line_states)
        keys = list(tables.line_states.primary_key.columns)
        fresh = {c.name: query.excluded[c.name] for c in tables.line_states.c if not c.primary_key}
        query = query.on_conflict_do_update(index_elements=keys, set_=fresh)
        for start in range(0, len(states), BATCH_ROWS):
            connection.execute(query, states[start : start + BATCH_ROWS])

    def _refuse_unless_next(self, connection: Connection, run: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        known = self._locked_run(connection, run["business_date"], run["revision"])
        if known is None or known["status"] == "published":
            raise NightRefused(f"{run['business_date']} has been published meanwhile; nothing was written")
        runs = tables.runs
        later = select(func.max(runs.c.business_date)).where(
            runs.c.portfolio == self.portfolio, runs.c.status == "published"
        )
        newest = connection.scalar(later)
        if newest is not None and newest >= run["business_date"]:
            raise NightRefused(
                f"{newest} has been published; {run['business_date']} is not after it, nothing was written"
            )
        if entries and self.ledger_head(connection)[1] != entries[0]["previous_hash"]:
            raise NightRefused("the ledger has moved on since this night was planned; run it again")

    def _locked_run(self, connection: Connection, business_date: datetime.date, revision: int) -> RowMapping | None:
        runs = tables.runs
        query = select(runs).where(
            runs.c.portfolio == self.portfolio, runs.c.business_date == business_date, runs.c.revision == revision
        )
        return connection.execute(query.with_for_update()).mappings().first()

    def _update_run(self, business_date: datetime.date, revision: int) -> Any:
        runs = tables.runs
        return update(runs).where(
            runs.c.portfolio == self.portfolio, runs.c.business_date == business_date, runs.c.revision == revision
        )


def open_store(url: str, portfolio: str, migrations: Path) -> Store:
    """Open the store at `url`, bringing its tables up to date.

    Raises:
        StoreError: the database cannot be reached, or was written by a newer version of the program.
    """
    engine = open_engine(url)
    message = None
    try:
        migrate(engine, migrations)
    except DBAPIError as error:
        message = f"the store at {make_url(url).render_as_string(hide_password=True)} cannot be used: {_told(error)}"
    if message:
        raise StoreError(message)
    return Store(engine, portfolio)


def open_engine(url: str) -> Engine:
    """An engine whose transactions are what they say: SQLite's driver needs to be told."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True)
    Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "recursive_triggers=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def migrate(engine: Engine, migrations: Path) -> None:
    """Bring the tables from whatever revision they are at to the newest, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.begin() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found == newest:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def canonical_json(value: object) -> str:
    """One spelling of a value: sorted keys, no spaces, dates in ISO form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH_ROWS):
        connection.execute(insert(table), rows[start : start + BATCH_ROWS])


def _told(error: DBAPIError) -> str:
    """What went wrong in the database's own code words, without any value."""
    original = error.orig
    code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or type(original).__name__
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
    return f"the database answered {code}" + (f" for constraint {constraint}" if constraint else "")


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
