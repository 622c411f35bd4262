"""The private copy: whole or not at all, and unaltered ever after."""

import errno
import fcntl
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType
from tasks.sources import folder as folder_module
from tasks.sources import private_copy
from tasks.sources.opening import open_source
from tests.crashes.children import in_child
from tests.nights.full_disks import limit_files
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

    monkeypatch.setattr(private_copy, "to_disk", full)
    assert "cannot be made: No space left on device; nothing was left there" in drops.refusal()


def test_a_copy_that_may_not_grow_while_arrow_writes_it_leaves_nothing_and_says_so(drops: Drops) -> None:
    """Cut into many small partitions it is larger than what was delivered."""
    delivered = drops.parquet(table(rows(2_000)))

    def take_in_little_room(_: object) -> str:
        limit_files(delivered.stat().st_size)
        return drops.refusal(rows_per_partition=10)

    assert "cannot be made: File too large; nothing was left there" in in_child(take_in_little_room).answer
    assert drops.take(rows_per_partition=10).row_count == 2_000


def test_a_copy_takes_its_final_name_in_one_step(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    drops.parquet(table(rows(20)))
    replace = os.replace
    finished = []

    def noted(source: Path, target: Path) -> None:
        if Path(target) == drops.target:
            finished.append((drops.target.exists(), sorted(path.name for path in Path(source).iterdir())))
        replace(source, target)

    monkeypatch.setattr(os, "replace", noted)
    drops.take()
    assert finished == [(False, ["files.json", "part-0.parquet", "snapshot.json"])]


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


def _fork_and_take(drops: Drops, monkeypatch: pytest.MonkeyPatch, kill_at: int) -> bool:
    """Take the snapshot in a child process that dies before its `kill_at`-th write to disk; whether it lived."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    calls = 0

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(os, "replace", counted(os.replace))
    monkeypatch.setattr(private_copy, "_seal", counted(private_copy._seal))
    monkeypatch.setattr(folder_module, "_copy", counted(folder_module._copy))
    drops.take()
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_pull_killed_at_any_write_leaves_a_whole_copy_or_none(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    drops.parquet(table(rows(20)))
    points = 0
    while not _fork_and_take(drops, monkeypatch, points + 1):
        points += 1
        if drops.target.exists():
            assert read_all(drops.take()) == rows(20)
            shutil.rmtree(drops.target)
    assert points > 6
    assert read_all(drops.take()) == rows(20)
    assert [path.name for path in drops.target.parent.iterdir()] == [str(NIGHT)]
