"""The same decisions whatever the partitions, the order of the rows, and the store."""

import datetime
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.nights import store_of
from tasks.planning import evidence_tables
from tests.nights.conftest import Book
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in

SECOND_NIGHT = FIRST_NIGHT + datetime.timedelta(days=1)


def digest_of(run, published) -> str:
    """A hash over all evidence of a night, whatever the order of its rows."""
    table = pa.concat_tables(evidence_tables(run, published.plan, None)).sort_by("account_id")
    return hashlib.sha256("\n".join(map(str, table.to_pylist())).encode()).hexdigest()


def shuffled_folder(world: Path, folder: Path, *, rows_per_group: int) -> Path:
    """The first two nights of a world as a plain folder of snapshots, their rows in another order."""
    folder.mkdir()
    for date in (FIRST_NIGHT, SECOND_NIGHT):
        table = pq.read_table(world / "base" / f"{date}.parquet")
        order = np.random.default_rng(1).permutation(len(table))
        pq.write_table(table.take(pa.array(order)), folder / f"{date}.parquet", row_group_size=rows_per_group)
    return folder


@pytest.mark.parametrize(("rows_per_group", "partition_rows"), [(100_000, 250_000), (700, 1_000)])
def test_partitions_and_order_of_rows_do_not_matter(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_per_group: int, partition_rows: int
) -> None:
    folder = shuffled_folder(book.world, tmp_path / "snapshots", rows_per_group=rows_per_group)
    home = make_home(tmp_path / "home", f"{{kind: folder, path: {folder}}}", rows=partition_rows)
    use_home(monkeypatch, tmp_path / "data", home)
    run, published = run_plainly("small", FIRST_NIGHT)
    forget()
    first = book.nights[0]
    assert digest_of(run, published) == digest_of(*first)
    assert published.plan.plan_hash == first[1].plan.plan_hash
    assert published.ledger_head == first[1].ledger_head


def test_postgresql_ends_with_the_same_ledger_as_sqlite(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", stand_in(book.world)), postgres_url)
    heads = [run_plainly("small", FIRST_NIGHT + datetime.timedelta(days=number))[1].ledger_head for number in range(3)]
    counted = len(store_of("small").select_mine("notices"))
    forget()
    assert heads == [published.ledger_head for _, published in book.nights[:3]]
    assert counted == 2 * sum(published.plan.transition_count for _, published in book.nights[:3])
