"""Snapshots as files in a folder: Parquet or CSV, with or without a manifest."""

import datetime
import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType
from tasks.sources.csv_files import convert_csv
from tasks.sources.deliveries import Delivery, delivered_dates, find_delivery
from tasks.sources.parquet_files import partition_files, row_counts
from tasks.sources.private_copy import Filled, Piece, refuse_empty, take_copy
from tasks.sources.source import Request

CHUNK_BYTES: Final = 4 * 1024 * 1024


class FolderSnapshots:
    """The snapshots in one folder, each under its business date."""

    def __init__(self, portfolio: str, folder: Path, names: Mapping[str, str]) -> None:
        self._portfolio = portfolio
        self._folder = folder
        self._names = names

    def dates(self) -> list[datetime.date]:
        """The business dates for which something has been delivered; see `Source.dates`."""
        return delivered_dates(self._folder)

    def take(
        self,
        business_date: datetime.date,
        columns: Mapping[str, AttributeType],
        target: Path,
        rows_per_partition: int,
    ) -> Snapshot:
        """See `Source.take`."""
        request = Request(self._portfolio, business_date, columns, target, rows_per_partition, self._names)
        return take_copy(request, lambda copy: self._fill(copy, request))

    def _fill(self, copy: Path, request: Request) -> Filled:
        delivery = find_delivery(self._folder, request.business_date)
        delivered = copy / "delivered"
        delivered.mkdir()
        hashes = _copy_unchanged(delivery, delivered)
        if find_delivery(self._folder, request.business_date) != delivery:
            _refuse_changed(request.business_date)
        delivery.refuse_other_hashes(hashes)
        files = [delivered / path.name for path in delivery.files]
        pieces = cut(files, copy, request, delivery.refuse_other_counts)
        delivery.refuse_open_ends(delivered)
        shutil.rmtree(delivered)
        return Filled(pieces, tuple(hashes.values()))


def take_files(files: Sequence[Path], request: Request) -> Snapshot:
    """Make a private copy of files that a person named: all Parquet or all CSV, whatever they are called.

    Raises:
        SnapshotRefused: a file is absent, cannot be read, changes meanwhile, or is of another shape or date.
    """

    def fill(copy: Path) -> Filled:
        delivered = copy / "delivered"
        delivered.mkdir()
        copies = {file: delivered / _own_name(files, place) for place, file in enumerate(files)}
        hashes = _copy_all(copies, request.business_date)
        pieces = cut(list(copies.values()), copy, request)
        shutil.rmtree(delivered)
        return Filled(pieces, tuple(hashes))

    gone = [str(file) for file in files if not file.is_file()]
    if gone:
        raise SnapshotRefused(f"there is no file {', '.join(gone)}")
    return take_copy(request, fill)


def cut(
    files: Sequence[Path],
    copy: Path,
    request: Request,
    refuse_counts: Callable[[Mapping[str, int]], None] = lambda _: None,
) -> tuple[Piece, ...]:
    """Check private files, all of one format, and cut them into the partitions of the unfinished copy `copy`.

    Args:
        files: Parquet or CSV, by their suffix.
        copy: the folder that keeps the partitions.
        request: what was asked for.
        refuse_counts: is given the rows of every file by its name, before they are kept.
    """
    if files[0].suffix == ".csv":
        pieces, rows = convert_csv(files, copy, request)
        refuse_counts(rows)
        return pieces
    rows = row_counts(files, request.business_date)
    refuse_counts(rows)
    refuse_empty(sum(rows.values()), request.business_date)
    return partition_files(files, copy, request)


def _own_name(files: Sequence[Path], place: int) -> str:
    """The name of a file, with its place before it if an earlier file is called the same."""
    name = files[place].name
    return f"{place + 1}-{name}" if name in [file.name for file in files[:place]] else name


def _copy_unchanged(delivery: Delivery, folder: Path) -> dict[str, str]:
    """Copy the files of a delivery; returns the SHA-256 of every file by its name."""
    copies = {path: folder / path.name for path in delivery.files}
    hashes = _copy_all(copies, delivery.business_date)
    return {path.name: digest for path, digest in zip(copies, hashes, strict=True)}


def _copy_all(copies: Mapping[Path, Path], business_date: datetime.date) -> list[str]:
    """Copy files, and refuse them if one changes meanwhile; returns their SHA-256."""
    before = [_state(path) for path in copies]
    hashes = [_copy(path, target) for path, target in copies.items()]
    sizes = [target.stat().st_size for target in copies.values()]
    if before != [_state(path) for path in copies] or sizes != [state[0] for state in before]:
        _refuse_changed(business_date)
    return hashes


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as write:
        while chunk := read.read(CHUNK_BYTES):
            digest.update(chunk)
            write.write(chunk)
    return digest.hexdigest()


def _state(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written to or replaced."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ino


def _refuse_changed(business_date: datetime.date) -> None:
    raise SnapshotRefused(
        f"the snapshot of {business_date} changed while it was copied: it is still being written; run again when it is done"
    )
