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
from schemas.errors import NightHeld, NightRefused
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


def run_until_a_line_is_closed_again(folder: Path, world: Path) -> tuple[Any, dict[str, Any]]:
    """Go on until a night closes a line again; the night, and the line's entry."""
    for number in range(2, 9):
        date = FIRST_NIGHT + number * DAY
        shutil.copy(world / "base" / f"{date}.parquet", folder)
        run_plainly("small", date)
        for entry in store_of("small").select_mine("ledger", business_date=date):
            if entry["decision"] == Decision.RECLOSE:
                return date, dict(entry)
    raise AssertionError("the sample book closes no line again")


def deliver_row_again(folder: Path, date: Any, line: str, row: pa.Table) -> None:
    """Put another snapshot of a night into the folder: one line's row is another one, or gone."""
    path = folder / f"{date}.parquet"
    table = pq.read_table(path)
    rest = table.filter(pc.not_equal(table["account_id"], line))
    pq.write_table(pa.concat_tables([rest, row.cast(rest.schema)]), path)


def row_of(folder: Path, date: Any, line: str, **changes: Any) -> pa.Table:
    """A line's row in the snapshot of a night, with changes."""
    row = pq.read_table(folder / f"{date}.parquet", filters=[("account_id", "=", line)])
    return pa.Table.from_pylist([row.to_pylist()[0] | changes], schema=row.schema)


def test_a_closing_that_is_taken_back_leaves_the_line_as_it_was(snapshots: Path, world: Path) -> None:
    """A line that a wrong row closed again is open, and has been since it was opened."""
    date, entry = run_until_a_line_is_closed_again(snapshots, world)
    line, store = entry["account_id"], store_of("small")
    deliver_row_again(snapshots, date, line, row_of(snapshots, date - DAY, line, business_date=date))
    done = revise("the line's row was another's")
    assert done.exit_code == 0, done.exception
    [state] = store.select_mine("line_states", account_id=line)
    assert state["state"] in ("reopened", "temporary")
    assert state["since"] < date
    kinds = {notice["kind"] for notice in store.select_mine("notices", sequence=state["sequence"])}
    assert kinds == {"reopen", "correction_line_open"}
    assert verify(store).fault is None


@pytest.mark.parametrize("what", ["missing", "set aside", "closed by the lender"])
def test_a_line_that_was_closed_again_stays_closed_unless_the_corrected_row_shows_that_it_stays_open(
    snapshots: Path, world: Path, what: str
) -> None:
    date, entry = run_until_a_line_is_closed_again(snapshots, world)
    closed = {
        "line_status": "closed", "closed_on": date, "closure_cause": "credit_assessment", "closure_initiator": "issuer",
    }  # fmt: skip
    changes = {"set aside": {"closed_limit_cents": -1}, "closed by the lender": closed}.get(what, {})
    row = row_of(snapshots, date, entry["account_id"], **changes)
    deliver_row_again(snapshots, date, entry["account_id"], row.slice(0, 0) if what == "missing" else row)
    before = store_of("small").ledger_head()
    assert revise("the line's row was another's").exit_code == 0
    assert store_of("small").ledger_head() == before
    page = (nights.run_directory("small", date, revision=2) / "report.html").read_text()
    assert "left closed" in page


def test_what_opens_lines_in_a_revision_counts_with_what_the_night_opened_before(snapshots: Path, world: Path) -> None:
    """The caps of a night cannot be passed bit by bit."""
    opened = [entry["account_id"] for entry in opened_on(SECOND_NIGHT)]
    make_late(snapshots, opened[:1])
    revise("first a bad one")
    shutil.copy(world / "base" / f"{SECOND_NIGHT}.parquet", snapshots)
    file = snapshots.parent / "home" / "deployments" / "portfolios" / "small.yaml"
    plain = file.read_text()
    file.write_text(plain + f"caps: {{reopened_lines_max: {len(opened) - 1}}}\n")
    assert isinstance(revise("now the good one").exception, NightHeld)
    [finding] = store_of("small").run(SECOND_NIGHT)["findings"]
    assert finding == f"lines reopened: {len(opened)}, the cap is {len(opened) - 1}"


