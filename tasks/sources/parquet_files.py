"""Parquet deliveries: kept byte for byte where their row groups fit the partitions, else written anew in a stream."""

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import SnapshotRefused
from tasks.partitions import BUSINESS_DATE, as_text, source_names
from tasks.sources.physical_shape import refuse_wrong_shape
from tasks.sources.private_copy import Piece, refuse_other_dates
from tasks.sources.source import Request
from tasks.sources.writing import PartitionWriter, copy_schema

BATCH_ROWS: Final = 65_536
SMALL_FILES_MAX: Final = 32
"""Up to so many partitions beyond those needed, small files are kept as they are."""


def row_counts(files: Sequence[Path], business_date: datetime.date) -> dict[str, int]:
    """The rows of every file, by its footer.

    Raises:
        SnapshotRefused: a file has no readable footer: it is cut off, or still being written.
    """
    unreadable, rows = [], {}
    for path in files:
        try:
            rows[path.name] = pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError):
            unreadable.append(path.name)
    if unreadable:
        raise SnapshotRefused(
            f"{', '.join(unreadable)} of the snapshot of {business_date} has no readable Parquet footer: it was cut off "
            "or is still being written; run again when it is finished"
        )
    return rows


def partition_files(files: Sequence[Path], folder: Path, request: Request) -> tuple[Piece, ...]:
    """Check the private files of a delivery and cut them into partitions.

    Args:
        files: private Parquet files with readable footers. They are moved to `folder` as they are, or read into one new
            file there if a row group is longer than a partition, or very many files are much shorter.
        folder: the unfinished private copy.
        request: what was asked for.

    Raises:
        SnapshotRefused: the shape, a date or a time of day is wrong, or a file cannot be decoded.
    """
    refuse_wrong_shape({path.name: pq.read_schema(path) for path in files}, request)
    problem = None
    try:
        _refuse_wrong_days(files, request)
        pieces = [piece for path in files for piece in _pieces_of(path, request.rows_per_partition)]
        if _fits(pieces, request.rows_per_partition):
            for path in files:
                path.replace(folder / path.name)
            return tuple(pieces)
        return _rewritten(files, folder, request)
    except pa.ArrowException:
        problem = "holds pages that cannot be decoded"
    except OSError as error:
        if error.errno is not None:
            raise
        problem = "holds pages that cannot be decoded"
    raise SnapshotRefused(f"the snapshot of {request.business_date} {problem}: it was altered; have it delivered again")


def _pieces_of(path: Path, rows_max: int) -> Iterator[Piece]:
    """Consecutive row groups of one file, up to `rows_max` rows together."""
    metadata = pq.read_metadata(path)
    groups: list[int] = []
    rows = 0
    for number in range(metadata.num_row_groups):
        more = metadata.row_group(number).num_rows
        if groups and rows + more > rows_max:
            yield Piece(path.name, tuple(groups), rows)
            groups, rows = [], 0
        if more:
            groups.append(number)
            rows += more
    if groups:
        yield Piece(path.name, tuple(groups), rows)


def _fits(pieces: Sequence[Piece], rows_max: int) -> bool:
    needed = -(-sum(piece.row_count for piece in pieces) // rows_max)
    return len(pieces) <= 2 * needed + SMALL_FILES_MAX and all(piece.row_count <= rows_max for piece in pieces)


def _refuse_wrong_days(files: Sequence[Path], request: Request) -> None:
    """Count rows of other business dates, and timestamps that are no dates."""
    date_column = source_names(request.columns, request.names)[BUSINESS_DATE]
    others, row_count, timed = 0, 0, set()
    for path in files:
        with pq.ParquetFile(path) as file:
            times = [field.name for field in file.schema_arrow if pa.types.is_timestamp(field.type)]
            wanted = list(dict.fromkeys((date_column, *times)))
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=wanted)
                timed |= {name for name in times if _has_times(table[name])}
                same = pc.equal(table[date_column].cast(pa.date32(), safe=False), pa.scalar(request.business_date))
                others += len(table) - (pc.sum(same).as_py() or 0)
                row_count += len(table)
    if timed:
        raise SnapshotRefused(
            f"the snapshot of {request.business_date} has times of day in {', '.join(sorted(timed))}: a date is a "
            "timestamp at midnight; cast it in the source"
        )
    refuse_other_dates(others, row_count, request.business_date)


def _has_times(column: pa.ChunkedArray) -> bool:
    days = column.cast(pa.date32(), safe=False).cast(column.type, safe=False)
    return bool(pc.any(pc.not_equal(days, column)).as_py())


def _rewritten(files: Sequence[Path], folder: Path, request: Request) -> tuple[Piece, ...]:
    """Write all rows into one file in `folder` with a row group per partition."""
    schema = copy_schema(request)
    with PartitionWriter(folder, schema, request.rows_per_partition) as writer:
        for path in files:
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=1024 * 1024) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=schema.names):
                    table = pa.Table.from_batches([batch])
                    writer.write(pa.table([_kept(table[field.name], field.type) for field in schema], schema=schema))
    return writer.pieces


def _kept(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return as_text(column) if kind == pa.string() else column.cast(kind, safe=False)
