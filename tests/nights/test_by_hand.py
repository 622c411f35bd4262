"""What people do by hand, and whether the ledger still is what it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.errors import NightRefused
from schemas.vocabulary import Outcome
from tasks import nights
from tasks.nights import store_of
from tasks.verifying import verify
from tests.nights.conftest import DAY, Book, publish_two, put_back
from tests.plain_nights import finish_plainly, forget, plan_plainly, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, stand_in


@pytest.fixture(scope="module")
def root(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_two(tmp_path_factory.mktemp("by-hand") / "book", stand_in(world))


@pytest.fixture(autouse=True)
def home(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first two nights, published."""
    put_back(root, monkeypatch)
    yield
    forget()


def command(name: str, *arguments: str) -> Result:
    return CliRunner().invoke(commands, [name, *arguments, "--portfolio", "small"])


def an_open_line() -> str:
    states = store_of("small").select_mine("line_states")
    return next(state["account_id"] for state in states if state["state"] == "reopened")


def test_a_withdrawn_line_is_closed_in_the_ledger_with_name_and_reason_and_both_sides_are_told() -> None:
    account = an_open_line()
    done = command("withdraw", account, "--reason", "the core system refuses it", "--by", "ann")
    assert done.exit_code == 0, (done.output, done.exception)
    entry = store_of("small").select_mine("ledger", account_id=account)[-1]
    opened = store_of("small").select_mine("ledger", account_id=account)[0]
    assert (entry["decision"], entry["person"], entry["person_says"]) == (
        "withdraw",
        "ann",
        "the core system refuses it",
    )
    assert entry["reverses"] == opened["entry_id"]
    (state,) = store_of("small").select_mine("line_states", account_id=account)
    assert state["state"] == "none"
    owed = store_of("small").select_mine("notices", account_id=account, sequence=entry["sequence"])
    assert sorted(notice["kind"] for notice in owed) == ["close", "line_withdrawn"]
    letter = next(notice["content"]["body"] for notice in owed if notice["kind"] == "line_withdrawn")
    assert "the core system refuses it" not in letter
    assert "nightly check for" not in letter
    assert verify(store_of("small")).fault is None


@pytest.mark.parametrize(("account", "reason"), [("nobody", "why not"), (None, " ")])
def test_nothing_is_withdrawn_that_is_not_open_or_without_a_reason(account: str | None, reason: str) -> None:
    before = store_of("small").ledger_head()
    refused = command("withdraw", account or an_open_line(), "--reason", reason)
    assert isinstance(refused.exception, NightRefused)
    assert "nobody" not in str(refused.exception)
    assert store_of("small").ledger_head() == before


def test_a_paused_portfolio_judges_and_reports_and_publishes_nothing_until_it_is_resumed() -> None:
    third = FIRST_NIGHT + 2 * DAY
    assert command("pause", "--reason", "a fault in the core system").exit_code == 0
    before = store_of("small").ledger_head()
    with nights.writing("small"):
        settled, published = finish_plainly(plan_plainly("small", third))
    assert published.outcome is Outcome.PAUSED
    assert "Paused: nothing was published." in (settled.directory / "report.html").read_text()
    assert store_of("small").ledger_head() == before
    assert isinstance(command("pause", "--reason", "again").exception, NightRefused)
    assert command("resume", "--reason", "mended", "--by", "ann").exit_code == 0
    assert run_plainly("small", third)[1].outcome is Outcome.PUBLISHED
    assert isinstance(command("resume", "--reason", "again").exception, NightRefused)


def test_who_paused_and_who_resumed_and_why_is_kept_for_ever() -> None:
    for name, person in (("pause", "ann"), ("resume", "ben"), ("pause", "cid")):
        assert command(name, "--reason", f"{person} says so", "--by", person).exit_code == 0
    kept = store_of("small").select_mine("pauses")
    assert [(row["is_paused"], row["person"], row["is_proven"], row["reason"]) for row in kept] == [
        (True, "ann", False, "ann says so"), (False, "ben", False, "ben says so"), (True, "cid", False, "cid says so"),
    ]  # fmt: skip
    assert store_of("small").pause()["person"] == "cid"


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_nothing_is_paused_or_resumed_without_a_reason(name: str) -> None:
    if name == "resume":
        command("pause", "--reason", "a fault")
    before = store_of("small").select_mine("pauses")
    assert isinstance(command(name, "--reason", " ").exception, NightRefused)
    assert store_of("small").select_mine("pauses") == before


def as_administrator(*statements: str) -> None:
    """Somebody who may do anything to the database."""
    with closing(sqlite3.connect(str(store_of("small").engine.url.database))) as connection:
        for name in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS ledger_no_{name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


TAMPERED: dict[str, tuple[str, str]] = {
    "an edited limit": ("UPDATE ledger SET limit_cents = limit_cents + 1 WHERE sequence = 3", "entry 3: has another hash"),
    "an edited account": ("UPDATE ledger SET account_id = 'x' WHERE sequence = 2", "entry 2: has another id"),
    "a deleted entry": ("DELETE FROM ledger WHERE sequence = 2", "entry 2: missing"),
    "an edited first entry": ("UPDATE ledger SET cause = 'other' WHERE sequence = 1", "entry 1: has another hash"),
    "entries exchanged": (
        "UPDATE ledger SET sequence = -5 + sequence WHERE sequence IN (2, 3); UPDATE ledger SET sequence = -sequence WHERE sequence < 0",
        "entry 2: does not follow",
    ),
    "an edited state": ("UPDATE line_states SET sequence = 1 WHERE sequence = 2", "a line's state says entry 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TAMPERED))
def test_the_first_bad_entry_is_found(name: str) -> None:
    statements, words = TAMPERED[name]
    as_administrator(*statements.split("; "))
    found = command("verify")
    assert found.exit_code == 1
    assert words in found.stderr


def test_a_ledger_that_was_cut_off_is_found_by_its_runs_and_by_the_head_of_a_report() -> None:
    store = store_of("small")
    head, first = store.ledger_head(), store.run(FIRST_NIGHT)["ledger_head"]
    as_administrator(f"DELETE FROM ledger WHERE sequence = {head[0]}")
    assert "the ledger was cut off" in command("verify").stderr
    assert f"no entry has the hash {head[1]}" in command("verify", "--head", head[1]).stderr
    assert verify(store, first).fault != f"no entry has the hash {first}"


def test_a_ledger_in_order_is_said_to_be_with_its_head() -> None:
    count, head = store_of("small").ledger_head()
    shown = command("verify", "--head", head)
    assert shown.exit_code == 0
    assert f"{count:,} entries are in order" in shown.output
    assert head in shown.output


def test_the_ledger_of_every_night_of_the_book_is_in_order(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    use_home(monkeypatch, book.data, book.home)
    found = verify(store_of("small"))
    assert (found.fault, found.entries > 50) == (None, True)
