"""Snapshots delivered as Parquet in a folder."""

import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.sources import folder as folder_module
from tasks.sources.opening import open_source
from tests.sources.small_snapshots import NIGHT, Drops, digest, portfolio, read_all, row, rows, table


def test_a_delivery_is_copied_byte_for_byte_and_reads_as_it_was_written(drops: Drops) -> None:
    delivered = drops.parquet(table(rows(50)))
    snapshot = drops.take()
    assert snapshot.row_count == 50
    assert (snapshot.directory / "part-0.parquet").read_bytes() == delivered.read_bytes()
    assert read_all(snapshot) == rows(50)


def test_the_content_hash_is_over_the_hashes_of_the_files(drops: Drops) -> None:
    files = [drops.parquet(table(rows(3, first)), f"part-{first}.parquet") for first in (0, 3)]
    expected = hashlib.sha256("\n".join(sorted(digest(path) for path in files)).encode()).hexdigest()
    assert drops.take().files_hash == expected


def test_one_file_named_by_its_date_is_a_delivery(drops: Drops) -> None:
    pq.write_table(table(rows(4)), drops.folder / f"{NIGHT}.parquet")
    assert drops.take().row_count == 4


def test_one_file_may_have_a_manifest_beside_it(drops: Drops) -> None:
    pq.write_table(table(rows(4)), drops.folder / f"{NIGHT}.parquet")
    (drops.folder / f"{NIGHT}.manifest.json").write_text(f'{{"business_date": "{NIGHT}", "row_count": 5}}')
    assert "the files have 4 rows, the manifest says row_count 5" in drops.refusal()


def test_the_dates_are_those_for_which_something_is_there(drops: Drops) -> None:
    for name in (
        "2026-10-03",
        "2026-10-01.parquet",
        "2026-10-02.csv",
        "2026-10-02.manifest.json",
        "2026-13-01",
        "notes.txt",
    ):
        (drops.folder / name).mkdir() if "." not in name else (drops.folder / name).touch()
    dates = open_source(portfolio(), drops.data).dates()
    assert dates == [datetime.date(2026, 10, day) for day in (1, 2, 3)]


def test_an_absolute_path_is_taken_as_it_is(drops: Drops, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    pq.write_table(table(rows(4)), elsewhere / f"{NIGHT}.parquet")
    assert drops.take(source={"kind": "folder", "path": str(elsewhere)}).row_count == 4


def test_partitions_are_consecutive_row_groups_up_to_the_size_asked_for(drops: Drops) -> None:
    drops.parquet(table(rows(25)), "a.parquet", row_group_size=10)
    drops.parquet(table(rows(10, 25)), "b.parquet", row_group_size=4)
    snapshot = drops.take(rows_per_partition=20)
    parts = [(part.number, part.path.name, part.row_groups, part.row_count) for part in snapshot.partitions]
    assert parts == [(0, "a.parquet", (0, 1), 20), (1, "a.parquet", (2,), 5), (2, "b.parquet", (0, 1, 2), 10)]
    assert read_all(snapshot) == rows(35)


def test_row_groups_that_are_too_long_are_written_anew(drops: Drops) -> None:
    drops.parquet(table(rows(25)), "a.parquet")
    drops.parquet(table(rows(10, 25), closed_limit_cents=pa.int32()), "b.parquet")
    snapshot = drops.take(rows_per_partition=10)
    assert [part.row_count for part in snapshot.partitions] == [10, 10, 10, 5]
    assert read_all(snapshot) == rows(35)
    assert {path.name for path in snapshot.directory.iterdir()} == {"lines.parquet", "files.json", "snapshot.json"}


def test_the_content_hash_does_not_depend_on_the_size_of_partitions(drops: Drops) -> None:
    drops.parquet(table(rows(25)))
    whole = drops.take().files_hash
    drops.target = drops.target.with_name("again")
    assert drops.take(rows_per_partition=10).files_hash == whole


def test_very_many_small_files_become_few_partitions(drops: Drops) -> None:
    for number in range(40):
        drops.parquet(table([row(number)]), f"part-{number:02d}.parquet")
    snapshot = drops.take()
    assert [part.row_count for part in snapshot.partitions] == [40]
    assert read_all(snapshot) == rows(40)


def test_a_file_without_rows_beside_others_gives_no_partition(drops: Drops) -> None:
    drops.parquet(table(rows(3)), "a.parquet")
    drops.parquet(table(rows(1)).slice(0, 0), "b.parquet")
    assert [part.path.name for part in drops.take().partitions] == ["a.parquet"]


def test_a_date_without_a_delivery_is_refused(drops: Drops) -> None:
    assert "there is no snapshot of 2026-10-28" in drops.refusal()


def test_a_source_folder_that_is_not_there_is_named(drops: Drops) -> None:
    with pytest.raises(Exception, match=r"the folder .*nowhere, which is not there"):
        drops.take(source={"kind": "folder", "path": "nowhere"})


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)


