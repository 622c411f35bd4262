"""The private copy: whole or not at all, and unaltered ever after."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType
from tasks.sources import private_copy
from tasks.sources.opening import open_source
from tests.sources.small_snapshots import COLUMNS, NIGHT, Drops, portfolio, read_all, rows, table


def test_a_copy_that_is_there_is_returned_without_asking_the_source(drops: Drops) -> None:
    delivered = drops.parquet(table(rows(20)))
    first = drops.take()
    delivered.unlink()
    assert drops.take() == first


def test_the_handle_stands_in_the_copy(drops: Drops) -> None:
    drops.parquet(table(rows(20)))
    snapshot = drops.take()
    assert Snapshot.model_validate_json((drops.target / "snapshot.json").read_text()) == snapshot


def test_a_copy_may_move_with_its_data_directory(drops: Drops) -> None:
    drops.parquet(table(rows(20)))
    drops.take()
    moved = drops.target.with_name("moved")
    drops.target = drops.target.rename(moved)
    snapshot = drops.take()
    assert snapshot.directory == moved
    assert read_all(snapshot) == rows(20)


@pytest.mark.parametrize("change", ["longer", "same size", "gone"])
def test_a_copy_whose_files_were_altered_is_refused(drops: Drops, change: str) -> None:
    drops.parquet(table(rows(20)))
    path = drops.take().partitions[0].path
    content = path.read_bytes()
    path.unlink()
    if change == "longer":
        path.write_bytes(content + b"x")
    elif change == "same size":
        path.write_bytes(b"x" + content[1:])
    with pytest.raises(SnapshotRefused, match=r"was altered after it was made \(part-0.parquet\)"):
        drops.take()


@pytest.mark.parametrize("name", ["snapshot.json", "files.json"])
def test_a_copy_whose_record_cannot_be_read_is_refused(drops: Drops, name: str) -> None:
    drops.parquet(table(rows(20)))
    drops.take()
    (drops.target / name).write_text("{")
    with pytest.raises(SnapshotRefused, match="was altered after it was made"):
        drops.take()


def test_the_copy_of_another_portfolio_is_not_taken_for_this_one(drops: Drops) -> None:
    drops.parquet(table(rows(20)))
    drops.take()
    with pytest.raises(SnapshotRefused, match="holds the snapshot of small for 2026-10-28, not of other"):
        drops.take(portfolio="other")


def test_a_copy_that_lacks_a_column_of_the_policy_is_refused(drops: Drops) -> None:
    drops.parquet(table(rows(20)))
    drops.take()
    with pytest.raises(SnapshotRefused, match="column 'tenure_months' is missing"):
        open_source(portfolio(), drops.data).take(
            NIGHT, {**COLUMNS, "tenure_months": AttributeType.INTEGER}, drops.target, 1000
        )


def test_a_folder_with_other_things_is_not_overwritten(drops: Drops) -> None:
    drops.parquet(table(rows(20)))
    drops.target.mkdir(parents=True)
    (drops.target / "diary.txt").touch()
    with pytest.raises(SnapshotRefused, match="is in the way"):
        drops.take()


def test_a_full_disk_leaves_nothing_behind_and_says_so(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    drops.parquet(table(rows(20)))

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(private_copy, "_to_disk", full)
    assert "cannot be made: No space left on device; nothing was left there" in drops.refusal()


def test_what_a_killed_pull_left_is_removed_and_what_a_living_one_writes_is_not(drops: Drops) -> None:
    drops.parquet(table(rows(20)))
    dead = drops.target.parent / f".{NIGHT}.dead.partial"
    living = drops.target.parent / f".{NIGHT}.living.partial"
    for folder in (dead, living):
        folder.mkdir(parents=True)
    lock = os.open(living, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    drops.take()
    os.close(lock)
    assert not dead.exists()
    assert living.exists()


def test_of_two_pulls_at_once_the_second_takes_what_the_first_made(
    drops: Drops, monkeypatch: pytest.MonkeyPatch
) -> None:
    drops.parquet(table(rows(20)))
    seal = private_copy._seal
    made = []

    def meanwhile(folder: Path, snapshot: Snapshot) -> None:
        monkeypatch.setattr(private_copy, "_seal", seal)
        made.append(drops.take())
        seal(folder, snapshot)

    monkeypatch.setattr(private_copy, "_seal", meanwhile)
    assert drops.take() == made[0]
    assert [path.name for path in drops.target.parent.iterdir()] == [str(NIGHT)]


KILLED = """
import os, sys
from pathlib import Path
from tests.sources.small_snapshots import Drops, NIGHT
from tasks.sources import private_copy

def kill(*_):
    os.kill(os.getpid(), 9)

setattr(private_copy.os if sys.argv[2] == "replace" else private_copy, sys.argv[2], kill)
drops = Drops.__new__(Drops)
drops.data = Path(sys.argv[1])
drops.target = drops.data / "private" / NIGHT.isoformat()
drops.take()
"""


@pytest.mark.parametrize("point", ["_seal", "_to_disk", "replace"])
def test_a_killed_pull_leaves_nothing_under_the_final_name(drops: Drops, point: str) -> None:
    drops.parquet(table(rows(20), closed_limit_cents=pa.int32()))
    done = subprocess.run([sys.executable, "-c", KILLED, str(drops.data), point], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    assert not drops.target.exists()
    assert read_all(drops.take()) == rows(20)
    assert [path.name for path in drops.target.parent.iterdir()] == [str(NIGHT)]
