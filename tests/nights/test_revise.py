"""Revising the last published night: only what differs is written, and what is taken back names what it corrects."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.errors import NightRefused
from schemas.vocabulary import REVERSE, Decision, RunStatus
from tasks import nights
from tasks.nights import store_of
from tasks.verifying import verify
from tests.digest import contents
from tests.nights.conftest import DAY, publish_two, put_back
from tests.plain_nights import forget, run_again, run_plainly
from tests.small_book import FIRST_NIGHT

SECOND_NIGHT = FIRST_NIGHT + DAY
OPENINGS = (Decision.REOPEN, Decision.REOPEN_TEMPORARILY)


@pytest.fixture(scope="module")
def root(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("revised") / "book" / "snapshots"
    folder.mkdir(parents=True)
    for date in (FIRST_NIGHT, SECOND_NIGHT):
        shutil.copy(world / "base" / f"{date}.parquet", folder)
    return publish_two(folder.parent, f"{{kind: folder, path: {folder}}}")


@pytest.fixture
def snapshots(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The first two nights, published from the snapshots in this folder."""
    put_back(root, monkeypatch)
    yield root / "snapshots"
    forget()


def revise(reason: str = "the bureau delivered again") -> Result:
    return CliRunner().invoke(commands, ["revise", "--portfolio", "small", "--reason", reason, "--by", "ann"])


def deliver_again(
    folder: Path, column: str, change: Callable[[pa.ChunkedArray], pa.ChunkedArray], where: pa.Array
) -> None:
    """Put another snapshot of the second night into the folder: one column, changed in some rows."""
    path = folder / f"{SECOND_NIGHT}.parquet"
    table = pq.read_table(path)
    mixed = pc.if_else(where, change(table[column]).cast(table[column].type), table[column])
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, mixed), path)


def opened_on(date: Any) -> list[dict[str, Any]]:
    entries = store_of("small").select_mine("ledger", business_date=date)
    return [dict(entry) for entry in entries if entry["decision"] in OPENINGS]


def make_late(folder: Path, accounts: list[str]) -> None:
    """Deliver again that some accounts are 90 days past due."""
    ids = pq.read_table(folder / f"{SECOND_NIGHT}.parquet")["account_id"]
    where = pc.is_in(ids, value_set=pa.array(accounts))
    deliver_again(folder, "days_past_due", lambda column: pa.chunked_array([pa.array([90] * len(column))]), where)


def test_lines_no_longer_granted_are_taken_back_against_the_entry_they_correct(snapshots: Path) -> None:
    first = opened_on(SECOND_NIGHT)[0]
    make_late(snapshots, [first["account_id"]])
    done = revise()
    assert done.exit_code == 0, (done.output, done.exception)
    store = store_of("small")
    [back] = [entry for entry in store.select_mine("ledger") if entry["decision"] == REVERSE]
    assert (back["account_id"], back["reverses"], back["revision"]) == (first["account_id"], first["entry_id"], 2)
    [state] = store.select_mine("line_states", account_id=first["account_id"])
    assert (state["state"], state["sequence"]) == ("none", back["sequence"])
    owed = store.select_mine("notices", sequence=back["sequence"])
    assert {(notice["audience"], notice["kind"]) for notice in owed} == {
        ("customer", "correction_line_closed"),
        ("core_system", "close"),
    }
    assert all(notice["is_accepted"] for notice in owed)
    assert verify(store).fault is None


def test_what_is_decided_alike_is_not_written_again(snapshots: Path) -> None:
    before = contents(store_of("small"))
    assert revise().exit_code == 0
    after = contents(store_of("small"))
    assert after["ledger"] == before["ledger"]
    assert after["notices"] == before["notices"]
    assert after["line_states"] == before["line_states"]
    assert [row["account_id"] for row in after["recoverable_nights"]] == [
        row["account_id"] for row in before["recoverable_nights"]
    ]


def test_who_did_it_and_why_is_kept_and_the_first_run_stands_beside_it(snapshots: Path) -> None:
    revise("a column was shifted")
    runs = store_of("small").select_mine("runs", business_date=SECOND_NIGHT)
    assert [(run["revision"], run["status"]) for run in runs] == [(1, "published"), (2, "published")]
    assert (runs[1]["revised_by"], runs[1]["revised_because"]) == ("ann", "a column was shifted")


def test_after_a_revision_the_same_inputs_are_the_revised_ones(snapshots: Path) -> None:
    make_late(snapshots, [opened_on(SECOND_NIGHT)[0]["account_id"]])
    with pytest.raises(NightRefused, match="revise"):
        run_again("small", SECOND_NIGHT)
    revise()
    run_again("small", SECOND_NIGHT)


def test_the_next_night_goes_on_from_what_the_revision_left(snapshots: Path, world: Path) -> None:
    """A line that was taken back is closed, and its reopening counts for nothing."""
    line = opened_on(SECOND_NIGHT)[0]["account_id"]
    make_late(snapshots, [line])
    revise()
    shutil.copy(world / "base" / f"{SECOND_NIGHT + DAY}.parquet", snapshots)
    run, _ = run_plainly("small", SECOND_NIGHT + DAY)
    [known] = pq.read_table(run.directory / "ledger.parquet", filters=[("account_id", "=", line)]).to_pylist()
    assert (known["ledger_state"], known["ledger_reopens_365d_count"]) == ("none", 0)
    assert known["ledger_temporary_365d_count"] == 0