def test_a_file_cut_at_any_byte_is_refused(drops: Drops) -> None:
    """At every byte of its end, where the footer is, and at many before."""
    path = drops.parquet(table(rows(20)))
    whole = path.read_bytes()
    for cut in (*range(0, len(whole) - 64, 61), *range(len(whole) - 64, len(whole))):
        path.write_bytes(whole[:cut])
        assert path.name in drops.refusal()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda drops, path: _cut(path), "part-0.parquet of the snapshot of 2026-10-28 has no readable Parquet footer"),
        (lambda drops, path: path.write_bytes(b""), "has no readable Parquet footer"),
        (
            lambda drops, path: path.rename(path.with_suffix(".parquet.tmp")),
            "is still being written: found part-0.parquet.tmp",
        ),
        (lambda drops, path: path.with_name("b.part").touch(), "is still being written: found b.part"),
        (lambda drops, path: path.with_name("b.inprogress").touch(), "is still being written: found b.inprogress"),
        (lambda drops, path: path.with_name("_temporary").mkdir(), "is still being written: found _temporary"),
        (lambda drops, path: path.with_name(".hidden").touch(), "is still being written: found .hidden"),
        (lambda drops, path: (drops.folder / f"{NIGHT}.tmp").mkdir(), "is still being written: found 2026-10-28.tmp"),
        (lambda drops, path: path.unlink(), "the folder of the snapshot of 2026-10-28 is empty"),
        (
            lambda drops, path: path.with_name("notes.txt").touch(),
            "holds notes.txt; it may hold .parquet or .csv files",
        ),
        (lambda drops, path: path.with_name("more.parquet").mkdir(), "holds more.parquet; it may hold"),
        (lambda drops, path: path.with_name("b.csv").touch(), "mixes .parquet and .csv"),
        (lambda drops, path: (drops.folder / f"{NIGHT}.csv").touch(), "is there as 2026-10-28 and as 2026-10-28.csv"),
    ],
)
def test_a_delivery_that_is_not_finished_or_not_plain_is_refused(
    drops: Drops, spoil: Callable[[Drops, Path], object], words: str
) -> None:
    path = drops.parquet(table(rows(100)))
    spoil(drops, path)
    assert words in drops.refusal()


def test_pages_that_cannot_be_decoded_refuse_the_snapshot(drops: Drops) -> None:
    content = table(rows(3000))
    path = drops.parquet(content.select(["business_date", *[n for n in content.column_names if n != "business_date"]]))
    _spoil(path)
    assert "pages that cannot be decoded" in drops.refusal(10_000)


