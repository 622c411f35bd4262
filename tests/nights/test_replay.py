"""A past night judged again from what it recorded: the same bit for bit, or what moved and which lines."""

import csv
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.errors import NightRefused
from tasks import provenance, replaying
from tasks.nights import run_directory, store_of
from tests.digest import digest
from tests.nights.conftest import DAY, Book
from tests.nights.eve import SECOND_NIGHT, make_eve
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT


@pytest.fixture
def night(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the second night of a small book, published."""
    make_eve(tmp_path_factory.getbasetemp()).use(tmp_path / "data", monkeypatch)
    run_plainly("small", SECOND_NIGHT)
    yield run_directory("small", SECOND_NIGHT)
    forget()


def replay(*more: str) -> Result:
    return CliRunner().invoke(commands, ["replay", "--portfolio", "small", "--business-date", f"{SECOND_NIGHT}", *more])


def change(path: Path, column: str, how: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> None:
    table, groups = pq.read_table(path), pq.read_metadata(path).num_row_groups
    changed = table.set_column(table.schema.get_field_index(column), column, how(table[column]))
    pq.write_table(changed, path, row_group_size=-(-len(table) // groups))


@pytest.mark.parametrize("number", range(9))
def test_every_night_of_the_book_is_the_same_bit_for_bit(
    book: Book, number: int, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    use_home(monkeypatch, book.data, book.home)
    found = replaying.replay("small", FIRST_NIGHT + number * DAY)
    forget()
    assert (found.is_same, found.causes) == (True, ())
    assert found.judged_count == book.nights[number][1].plan.judged_count


def test_a_replay_says_so_and_changes_nothing(night: Path, tmp_path: Path) -> None:
    before = digest(store_of("small")), {path: path.stat().st_mtime_ns for path in night.rglob("*")}
    done = replay()
    assert done.exit_code == 0, done.output
    assert "the same bit for bit" in done.output
    assert store_of("small").run(SECOND_NIGHT)["plan_hash"] in done.output
    assert (digest(store_of("small")), {path: path.stat().st_mtime_ns for path in night.rglob("*")}) == before


def test_a_policy_and_a_portfolio_file_that_changed_since_do_not_matter(night: Path, tmp_path: Path) -> None:
    home = Path(os.environ["REINSTATE_HOME"]) / "deployments"
    portfolio = home / "portfolios" / "small.yaml"
    kept = portfolio.read_text()
    portfolio.write_text(kept + "columns: {acct_no: account_id}\n")
    (night / "policy.yaml").write_text("policy: another\n")
    done = replay()
    portfolio.write_text(kept)
    assert done.exit_code == 0, done.output


def test_recorded_data_that_was_altered_is_named_and_its_lines_are_listed(night: Path, tmp_path: Path) -> None:
    [path] = (night / "snapshot").glob("*.parquet")
    change(path, "days_past_due", lambda column: pc.add(column, 1))
    done = replay("--out", str(tmp_path / "moved.csv"))
    assert done.exit_code == 1
    assert "data: the recorded snapshot was" in done.output
    with (tmp_path / "moved.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert len(listed) > 20
    assert f"{len(listed)} lines are not judged as they were." in done.output
    moved = [row for row in listed if '"decision":"reopen"' in row["then"] and '"decision":"keep_closed"' in row["now"]]
    assert moved


def test_without_a_file_to_list_them_in_no_line_is_named_and_no_value_shown(night: Path, tmp_path: Path) -> None:
    """What a scheduler logs of a replay may not name anybody."""
    [path] = (night / "snapshot").glob("*.parquet")
    change(path, "days_past_due", lambda column: pc.add(column, 1))
    done = replay()
    replay("--out", str(tmp_path / "moved.csv"))
    with (tmp_path / "moved.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert not [row["account_id"] for row in listed if row["account_id"] in done.output]
    assert "reopen" not in done.output
    decided = sum('"decision":' in row["now"] for row in listed)
    assert f"  decision: {decided} lines" in done.output
    assert "`--out FILE` lists every line with its values." in done.output


def test_recorded_data_that_cannot_be_read_any_more_is_named(night: Path) -> None:
    [path] = (night / "snapshot").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1000])
    refused = replay()
    assert isinstance(refused.exception, NightRefused)
    assert "cannot be replayed, its recorded data has moved: " in str(refused.exception)


def test_ledger_columns_that_were_altered_are_named(night: Path) -> None:
    change(night / "ledger.parquet", "ledger_recoverable_nights_count", lambda column: pc.multiply(column, 0))
    done = replay()
    assert done.exit_code == 1
    assert "data: what the ledger knew before was" in done.output
    assert re.search(r"  decision: (\d+) lines?\n  step: \1 lines?\n", done.output)


def test_evidence_that_was_altered_is_told_from_inputs_that_were(night: Path) -> None:
    [path] = (night / "evidence").glob("*.parquet")
    change(path, "score", lambda column: pc.add(column, 1))
    done = replay()
    assert done.exit_code == 1
    assert "what the night wrote down was altered" in done.output
    assert "  the evidence's column score: int64 then, int32 now" in done.output
    assert re.search(r"  score: [\d,]+ lines", done.output)


def test_evidence_of_another_type_is_a_difference_though_every_value_is_the_same(night: Path) -> None:
    [path] = (night / "evidence").glob("*.parquet")
    kind = pq.read_schema(path).field("score").type
    change(path, "score", lambda column: column.cast(pa.float64()))
    done = replay()
    assert done.exit_code == 1
    assert f"  the evidence's column score: double then, {kind} now" in done.output
    assert "not judged as they were" not in done.output


def test_evidence_without_one_of_its_columns_is_a_difference(night: Path) -> None:
    [path] = (night / "evidence").glob("*.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["score_gap"]), path)
    done = replay()
    assert done.exit_code == 1
    assert "  the evidence's column score_gap: none then, " in done.output


@pytest.mark.parametrize(
    "how",
    [
        lambda table: table.take(list(range(len(table)))[::-1]),
        lambda table: pa.concat_tables([table, table.slice(0, 1)]),
    ],
    ids=["reversed", "with a line twice"],
)
def test_evidence_whose_rows_stand_otherwise_is_a_difference(night: Path, how: Callable[[pa.Table], pa.Table]) -> None:
    [path] = (night / "evidence").glob("*.parquet")
    pq.write_table(how(pq.read_table(path)), path)
    done = replay()
    assert done.exit_code == 1
    assert "  the evidence's rows: in another order, or a line more than once" in done.output


def test_evidence_that_lost_a_line_and_evidence_that_won_one_are_told(night: Path, tmp_path: Path) -> None:
    [path] = (night / "evidence").glob("*.parquet")
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    done = replay("--out", str(tmp_path / "moved.csv"))
    assert "1 line is not judged as it was." in done.output
    assert "  judged only now: 1 line\n" in done.output
    assert (tmp_path / "moved.csv").read_text().splitlines()[1].startswith(f'"{table["account_id"][0]}","{{}}"')


def tables(*changed: int) -> tuple[pa.Table, pa.Table]:
    """Evidence of 200,000 lines, with lists and structs and unknown values, and the same with some rows changed."""
    count = 200_000
    row = range(count)
    table = pa.table(
        {
            "account_id": [f"a{number}" for number in row],
            "score": [None if number % 7 == 0 else number % 900 for number in row],
            "reasons": [[f"R{number % 5}"] * (number % 3) for number in row],
            "points": [{"late": number % 50} for number in row],
        }
    )
    rows = table.to_pylist()
    for place, number in enumerate(changed):
        name, value = [("score", -1), ("reasons", ["OTHER"]), ("points", {"late": None})][place % 3]
        rows[number][name] = value
    return table, pa.Table.from_pylist(rows, schema=table.schema)


def test_of_many_lines_only_those_that_differ_are_made_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    then, now = tables(0, 70_000, 199_999)
    made: list[int] = []
    monkeypatch.setattr(replaying, "_rows", lambda table: made.append(len(table)) or table.to_pylist())
    moved = list(replaying.moved_lines(then, now))
    assert [(line.account_id, line.then, line.now) for line in moved] == [
        ("a0", {"score": None}, {"score": -1}),
        ("a70000", {"reasons": ["R0"]}, {"reasons": ["OTHER"]}),
        ("a199999", {"points": {"late": 49}}, {"points": {"late": None}}),
    ]
    assert sum(made) < 1_000


def test_a_plan_that_was_altered_is_told(night: Path) -> None:
    path = night / "plan.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    done = replay()
    assert done.exit_code == 1
    assert "the plan: " in done.output


def test_code_that_moved_is_named_and_by_itself_no_difference(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "code_version", lambda: "9.9.9+other")
    monkeypatch.setattr(replaying, "libraries", lambda: provenance.libraries() | {"numpy": "9.9"})
    done = replay()
    assert done.exit_code == 0
    assert "code: the program was" in done.output
    assert "code: numpy was" in done.output


def test_code_that_decides_otherwise_is_found_with_its_lines(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "code_version", lambda: "9.9.9+other")
    monkeypatch.setattr("tasks.planning.granted_within", lambda _, frame: [False] * len(frame))
    done = replay()
    assert done.exit_code == 1
    assert "code: the program was" in done.output
    assert "  step: " in done.output


def test_a_schema_that_moved_is_named(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "schema_hash", lambda _: "another")
    assert "schema: the columns that are judged was" in replay().output


def test_a_policy_that_was_altered_in_the_store_is_refused(night: Path) -> None:
    with closing(sqlite3.connect(str(store_of("small").engine.url.database))) as connection:
        connection.execute("DROP TRIGGER policies_no_update")
        connection.execute("UPDATE policies SET content = content || ' '")
        connection.commit()
    assert "does not hold the policy with the hash" in str(replay().exception)


@pytest.mark.parametrize("name", ["ledger.parquet", "snapshot", "evidence"])
def test_what_is_gone_is_named_before_anything_is_judged(night: Path, name: str) -> None:
    (night / name).rename(night / "elsewhere")
    refused = replay()
    assert isinstance(refused.exception, NightRefused)
    assert "is gone" in str(refused.exception)
    assert name in str(refused.exception)


def test_a_night_that_was_not_published_is_not_replayed(night: Path) -> None:
    with pytest.raises(NightRefused, match="was published"):
        replaying.replay("small", SECOND_NIGHT + DAY)


def test_a_recorded_part_of_the_portfolio_file_that_was_altered_is_told_whatever_comes_of_it(night: Path) -> None:
    path = night / "portfolio.json"
    path.write_text(path.read_text().replace('"quarantined_share_max_bp":300', '"quarantined_share_max_bp":400'))
    done = replay()
    assert done.exit_code == 0, done.output
    assert "Not as it was recorded: policy: the recorded part of the portfolio file was" in done.output