def test_the_good_snapshot_after_a_bad_one_ends_as_if_there_had_been_no_bad_one(snapshots: Path, world: Path) -> None:
    """States, and what the core system was last asked for, are those of the good snapshot."""
    good = {row["account_id"]: row for row in contents(store_of("small"))["line_states"]}
    make_late(snapshots, [entry["account_id"] for entry in opened_on(SECOND_NIGHT)])
    revise("first the bad one")
    shutil.copy(world / "base" / f"{SECOND_NIGHT}.parquet", snapshots)
    done = revise("now the good one")
    assert done.exit_code == 0, done.exception
    for row in contents(store_of("small"))["line_states"]:
        told = {name: value for name, value in row.items() if name != "sequence"}
        assert told == {name: value for name, value in good[row["account_id"]].items() if name != "sequence"}
    assert verify(store_of("small")).fault is None


def test_a_closing_that_is_taken_back_leaves_the_line_as_it_was(snapshots: Path, world: Path) -> None:
    """A line that a wrong row closed again is open, and has been since it was opened."""
    dates = [FIRST_NIGHT + number * DAY for number in range(2, 9)]
    store = store_of("small")
    for date in dates:
        shutil.copy(world / "base" / f"{date}.parquet", snapshots)
        run_plainly("small", date)
        ended = [entry for entry in store.select_mine("ledger", business_date=date) if entry["decision"] == "reclose"]
        if ended:
            break
    before = {row["account_id"]: dict(row) for row in store.select_mine("line_states")}
    assert ended, "the sample book closes a line again"
    line = ended[0]["account_id"]
    path = snapshots / f"{date}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.filter(pc.not_equal(table["account_id"], line)), path)
    done = revise("the line's row was another's")
    assert done.exit_code == 0, done.exception
    [state] = store.select_mine("line_states", account_id=line)
    assert state["state"] in ("reopened", "temporary")
    assert state["since"] < before[line]["since"]
    kinds = {notice["kind"] for notice in store.select_mine("notices", sequence=state["sequence"])}
    assert kinds == {"reopen", "correction_line_open"}
    assert verify(store).fault is None


def test_a_line_withdrawn_by_a_person_since_is_left_alone(snapshots: Path) -> None:
    line = opened_on(SECOND_NIGHT)[0]["account_id"]
    CliRunner().invoke(commands, ["withdraw", line, "--portfolio", "small", "--reason", "a complaint"])
    before = store_of("small").ledger_head()
    make_late(snapshots, [line])
    revise()
    assert store_of("small").ledger_head() == before


def test_a_revision_is_delivered_in_a_file_of_its_own(snapshots: Path) -> None:
    folder = snapshots.parent / "data" / "deliveries" / "small" / "customer"
    before = (folder / f"{SECOND_NIGHT}.jsonl").read_bytes()
    make_late(snapshots, [opened_on(SECOND_NIGHT)[0]["account_id"]])
    revise()
    assert (folder / f"{SECOND_NIGHT}.jsonl").read_bytes() == before
    assert len((folder / f"{SECOND_NIGHT}-revision-2.jsonl").read_text().splitlines()) == 1


def test_its_report_says_what_it_changed(snapshots: Path) -> None:
    make_late(snapshots, [opened_on(SECOND_NIGHT)[0]["account_id"]])
    revise()
    page = (nights.run_directory("small", SECOND_NIGHT, revision=2) / "report.html").read_text()
    assert "took back 1\N{NO-BREAK SPACE}transition and made 0" in page


def test_a_revision_that_decides_alike_says_so(snapshots: Path) -> None:
    assert "revised, 0 transitions taken back and 0 made" in revise().output
    page = (nights.run_directory("small", SECOND_NIGHT, revision=2) / "report.html").read_text()
    assert "nothing was changed" in page


def test_a_revision_above_the_caps_is_held_and_published_by_release(snapshots: Path, world: Path) -> None:
    make_late(snapshots, [entry["account_id"] for entry in opened_on(SECOND_NIGHT)])
    revise("first the bad one")
    shutil.copy(world / "base" / f"{SECOND_NIGHT}.parquet", snapshots)
    file = snapshots.parent / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text() + "caps: {reopened_lines_max: 1}\n")
    before = store_of("small").ledger_head()
    assert "held, nothing was published" in revise("now the good one").output
    assert store_of("small").ledger_head() == before
    run = store_of("small").run(SECOND_NIGHT)
    arguments = ["release", run["plan_hash"], "--portfolio", "small", "--by", "ann", "--reason", "looked at it"]
    done = CliRunner().invoke(commands, arguments)
    assert "revised, 0 transitions taken back and " in done.output, done.exception
    assert verify(store_of("small")).fault is None
    assert store_of("small").run(SECOND_NIGHT)["status"] == RunStatus.PUBLISHED


def test_a_refused_revision_changes_nothing_and_can_be_tried_again(snapshots: Path, world: Path) -> None:
    before = contents(store_of("small"))
    (snapshots / f"{SECOND_NIGHT}.parquet").write_bytes(b"no parquet")
    refused = revise()
    assert refused.exit_code == 1
    assert contents(store_of("small")) == before
    assert store_of("small").run(SECOND_NIGHT)["status"] == RunStatus.REFUSED
    shutil.copy(world / "base" / f"{SECOND_NIGHT}.parquet", snapshots)
    assert revise().exit_code == 0
    assert store_of("small").run(SECOND_NIGHT)["revision"] == 2


def test_without_a_reason_nothing_is_revised(snapshots: Path) -> None:
    refused = revise("  ")
    assert isinstance(refused.exception, NightRefused)
    assert store_of("small").run(SECOND_NIGHT)["revision"] == 1