def test_a_marker_of_success_is_no_part_of_the_snapshot(drops: Drops) -> None:
    drops.parquet(table(rows(2))).with_name("_SUCCESS").touch()
    assert drops.take().row_count == 2


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"business_date": "2026-10-27"}, "says business_date 2026-10-27"),
        ({"row_count": 3}, "the files have 2 rows, the manifest says row_count 3"),
        ({"files": [{"name": "part-0.parquet", "rows": 3}]}, "part-0.parquet has 2 rows, the manifest says 3"),
        ({"files": [{"name": "part-0.parquet", "sha256": "0" * 64}]}, "the SHA-256 is not the one in the manifest"),
        ({"files": []}, "it does not list part-0.parquet, which is there"),
        ({"files": [{"name": "part-0.parquet"}] * 2}, "it lists part-0.parquet twice"),
        ({"files": [{"name": "part-0.parquet"}, {"name": "x.parquet"}]}, "it lists x.parquet, which is not there"),
        ({"files": [{"name": "../drops/x.parquet"}]}, "it lists ../drops/x.parquet, which is not there"),
        ({"business_date": 5}, "business_date: "),
        ({"row_count": "2"}, "row_count: expected a whole number, found the text '2'"),
        ({"row_count": -1}, "row_count: must be at least 0"),
        ({"rowcount": 2}, "rowcount: unknown key 'rowcount'; did you mean 'row_count'?"),
        ({"files": [{"name": "part-0.parquet", "sha256": "abc"}]}, "files[entry 1].sha256: expected"),
    ],
    ids=str,
)
def test_a_delivery_that_is_not_what_its_manifest_says_is_refused(
    drops: Drops, manifest: dict[str, Any], words: str
) -> None:
    drops.parquet(table(rows(2)))
    drops.manifest(**manifest)
    assert words in drops.refusal()


def test_a_long_name_is_compared_whole(drops: Drops) -> None:
    path = drops.parquet(table(rows(2)), f"{'x' * 100}.parquet")
    drops.manifest(files=[{"name": path.name}])
    assert drops.take().row_count == 2


def test_a_strange_name_in_a_manifest_stays_on_one_line(drops: Drops) -> None:
    path = drops.parquet(table(rows(2)))
    drops.manifest(files=[{"name": path.name}, {"name": "a\nb"}])
    assert "it lists a b, which is not there" in drops.refusal()


def test_a_half_written_manifest_is_refused(drops: Drops) -> None:
    drops.parquet(table(rows(2)))
    path = drops.manifest()
    path.write_bytes(path.read_bytes()[:-3])
    assert "The delivery is still being written, or its manifest is wrong" in drops.refusal()


def test_a_manifest_without_a_business_date_is_refused(drops: Drops) -> None:
    drops.parquet(table(rows(2)))
    (drops.night / "manifest.json").write_text("{}")
    assert "business_date: is missing" in drops.refusal()


def test_a_delivery_that_is_what_its_manifest_says_is_taken(drops: Drops) -> None:
    path = drops.parquet(table(rows(2)))
    drops.manifest(row_count=2, files=[{"name": path.name, "rows": 2, "sha256": digest(path).upper()}])
    assert drops.take().row_count == 2


@pytest.mark.parametrize("change", ["grown", "touched", "replaced", "joined"])
def test_a_delivery_that_changes_while_it_is_copied_is_refused(
    drops: Drops, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = drops.parquet(table(rows(20)))
    copy = folder_module._copy

    def copy_and_change(source: Path, target: Path) -> str:
        done = copy(source, target)
        if change == "grown":
            source.write_bytes(source.read_bytes() + b"more")
        elif change == "touched":
            source.write_bytes(source.read_bytes())
        elif change == "replaced":
            pq.write_table(table(rows(20, 5)), source.with_suffix(".new"))
            source.with_suffix(".new").replace(source)
        else:
            source.with_name("late.parquet").write_bytes(source.read_bytes())
        return done

    monkeypatch.setattr(folder_module, "_copy", copy_and_change)
    assert f"the snapshot of {NIGHT} changed while it was copied" in drops.refusal()
    assert path.exists()
