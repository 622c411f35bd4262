"""Snapshots of a sample world, written by its stand-in core system."""

import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.errors import SnapshotRefused
from schemas.vocabulary import CORE_COLUMNS, Audience
from tasks.channels import FileChannel
from tasks.partitions import CANONICAL_TYPES
from tasks.sources.opening import open_source
from tasks.sources.source import Source
from tasks.sources.stand_in import StandInSnapshots
from tests.sources.small_snapshots import COLUMNS, NIGHT, portfolio, read_all, row, rows, table

DAY_BEFORE = NIGHT - datetime.timedelta(days=1)
OTHERS = dict.fromkeys(CORE_COLUMNS.keys() - COLUMNS.keys())
TYPES = {name: CANONICAL_TYPES[CORE_COLUMNS[name]] for name in OTHERS}
WHOLE = {**COLUMNS, **CORE_COLUMNS}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    base = tmp_path / "worlds" / "demo" / "base"
    base.mkdir(parents=True)
    for date in (DAY_BEFORE, NIGHT):
        lines = [{**line, **OTHERS, "business_date": date} for line in rows(6)]
        pq.write_table(table(lines, **TYPES), base / f"{date}.parquet")
    return open_source(portfolio({"kind": "stand_in", "world": "worlds/demo"}), tmp_path)


def test_the_dates_are_those_of_the_world(source: Source) -> None:
    assert source.dates() == [DAY_BEFORE, NIGHT]


def test_a_snapshot_is_written_when_it_is_asked_for(source: Source, tmp_path: Path) -> None:
    assert read_all(source.take(NIGHT, WHOLE, tmp_path / "private", 1000)) == rows(6)


def test_a_date_that_the_world_lacks_is_refused(source: Source, tmp_path: Path) -> None:
    with pytest.raises(
        SnapshotRefused, match="has no business date 2026-10-29; its dates are 2026-10-27 to 2026-10-28"
    ):
        source.take(NIGHT + datetime.timedelta(days=1), WHOLE, tmp_path / "private", 1000)


def test_what_the_file_channel_delivered_the_day_before_has_happened(source: Source, tmp_path: Path) -> None:
    content = {"request": "reopen", "limit_cents": 5000, "valid_until": None, "cause": None, "closed_on": None}
    notice = {
        "notice_id": "1", "sequence": 1, "kind": "reopen", "account_id": row(1)["account_id"],
        "business_date": DAY_BEFORE, "content": content,
    }  # fmt: skip
    FileChannel(tmp_path / "deliveries" / "small").deliver(Audience.CORE_SYSTEM, DAY_BEFORE, [notice])
    lines = read_all(source.take(NIGHT, WHOLE, tmp_path / "private", 1000))
    found = {line["account_id"]: line["line_status"] for line in lines}
    assert found[row(1)["account_id"]] == "open"
    assert found[row(3)["account_id"]] == "closed"


def test_a_world_that_is_not_there_is_named(tmp_path: Path) -> None:
    snapshots = StandInSnapshots("small", tmp_path / "nowhere", tmp_path, {})
    with pytest.raises(SnapshotRefused, match=r"no sample world in .*nowhere"):
        snapshots.dates()