def test_a_closing_that_is_taken_back_counts_as_a_line_reopened(snapshots: Path, world: Path) -> None:
    date, entry = run_until_a_line_is_closed_again(snapshots, world)
    line = entry["account_id"]
    deliver_row_again(snapshots, date, line, row_of(snapshots, date - DAY, line, business_date=date))
    opened = len(opened_on(date))
    file = snapshots.parent / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text() + f"caps: {{reopened_lines_max: {opened}}}\n")
    assert isinstance(revise("the line's row was another's").exception, NightHeld)
    [finding] = store_of("small").run(date)["findings"]
    assert finding == f"lines reopened: {opened + 1}, the cap is {opened}"


def test_a_revision_that_opens_no_line_is_above_no_cap_on_opening(snapshots: Path) -> None:
    """People have looked at what stands of the night."""
    file = snapshots.parent / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text() + "caps: {reopened_lines_max: 0}\n")
    make_late(snapshots, [opened_on(SECOND_NIGHT)[0]["account_id"]])
    assert "revised, 1 transition taken back and 0 made" in revise().output


def test_while_a_revision_is_held_its_night_is_not_brought_back_and_the_revision_is_named(
    snapshots: Path, world: Path
) -> None:
    file = snapshots.parent / "home" / "deployments" / "portfolios" / "small.yaml"
    make_late(snapshots, [opened_on(SECOND_NIGHT)[0]["account_id"]])
    revise("first a bad one")
    file.write_text(file.read_text() + "caps: {reopened_lines_max: 0}\n")
    shutil.copy(world / "base" / f"{SECOND_NIGHT}.parquet", snapshots)
    revise("now the good one")
    with pytest.raises(NightRefused, match=f"revision 3 of {SECOND_NIGHT} is held"):
        run_again("small", SECOND_NIGHT)


def test_the_last_published_night_is_revised_also_after_a_later_one_was_discarded(snapshots: Path, world: Path) -> None:
    file = snapshots.parent / "home" / "deployments" / "portfolios" / "small.yaml"
    plain = file.read_text()
    file.write_text(plain + "caps: {row_count_change_max_bp: 0}\n")
    later = SECOND_NIGHT + DAY
    shutil.copy(world / "base" / f"{later}.parquet", snapshots)
    run_plainly("small", later)
    plan = store_of("small").run(later)["plan_hash"]
    said = CliRunner().invoke(commands, ["discard", plan, "--portfolio", "small", "--reason", "built on a bad one"])
    assert "The night is settled" in said.output, said.exception
    file.write_text(plain)
    make_late(snapshots, [opened_on(SECOND_NIGHT)[0]["account_id"]])
    assert "revised, 1 transition taken back and 0 made" in revise().output


def test_what_the_ledger_knew_before_the_night_must_be_what_was_recorded(snapshots: Path) -> None:
    path = nights.run_directory("small", SECOND_NIGHT) / "ledger.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    refused = revise()
    assert "is not what the ledger knew before" in str(refused.exception)
    assert store_of("small").run(SECOND_NIGHT, RunStatus.PUBLISHED)["revision"] == 1


def test_a_line_withdrawn_since_is_not_counted_as_recoverable(snapshots: Path) -> None:
    line = opened_on(SECOND_NIGHT)[0]["account_id"]
    CliRunner().invoke(commands, ["withdraw", line, "--portfolio", "small", "--reason", "a complaint"])
    ids = pq.read_table(snapshots / f"{SECOND_NIGHT}.parquet")["account_id"]
    deliver_again(
        snapshots,
        "closed_limit_cents",
        lambda column: pa.chunked_array([pa.array([100] * len(column))]),
        pc.equal(ids, line),
    )
    assert revise("its limit was far less: too little to open, but recoverable").exit_code == 0
    assert store_of("small").select_mine("recoverable_nights", account_id=line) == []


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
    held = revise("now the good one")
    assert isinstance(held.exception, NightHeld)
    assert "`reinstate held` shows its plan" in str(held.exception)
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
