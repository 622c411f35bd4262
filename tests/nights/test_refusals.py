"""Bad input: a clear message, nothing changed, nothing half-written."""

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigurationError, FileRefused, NightRefused, ReinstateError, SnapshotRefused
from tasks import judgement, nights
from tasks.nights import store_of
from tasks.publishing import publish_plan
from tests.nights.conftest import Book
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home

DAY = datetime.timedelta(days=1)


@pytest.fixture
def folder(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the first night's snapshot, which the portfolio reads."""
    folder = tmp_path / "snapshots"
    folder.mkdir()
    shutil.copy(world / "base" / f"{FIRST_NIGHT}.parquet", folder / f"{FIRST_NIGHT}.parquet")
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", f"{{kind: folder, path: {folder}}}"))
    yield folder
    forget()


def refused(kind: type[ReinstateError], date: datetime.date = FIRST_NIGHT) -> str:
    """The message with which the night is refused; nothing may be in the ledger afterwards."""
    with pytest.raises(kind) as error:
        run_plainly("small", date)
    assert store_of("small").ledger_head()[0] == 0
    assert store_of("small").last_published() is None
    return str(error.value)


def change(folder: Path, how: Callable[[pa.Table], pa.Table]) -> None:
    path = folder / f"{FIRST_NIGHT}.parquet"
    pq.write_table(how(pq.read_table(path)), path)


def test_a_night_without_a_snapshot_is_refused(folder: Path) -> None:
    (folder / f"{FIRST_NIGHT}.parquet").unlink()
    message = refused(SnapshotRefused)
    assert str(FIRST_NIGHT) in message
    assert str(folder) in message


def test_an_empty_snapshot_is_refused(folder: Path) -> None:
    change(folder, lambda table: table.slice(0, 0))
    assert "0 rows" in refused(SnapshotRefused) or "no rows" in refused(SnapshotRefused)


def test_a_snapshot_cut_short_is_refused(folder: Path) -> None:
    path = folder / f"{FIRST_NIGHT}.parquet"
    path.write_bytes(path.read_bytes()[:-1000])
    assert path.name in refused(SnapshotRefused)


def test_a_snapshot_of_another_date_is_refused(folder: Path) -> None:
    later = pa.array([FIRST_NIGHT + DAY], pa.date32())

    def move(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("business_date")
        return table.set_column(place, "business_date", pa.concat_arrays([later] * len(table)))

    change(folder, move)
    assert "business_date" in refused(SnapshotRefused)


def test_a_missing_column_is_named(folder: Path) -> None:
    change(folder, lambda table: table.drop_columns(["bureau_score"]))
    assert "bureau_score" in refused(SnapshotRefused)


def test_an_extra_column_is_named(folder: Path) -> None:
    change(folder, lambda table: table.append_column("shoe_size", pa.nulls(len(table), pa.int64())))
    assert "shoe_size" in refused(SnapshotRefused)


def test_a_column_of_another_type_is_named(folder: Path) -> None:
    def retype(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("bureau_score")
        return table.set_column(place, "bureau_score", table["bureau_score"].cast(pa.float64()))

    change(folder, retype)
    assert "bureau_score" in refused(SnapshotRefused)


def test_too_many_bad_rows_refuse_the_snapshot_and_are_listed(folder: Path) -> None:
    def spoil(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("days_past_due")
        return table.set_column(place, "days_past_due", pa.array([-1] * len(table), pa.int64()))

    change(folder, spoil)
    message = refused(SnapshotRefused)
    assert "days_past_due: is outside what is allowed" in message
    assert "3 %" in message


def test_ids_survive_as_they_are(folder: Path) -> None:
    odd = ["000123", "1E5", "NA", "nan", "null", "=1+1"]

    def rename(table: pa.Table) -> pa.Table:
        ids = table["account_id"].to_pylist()
        return table.set_column(
            table.schema.get_field_index("account_id"), "account_id", pa.array(odd + ids[len(odd) :])
        )

    change(folder, rename)
    run, _ = run_plainly("small", FIRST_NIGHT)
    judged = set(pq.read_table(run.directory / "evidence", columns=["account_id"])["account_id"].to_pylist())
    closed = set(
        pq.read_table(folder / f"{FIRST_NIGHT}.parquet", filters=[("line_status", "=", "closed")])[
            "account_id"
        ].to_pylist()
    )
    assert judged & set(odd) == closed & set(odd)


def test_a_broken_policy_is_refused_with_its_line(folder: Path, tmp_path: Path) -> None:
    policies = tmp_path / "home" / "deployments" / "policies"
    shipped = policies.resolve()
    policies.unlink()
    shutil.copytree(shipped, policies)
    file = policies / "consumer-revolving" / "2026-10.yaml"
    file.write_text(file.read_text().replace("days_past_due == 0", "days_past_deu == 0"))
    message = refused(FileRefused)
    assert "2026-10.yaml:" in message
    assert "did you mean 'days_past_due'?" in message


def test_two_versions_in_force_are_refused_and_named(folder: Path, tmp_path: Path) -> None:
    policies = tmp_path / "home" / "deployments" / "policies"
    shipped = policies.resolve()
    policies.unlink()
    shutil.copytree(shipped, policies)
    first = policies / "consumer-revolving" / "2026-10.yaml"
    (first.parent / "2026-11.yaml").write_text(
        first.read_text().replace('version: "2026-10"\nin', 'version: "2026-11"\nin', 1)
    )
    assert "2026-11" in refused(ConfigurationError)


def test_a_portfolio_file_with_an_unknown_key_is_refused_with_its_line(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text() + "colour: green\n")
    message = refused(FileRefused)
    assert "small.yaml:12" in message
    assert "colour" in message


@pytest.mark.parametrize("date", [datetime.date(1970, 1, 1), FIRST_NIGHT - DAY, datetime.date(2999, 1, 1)])
def test_a_date_outside_the_window_is_refused(folder: Path, date: datetime.date) -> None:
    assert str(date) in refused(NightRefused, date)


def test_a_night_is_not_published_twice(folder: Path) -> None:
    run_plainly("small", FIRST_NIGHT)
    before = store_of("small").ledger_head()
    with pytest.raises(NightRefused, match="only move forward"):
        run_plainly("small", FIRST_NIGHT)
    assert store_of("small").ledger_head() == before


def test_publishing_a_published_plan_again_changes_nothing(folder: Path) -> None:
    run_plainly("small", FIRST_NIGHT)
    before = store_of("small").ledger_head(), store_of("small").select_mine("notices")
    with nights.writing("small"):
        publish_plan(nights.recall("small", FIRST_NIGHT), nights.portfolio_of("small"))
    assert (store_of("small").ledger_head(), store_of("small").select_mine("notices")) == before


def test_a_dry_run_writes_nothing_to_the_store(folder: Path) -> None:
    run, published = run_plainly("small", FIRST_NIGHT, dry_run=True)
    assert published.plan.transition_count > 0
    assert store_of("small").ledger_head()[0] == 0
    assert store_of("small").run(FIRST_NIGHT) is None
    assert json.loads((run.directory / "report.json").read_text())["outcome"] == "dry_run"
    assert not (run.directory.parent.parent.parent / "deliveries").exists()


def test_repeated_ids_are_quarantined_with_every_copy(book: Book) -> None:
    listed = [
        row
        for path in (book.nights[0][0].directory / "quarantine").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
        if "account_id: stands on more than one row" in row["reasons"]
    ]
    counts = {row["account_id"]: sum(other["account_id"] == row["account_id"] for other in listed) for row in listed}
    assert counts
    assert min(counts.values()) > 1


def test_a_night_whose_paths_mislead_publishes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "misleading_paths", lambda *_: 3)
    assert "3 of the paths to reopening" in refused(judgement.PathMisleads)
