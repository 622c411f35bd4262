"""What `reinstate store upgrade` and `grant` do, and whom they refuse."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from flows.command_line import commands
from schemas.tables import JOB_MAY, VERSION_TABLE, metadata
from tasks import grants, store
from tasks.grants import grant
from tasks.settings import CHECKOUT
from tasks.store import StoreError, open_engine, open_store
from tests.plain_nights import forget, use_home
from tests.store.roles import JOB, OWNER, Roles, execute, make_role, make_roles
from tests.store.test_migrations import MIGRATIONS, REVISIONS
from tests.store.test_migrations import upgrade as upgrade_to

APPENDED_ONLY = re.search(
    r"APPEND_ONLY = \((.+)\)", (MIGRATIONS / "versions" / "0002_effects_that_survive.py").read_text()
)


@pytest.fixture
def roles(postgres_url: str) -> Roles:
    """A store whose owner has made the tables."""
    made = make_roles(postgres_url, "grants")
    open_store(made.owner, "small", MIGRATIONS).close()
    return made


def rights(roles: Roles, role: str = JOB) -> dict[str, set[object]]:
    """What a role may do with each table, as the database has it written down for that role."""
    rows = execute(
        roles.superuser,
        "SELECT table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = :role",
        role=role,
    )
    return {str(table): {verb for name, verb in rows if name == table} for table, _ in rows}


def refusal(roles: Roles, role: str, url: str | None = None) -> str:
    with pytest.raises(StoreError, match="nothing was granted") as refused:
        grant(url or roles.owner, role, MIGRATIONS)
    return str(refused.value)


def test_every_table_says_what_the_job_may_do_with_it() -> None:
    assert set(JOB_MAY) == {*metadata.tables, VERSION_TABLE}


def test_the_job_may_only_add_to_what_a_trigger_keeps_from_being_edited() -> None:
    assert APPENDED_ONLY
    for table in re.findall(r'"(\w+)"', APPENDED_ONLY[1]):
        assert JOB_MAY[table] == ("SELECT", "INSERT")


def test_a_role_is_granted_what_a_job_needs_and_nothing_else(roles: Roles) -> None:
    grant(roles.owner, JOB, MIGRATIONS)
    assert rights(roles) == {table: set(verbs) for table, verbs in JOB_MAY.items()}


def test_granting_again_changes_nothing(roles: Roles) -> None:
    grant(roles.owner, JOB, MIGRATIONS)
    before = rights(roles)
    grant(roles.owner, JOB, MIGRATIONS)
    assert rights(roles) == before


@pytest.mark.parametrize(
    "too_much",
    [
        "GRANT ALL ON ledger TO night_job",
        "GRANT UPDATE (score) ON ledger TO night_job",
        "GRANT INSERT ON ledger TO night_job WITH GRANT OPTION",
        "GRANT ALL ON SCHEMA public TO night_job",
    ],
)
def test_what_is_too_much_is_taken_away(roles: Roles, too_much: str) -> None:
    execute(roles.owner, too_much)
    grant(roles.owner, JOB, MIGRATIONS)
    assert rights(roles) == {table: set(verbs) for table, verbs in JOB_MAY.items()}
    edits = execute(
        roles.superuser,
        f"SELECT has_any_column_privilege('{JOB}', 'ledger', 'UPDATE'), has_schema_privilege('{JOB}', 'public', 'CREATE')",
    )
    assert edits == [(False, False)]


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ("GRANT UPDATE ON ledger TO PUBLIC", "UPDATE on ledger"),
        ("GRANT UPDATE (score) ON ledger TO PUBLIC", "UPDATE on ledger"),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "CREATE on schema public"),
        ("GRANT TRUNCATE, TRIGGER ON approvals TO others", "TRIGGER on approvals, TRUNCATE on approvals"),
        ("GRANT DELETE ON policies TO aside", "DELETE on policies"),
    ],
)
def test_a_role_that_may_more_by_way_of_others_is_refused_and_nothing_is_granted(
    roles: Roles, given: str, more: str
) -> None:
    make_role(roles.superuser, "member")
    for group, how in (("others", ""), ("aside", " WITH INHERIT FALSE")):
        make_role(roles.superuser, group, "NOLOGIN")
        execute(roles.superuser, f"GRANT {group} TO member{how}")
    execute(roles.owner, given)
    assert f"the role 'member' has {more}, which is more" in refusal(roles, "member")
    assert rights(roles, "member") == {}


@pytest.mark.parametrize("role", ["nobody", "NIGHT_JOB", "public", "", "x" * 70, "nobody'; DROP TABLE ledger; --"])
def test_a_role_that_does_not_exist_is_refused(roles: Roles, role: str) -> None:
    assert f"has no role '{role}'" in refusal(roles, role)


@pytest.mark.parametrize("may", ["SUPERUSER", "CREATEROLE"])
def test_a_role_that_no_right_can_be_kept_from_is_refused(roles: Roles, may: str) -> None:
    make_role(roles.superuser, f"able_{may}", f"LOGIN {may}")
    assert "no right can be kept from it" in refusal(roles, f"able_{may}")


def test_the_owner_of_the_tables_and_whoever_may_act_as_it_are_refused(roles: Roles) -> None:
    make_role(roles.superuser, "deputy")
    execute(roles.superuser, f"GRANT {OWNER} TO deputy")
    for role in (OWNER, "deputy"):
        assert f"the role '{role}' is, or may act as, '{OWNER}'" in refusal(roles, role)


def test_only_the_owner_of_the_tables_grants(roles: Roles) -> None:
    make_role(roles.superuser, "bystander")
    grant(roles.owner, "bystander", MIGRATIONS)
    assert f"belong to '{OWNER}'" in refusal(roles, JOB, roles.as_role("bystander"))


@pytest.mark.parametrize(
    "role", ['a"; DROP TABLE notices; --', "a'b", "50% : :role %s %(x)s", "Two Words", r"back\slash"]
)
def test_a_role_is_granted_by_its_name_whatever_stands_in_it(roles: Roles, role: str) -> None:
    make_role(roles.superuser, role)
    grant(roles.owner, role, MIGRATIONS)
    assert rights(roles, role) == {table: set(verbs) for table, verbs in JOB_MAY.items()}


@pytest.fixture
def on_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    use_home(monkeypatch, tmp_path / "data")
    yield tmp_path / "data" / "store.sqlite"
    forget()


def command(*words: str) -> Result:
    return CliRunner().invoke(commands, ["store", *words])


def test_sqlite_has_no_roles_to_grant_anything(on_sqlite: Path) -> None:
    refused = command("grant", JOB)
    assert "SQLite has no roles" in str(refused.exception)
    assert not on_sqlite.exists()


def test_upgrade_says_from_where_to_where_and_then_that_nothing_is_to_do(on_sqlite: Path) -> None:
    assert command("upgrade").output == f"The store's tables are of revision {REVISIONS[-1]} now; they were of none.\n"
    assert f"of revision {REVISIONS[-1]} already" in command("upgrade").output


def test_the_commands_go_to_the_store_of_the_settings(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_roles(postgres_url, "commands")
    use_home(monkeypatch, tmp_path, CHECKOUT, made.owner)
    assert "reinstate store grant" in command("upgrade").output
    granted = command("grant", JOB)
    assert granted.exit_code == 0, granted.exception
    assert "ledger: SELECT, INSERT\n" in granted.output
    assert set(rights(made)) == set(JOB_MAY)
    forget()


@pytest.mark.parametrize("words", [("upgrade",), ("grant", JOB)], ids=lambda words: words[0])
def test_a_command_that_is_refused_leaves_no_session_open(
    roles: Roles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """The refusal is kept, and with it whatever it still refers to."""
    execute(roles.owner, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    opened: list[Engine] = []
    for module in (store, grants):
        monkeypatch.setattr(module, "open_engine", lambda url: opened.append(open_engine(url)) or opened[-1])
    use_home(monkeypatch, tmp_path, CHECKOUT, roles.owner)
    refused = command(*words)
    assert "newer version" in str(refused.exception)
    assert [engine.pool.checkedin() for engine in opened] == [0]
    forget()


def older(postgres_url: str) -> Roles:
    """A store whose tables are one revision behind."""
    made = make_roles(postgres_url, "older")
    engine = open_engine(made.owner)
    upgrade_to(engine, REVISIONS[-2])
    engine.dispose()
    return made


def test_the_job_says_of_older_tables_what_was_found_what_is_wanted_and_who_brings_them_there(
    postgres_url: str,
) -> None:
    made = older(postgres_url)
    execute(made.owner, f"GRANT SELECT ON {VERSION_TABLE} TO {JOB}")
    with pytest.raises(StoreError) as refused:
        open_store(made.job, "small", MIGRATIONS)
    said = str(refused.value)
    assert f"has tables of revision {REVISIONS[-2]}, this program wants revision {REVISIONS[-1]}" in said
    assert "run `reinstate store upgrade` as their owner" in said
    open_store(made.owner, "small", MIGRATIONS).close()
    grant(made.owner, JOB, MIGRATIONS)
    open_store(made.job, "small", MIGRATIONS).close()


@pytest.mark.parametrize("hidden", [None, "REVOKE ALL ON SCHEMA public FROM PUBLIC"])
def test_a_role_that_was_granted_nothing_is_told_what_to_run(postgres_url: str, hidden: str | None) -> None:
    made = make_roles(postgres_url, "ungranted")
    open_store(made.owner, "small", MIGRATIONS).close()
    if hidden:
        execute(made.owner, hidden)
    with pytest.raises(StoreError, match=r"no tables that this role may see.*`reinstate store grant` for this role"):
        open_store(made.job, "small", MIGRATIONS)
    grant(made.owner, JOB, MIGRATIONS)
    open_store(made.job, "small", MIGRATIONS).close()


def test_a_store_of_a_newer_program_is_refused_with_both_revisions(postgres_url: str) -> None:
    made = make_roles(postgres_url, "newer")
    open_store(made.owner, "small", MIGRATIONS).close()
    execute(made.owner, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(
        StoreError, match=rf"newer version: its tables are of revision 9999, this program knows {REVISIONS[-1]}"
    ):
        open_store(made.owner, "small", MIGRATIONS)
