"""A published night run again: the same inputs bring back the same report, others are refused with both hashes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.errors import NightRefused
from schemas.vocabulary import Outcome
from tasks import judgement
from tasks.nights import store_of
from tasks.reruns import published_before
from tests.nights.conftest import DAY, Book
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home


@pytest.fixture
def folder(world: Path, book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A published night whose snapshot lies in this folder."""
    folder = tmp_path / "snapshots"
    folder.mkdir()
    shutil.copy(world / "base" / f"{FIRST_NIGHT}.parquet", folder / f"{FIRST_NIGHT}.parquet")
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", f"{{kind: folder, path: {folder}}}"))
    run_plainly("small", FIRST_NIGHT)
    yield folder
    forget()


def policies_of(tmp_path: Path) -> Path:
    """The home's own copy of the policy file."""
    policies = tmp_path / "home" / "deployments" / "policies"
    shipped = policies.resolve()
    policies.unlink()
    shutil.copytree(shipped, policies)
    return policies / "consumer-revolving" / "2026-10.yaml"


def test_the_same_inputs_bring_back_the_same_report_and_write_nothing(folder: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.is_file()}
    known = published_before("small", FIRST_NIGHT)
    assert known is not None
    assert known.outcome is Outcome.PUBLISHED_BEFORE
    assert known.report.exists()
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path] and "store" not in path.name} == set()


def test_the_same_rows_in_another_order_and_shape_are_the_same_inputs(folder: Path) -> None:
    path = folder / f"{FIRST_NIGHT}.parquet"
    table = pq.read_table(path)
    path.unlink()
    (folder / str(FIRST_NIGHT)).mkdir()
    backwards = table.take(pa.array(range(len(table) - 1, -1, -1)))
    for number in range(3):
        pq.write_table(backwards.slice(number * 2_000, 2_000), folder / str(FIRST_NIGHT) / f"part-{number}.parquet")
    assert published_before("small", FIRST_NIGHT) is not None


def test_one_cell_changed_is_refused_with_both_hashes(folder: Path) -> None:
    path = folder / f"{FIRST_NIGHT}.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("balance_cents")
    first = pc.equal(pa.array(range(len(table))), 0)
    changed = pc.if_else(first, pc.add(table["balance_cents"], 1), table["balance_cents"])
    pq.write_table(table.set_column(place, "balance_cents", changed), path)
    before = store_of("small").run(FIRST_NIGHT)["snapshot_hash"]
    with pytest.raises(NightRefused, match=rf"the snapshot's hash was {before}, it is [0-9a-f]{{64}}.*revise"):
        published_before("small", FIRST_NIGHT)


def test_a_comment_in_the_policy_is_no_change_and_a_threshold_is_one(folder: Path, tmp_path: Path) -> None:
    file = policies_of(tmp_path)
    file.write_text("# a word more\n" + file.read_text())
    assert published_before("small", FIRST_NIGHT) is not None
    file.write_text(file.read_text().replace("confirm_nights: 2", "confirm_nights: 3"))
    with pytest.raises(NightRefused, match="the policy's hash was"):
        published_before("small", FIRST_NIGHT)


def test_what_decides_in_the_portfolio_file_may_not_change_and_its_title_may(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text().replace("Small Lender", "Another Name"))
    assert published_before("small", FIRST_NIGHT) is not None
    file.write_text(file.read_text().replace("currency: EUR", "currency: USD"))
    with pytest.raises(NightRefused, match="the portfolio file's hash was"):
        published_before("small", FIRST_NIGHT)


def test_a_night_that_failed_asks_its_source_again(folder: Path, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    date = FIRST_NIGHT + DAY
    wrong = pq.read_table(world / "base" / f"{date}.parquet").slice(1)
    pq.write_table(wrong, folder / f"{date}.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(judgement, "judge_night", None)
        with pytest.raises(TypeError):
            run_plainly("small", date)
    shutil.copy(world / "base" / f"{date}.parquet", folder)
    _, published = run_plainly("small", date)
    assert published.plan.row_count == len(wrong) + 1
    assert published_before("small", date) is not None


def test_who_may_release_a_held_plan_decides_nothing(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text() + "caps: {people: 2, people_proven: true}\n")
    assert published_before("small", FIRST_NIGHT) is not None


def test_a_night_that_was_not_published_is_not_brought_back(folder: Path) -> None:
    from tests.nights.conftest import DAY

    assert published_before("small", FIRST_NIGHT + DAY) is None
