"""Snapshots as files in a folder: Parquet or CSV, with or without a manifest."""

import datetime
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType
from tasks.sources.csv_files import convert_csv
from tasks.sources.deliveries import Delivery, delivered_dates, find_delivery
from tasks.sources.parquet_files import partition_files, row_counts
from tasks.sources.private_copy import Filled, refuse_empty, take_copy
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
        if delivery.format == ".csv":
            pieces, rows = convert_csv(files, copy, request)
            delivery.refuse_other_counts(rows)
        else:
            rows = row_counts(files, request.business_date)
            delivery.refuse_other_counts(rows)
            refuse_empty(sum(rows.values()), request.business_date)
            pieces = partition_files(files, copy, request)
        shutil.rmtree(delivered)
        return Filled(pieces, tuple(hashes.values()))


def _copy_unchanged(delivery: Delivery, folder: Path) -> dict[str, str]:
    """Copy the files of a delivery, and refuse it if one of them changes meanwhile.

    Returns:
        The SHA-256 of every file by its name.
    """
    before = [_state(path) for path in delivery.files]
    hashes = {path.name: _copy(path, folder / path.name) for path in delivery.files}
    sizes = [(folder / path.name).stat().st_size for path in delivery.files]
    if before != [_state(path) for path in delivery.files] or sizes != [state[0] for state in before]:
        _refuse_changed(delivery.business_date)
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
