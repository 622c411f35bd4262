"""A job that runs as a role of its own: it does everything that a job does, and can neither edit the ledger nor a table."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import make_url

from flows.command_line import commands
from tasks.grants import grant
from tasks.nights import store_of
from tasks.store import StoreError, open_store
from tests.crashes.book import NAME, NIGHTS, make_home
from tests.crashes.story import HELD, STORY
from tests.digest import digest
from tests.plain_nights import forget, use_home
from tests.store.roles import JOB, Roles, make_roles
from tests.store.test_migrations import MIGRATIONS
from tests.store.test_writers import PROCESSES, hold

FORBIDDEN = [
    "UPDATE ledger SET score = 1",
    "DELETE FROM ledger",
    "TRUNCATE ledger",
    "TRUNCATE ledger CASCADE",
    "UPDATE approvals SET person = 'other'",
    "DELETE FROM approvals",
    "UPDATE policies SET content = 'other'",
    "DELETE FROM policies",
    "DELETE FROM runs",
    "DELETE FROM notices",
    "UPDATE alembic_version SET version_num = '0001'",
    "ALTER TABLE ledger ADD COLUMN more TEXT",
    "ALTER TABLE ledger DISABLE TRIGGER ALL",
    "DROP TRIGGER ledger_only_appended ON ledger",
    "CREATE TRIGGER more BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()",
    "CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "DROP TABLE ledger",
    "CREATE TABLE more (id INT)",
    "SET session_replication_role = replica",
]


@pytest.fixture(scope="module")
def roles(postgres_url: str) -> Roles:
    made = make_roles(postgres_url, "job-role")
    grant(made.owner, JOB, MIGRATIONS)
    return made


@pytest.fixture(scope="module")
def played(roles: Roles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Six nights of the smallest book, held, released, revised, paused and withdrawn from, as the job's role; its digest."""
    with pytest.MonkeyPatch.context() as patch:
        play(tmp_path_factory.mktemp("job-role"), patch, roles.job)
        yield digest(store_of(NAME))
    forget()


def play(root: Path, patch: pytest.MonkeyPatch, store_url: str | None = None) -> None:
    """Every step of the story, one after the other."""
    home = make_home(root / "home")
    use_home(patch, root / "data", home, store_url)
    for step in STORY:
        if step.is_delivered_again:
            shutil.copytree(home / "delivered_again", home / "delivered", dirs_exist_ok=True)
        step.do()


def command(*words: str) -> Result:
    done = CliRunner().invoke(commands, [*words, "--portfolio", NAME])
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def test_every_step_of_the_story_leaves_what_it_leaves_on_sqlite(
    played: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        play(tmp_path, patch)
        expected = digest(store_of(NAME))
    forget()
    assert played == expected
    assert {step.name.split(": ")[-1] for step in STORY} >= {
        HELD,
        "paused",
        "resume --reason mended --by ben",
        "discard by ben",
        "release by ben",
    }


@pytest.mark.parametrize(
    "words",
    [
        ("held",),
        ("verify",),
        ("replay", "--business-date", str(NIGHTS[1])),
        ("explain", "overdue-1"),
        ("revise", "--reason", "the bureau delivered again", "--by", "ann"),
    ],
    ids=lambda words: words[0],
)
def test_the_job_looks_back_and_revises(played: str, words: tuple[str, ...]) -> None:
    command(*words)


def test_everything_that_is_owed_is_relayed(played: str) -> None:
    notices = store_of(NAME).select_mine("notices", "is_accepted")
    assert len(notices) > 20
    assert all(notice["is_accepted"] for notice in notices)


def test_the_job_shuts_out_another_process_of_its_role(played: str, roles: Roles) -> None:
    here, there = PROCESSES.Pipe()
    holder = PROCESSES.Process(target=hold, args=(roles.job, NAME, there))
    holder.start()
    try:
        here.recv()
        assert "was shut out" in command("take-over").output
    finally:
        holder.kill()
        holder.join()


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_what_a_job_has_no_business_with_is_refused_by_the_database(roles: Roles, played: str, statement: str) -> None:
    plain = make_url(roles.job).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_a_right_that_is_missing_is_told_with_who_grants_it(postgres_url: str) -> None:
    made = make_roles(postgres_url, "half-granted")
    grant(made.owner, JOB, MIGRATIONS)
    with psycopg.connect(
        make_url(made.owner).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as owner:
        owner.execute("REVOKE SELECT ON runs FROM night_job")
    store = open_store(made.job, NAME, MIGRATIONS)
    with pytest.raises(StoreError, match=r"answered 42501: this role lacks a right\. `reinstate store grant`"):
        store.last_published()
    store.close()
