"""Values of lines stay out of logs, errors and reports, wherever a night or a command fails over them."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pyarrow.parquet as pq
import pytest

from flows.command_line import main
from tasks import judgement, opening, outbox, publishing, reporting, runs
from tasks.guarding import guarded
from tasks.nights import store_of
from tests.nights.canaries import IDS, WORD, Aviary, found_in, heard, with_value
from tests.nights.eve import database
from tests.nights.tiny import NAME, NIGHTS
from tests.plain_nights import forget, run_again, use_home


def test_a_published_night_on_other_values_is_refused_without_them(aviary: Aviary) -> None:
    aviary.deliver(with_value(aviary.table(), "balance_cents", 731_940_263, 5))
    aviary.fly()
    aviary.deliver(aviary.table())
    told = aviary.fly()
    assert "has been published on other inputs" in told
    assert found_in(told) == []


def break_over_a_line(*_: Any, **__: Any) -> NoReturn:
    """Fail as a library does that prints the value it stumbled over."""
    try:
        raise KeyError(f"{IDS}clean-3-0")
    except KeyError as cause:
        error = ValueError(f"cannot handle {WORD} of {IDS}clean-3-0")
        error.add_note(WORD)
        raise error from cause


def fail_at_the_disk(*_: Any, **__: Any) -> NoReturn:
    """As Arrow does, whose words for an error of the system are its own."""
    raise OSError(5, f"Error reading bytes for {WORD}") from ValueError(IDS)


def ask_to_end(*_: Any, **__: Any) -> NoReturn:
    raise KeyboardInterrupt(WORD) from ValueError(IDS)


def leave(*_: Any, **__: Any) -> NoReturn:
    raise SystemExit(f"{WORD} {IDS}") from ValueError(IDS)


class Panic(BaseException):
    """As a library written in another language panics."""


def panic(*_: Any, **__: Any) -> NoReturn:
    raise Panic(f"index of {WORD}") from ValueError(IDS)


STAGES = (
    (opening, "_set_down_ledger"), (judgement, "validate_partition"), (judgement, "accept_snapshot"),
    (judgement, "rescore_partition"), (judgement, "make_plan"), (publishing, "measure"), (publishing, "record_plan"),
    (publishing, "entries_of"), (publishing, "notices_owed"), (publishing, "finish_run"), (outbox, "deliver_outstanding"),
    (reporting, "gather_report"), (reporting, "render_page"),
)  # fmt: skip


@pytest.mark.parametrize("way", [break_over_a_line, fail_at_the_disk, ask_to_end, leave, panic])
@pytest.mark.parametrize(("module", "name"), STAGES[1::4], ids=[name for _, name in STAGES[1::4]])
def test_nothing_leaves_a_night_with_what_it_stumbled_over(
    aviary: Aviary, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, way: Callable[..., NoReturn]
) -> None:
    aviary.deliver(aviary.table())
    monkeypatch.setattr(module, name, way)
    told = aviary.fly()
    kinds = {ask_to_end: "KeyboardInterrupt", leave: "SystemExit"}
    assert kinds.get(way, "StageFailed") in told
    assert found_in(told) == []


@pytest.mark.parametrize(("module", "name"), STAGES, ids=[name for _, name in STAGES])
def test_a_revision_that_breaks_says_where_in_one_line(
    aviary: Aviary, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], module: Any, name: str
) -> None:
    path = aviary.data / "snapshots" / f"{NIGHTS[1]}.parquet"
    table = pq.read_table(path)
    reopened = [row for row, name in enumerate(table["account_id"].to_pylist()) if name.startswith(f"{IDS}clean-2-")]
    pq.write_table(with_value(table, "days_past_due", 40, *reopened), path)
    monkeypatch.setattr(module, name, break_over_a_line)
    told = heard(lambda: main(["revise", "--portfolio", NAME, "--reason", "delivered again"]))
    shown = capfd.readouterr()
    assert shown.err.startswith("Error: reinstate stopped at tests/nights/test_canaries.py:")
    assert shown.err.endswith(": ValueError; this is a fault of the program\n")
    assert found_in(shown.out + shown.err + aviary.kept()) == []
    assert "SystemExit" in told


def test_a_night_that_is_held_says_what_it_waits_for_and_nothing_of_its_lines(
    aviary: Aviary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = shutil.copytree(aviary.home, tmp_path / "home", symlinks=True)
    with (home / "deployments" / "portfolios" / f"{NAME}.yaml").open("a") as file:
        file.write("caps: {reopened_lines_max: 0, people: 2}\n")
    use_home(monkeypatch, aviary.data, home)
    aviary.deliver(aviary.table())
    told = aviary.fly()
    plan = store_of(NAME).run(aviary.night, "held")["plan_hash"]
    for words in (
        ("held",),
        *((verdict, plan, "--reason", "seen", "--by", "ann") for verdict in ("release", "discard") * 2),
    ):
        told += heard(lambda words=words: main([*words, "--portfolio", NAME]))
    shown = capfd.readouterr()
    assert "held because of lines reopened" in shown.out
    assert "ann has already said release" in shown.err
    assert found_in(told + shown.out + shown.err + aviary.kept()) == []


COMMANDS: dict[str, tuple[str, ...]] = {
    "release of another plan": ("release", "0" * 64, "--reason", "why not"),
    "discard of another plan": ("discard", "0" * 64, "--reason", "why not"),
    "withdrawal of an unknown line": ("withdraw", "nobody", "--reason", "why not"),
    "explanation of an unknown line": ("explain", "nobody"),
    "replay of a night that was not": ("replay", "--business-date", str(NIGHTS[5])),
    "revision without a reason": ("revise", "--reason", " "),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_command_that_is_refused_tells_nothing_of_lines(
    aviary: Aviary, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    heard(lambda: main([*COMMANDS[case], "--portfolio", NAME]))
    shown = capfd.readouterr()
    assert shown.err.startswith("Error: ")
    assert found_in(shown.out + shown.err) == []


@pytest.mark.parametrize(("store", "code"), [("sqlite", "SQLITE_CONSTRAINT_NOTNULL"), ("postgresql", "23502")])
def test_a_row_that_the_database_refuses_is_told_by_its_code(
    whole_aviary: Aviary,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    store: str,
    code: str,
) -> None:
    """PostgreSQL prints the whole row."""
    url = database(request.getfixturevalue("postgres_url"), "canaries") if store == "postgresql" else None
    shutil.copytree(whole_aviary.data / "snapshots", tmp_path / "snapshots")
    use_home(monkeypatch, tmp_path, whole_aviary.home, url)

    def publish(writer: Any, run: Any, connection: Any, chunk: Any) -> None:
        without = [{**entry, "decision": None} for entry in chunk.entries]
        runs.publish_chunk(writer, run, connection, dataclasses.replace(chunk, entries=without))

    monkeypatch.setattr(publishing, "publish_chunk", publish)
    told = heard(lambda: guarded(run_again)(NAME, NIGHTS[0]))
    assert f"StoreError: the database answered {code}" in told
    assert found_in(told + Aviary(whole_aviary.home, tmp_path).kept()) == []
    forget()


def test_a_ledger_that_was_altered_is_told_by_the_number_of_its_entry(
    aviary: Aviary, capfd: pytest.CaptureFixture[str]
) -> None:
    with store_of(NAME).transaction() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_no_update")
        connection.exec_driver_sql(f"UPDATE ledger SET account_id = '{WORD}' WHERE sequence = 2")
    heard(lambda: main(["verify", "--portfolio", NAME]))
    shown = capfd.readouterr()
    assert "entry 2: has another id" in shown.err
    assert found_in(shown.out + shown.err) == []
