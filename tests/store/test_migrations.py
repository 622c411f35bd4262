"""Migrations: from empty and from every revision, on both stores; an interrupted one leaves the old schema whole."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from schemas import tables
from schemas.errors import ReinstateError
from tasks.settings import CHECKOUT
from tasks.store import Store, migrate, open_engine
from tests.nights.eve import database
from tests.store.roles import execute

MIGRATIONS = CHECKOUT / "deployments" / "migrations"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])
CONFIG = Config()
CONFIG.set_main_option("script_location", str(MIGRATIONS))
REVISIONS = [each.revision for each in reversed(list(ScriptDirectory.from_config(CONFIG).walk_revisions()))]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        opened = open_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    else:
        url = str(request.getfixturevalue("postgres_url"))
        opened = open_engine(url)
        with opened.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    yield opened
    opened.dispose()


def upgrade(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def state(engine: Engine) -> tuple[str | None, list[str]]:
    """The revision and the tables that a database is at."""
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        return revision, sorted(inspect(connection).get_table_names())


@pytest.mark.parametrize("start", [None, *REVISIONS])
def test_every_revision_leads_to_the_tables_of_today(engine: Engine, start: str | None) -> None:
    if start:
        upgrade(engine, start)
    migrate(engine, MIGRATIONS)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_rows_of_the_first_revision_are_kept(engine: Engine) -> None:
    upgrade(engine, REVISIONS[0])
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO policies VALUES ('h', 'p', '1', 'text')"))
        connection.execute(
            text(
                "INSERT INTO runs (portfolio, business_date, revision, status, policy_hash, portfolio_hash, code_version, "
                "started_at) VALUES ('p', '2026-10-26', 1, 'published', 'h', 'f', '0', '2026-10-27 04:00:00+00:00')"
            )
        )
        connection.execute(text("INSERT INTO recoverable_nights VALUES ('p', 'a', 3)"))
    upgrade(engine, REVISIONS[1])
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO pauses VALUES ('p', 'ann', 'a fault', '2026-10-27 04:00:00+00:00')"))
    migrate(engine, MIGRATIONS)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT progress, planned_sequence FROM runs")).one() == (0, 0)
        known = connection.execute(text("SELECT nights, last_on FROM recoverable_nights")).one()
    assert (known.nights, str(known.last_on)) == (3, "2026-10-26")
    paused = Store(engine, "p").pause()
    assert paused is not None
    assert (paused["person"], paused["reason"], paused["sequence"]) == ("ann", "a fault", 1)


@pytest.mark.parametrize("style", ["German", "SQL, DMY", "Postgres, MDY"])
def test_a_batch_is_a_date_in_iso_form_however_the_database_writes_dates(postgres_url: str, style: str) -> None:
    url = database(postgres_url, "date-style")
    execute(url, f'ALTER DATABASE "date-style" SET datestyle = {style}')
    engine = open_engine(url)
    upgrade(engine, REVISIONS[1])
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(
                "INSERT INTO notices (notice_id, portfolio, business_date, sequence, account_id, audience, kind, content, "
                "is_accepted) VALUES ('n', 'p', DATE '2026-10-03', 1, 'a', 'customer', 'opened', '{}', true)"
            )
        )
    migrate(engine, MIGRATIONS)
    engine.dispose()
    assert execute(url, "SELECT batch FROM notices") == [("2026-10-03",)]


def test_an_interrupted_migration_leaves_the_revision_before(engine: Engine) -> None:
    upgrade(engine, REVISIONS[-2])
    before = state(engine)
    seen = 0

    def fail(*arguments: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 6:
            raise KeyboardInterrupt

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        migrate(engine, MIGRATIONS)
    event.remove(engine, "before_cursor_execute", fail)
    assert state(engine) == before
    migrate(engine, MIGRATIONS)
    assert state(engine)[0] == REVISIONS[-1]


@pytest.mark.parametrize("verb", ["UPDATE policies SET content = 'other'", "DELETE FROM policies"])
def test_the_database_itself_refuses_to_edit_what_is_only_appended(engine: Engine, verb: str) -> None:
    migrate(engine, MIGRATIONS)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO policies VALUES ('h', 'p', '1', 'text')"))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(verb))


def test_who_opens_a_store_whose_tables_are_new_waits_for_no_writer(engine: Engine) -> None:
    migrate(engine, MIGRATIONS)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO policies VALUES ('h', 'p', '1', 'text')"))
        assert migrate(engine, MIGRATIONS) == (REVISIONS[-1], REVISIONS[-1])


def migrate_together(url: str, barrier: Barrier, told: Connection) -> None:
    """Be the first command of a store, among others: nobody goes on before all have seen that there is no table."""
    look = MigrationContext.get_current_revision
    seen: list[str | None] = []

    def look_and_wait(context: MigrationContext) -> str | None:
        found = look(context)
        if not seen:
            barrier.wait()
        seen.append(found)
        return found

    MigrationContext.get_current_revision = look_and_wait  # type: ignore[method-assign]
    engine = open_engine(url)
    try:
        told.send((seen, migrate(engine, MIGRATIONS), ""))
    except ReinstateError as error:
        told.send((seen, None, str(error)))
    engine.dispose()


@pytest.mark.parametrize("count", [2, 6])
def test_of_first_commands_at_one_moment_one_makes_the_tables_and_all_find_them(engine: Engine, count: int) -> None:
    url, barrier = engine.url.render_as_string(hide_password=False), PROCESSES.Barrier(count)
    pipes = [PROCESSES.Pipe() for _ in range(count)]
    started = [PROCESSES.Process(target=migrate_together, args=(url, barrier, there)) for _, there in pipes]
    for process in started:
        process.start()
    said = [here.recv() for here, _ in pipes]
    for process in started:
        process.join()
    newest = REVISIONS[-1]
    assert [error for _, _, error in said] == [""] * count
    assert all(seen[0] is None for seen, _, _ in said)
    assert sorted(done for _, done, _ in said if done[0]) == [(newest, newest)] * (count - 1)
    assert state(engine)[0] == newest
