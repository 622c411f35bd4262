"""CSV deliveries: UTF-8, a header, RFC 4180; read as text in a stream and typed column by column.

Nothing is inferred: `000123`, `NA` and `1E5` stay what they are. A cell that does not read as its column's type is
missing, and the row says so in `unparsable`; a row with too few or too many cells refuses the snapshot.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from schemas.errors import SnapshotRefused
from tasks.partitions import ACCOUNT_ID, BUSINESS_DATE, UNPARSABLE, source_names
from tasks.sources.physical_shape import refuse_wrong_columns
from tasks.sources.private_copy import Piece, refuse_other_dates
from tasks.sources.source import Request
from tasks.sources.text_cells import Mask, texts, typed_cells, unparsable_names
from tasks.sources.writing import PartitionWriter, copy_schema

BLOCK_BYTES: Final = 32 * 1024 * 1024
"""No row may be longer."""
HEADER_BYTES: Final = 1024 * 1024


def convert_csv(files: Sequence[Path], folder: Path, request: Request) -> tuple[tuple[Piece, ...], dict[str, int]]:
    """Read the private CSV files of a delivery into one typed Parquet file in `folder`.

    Returns:
        The partitions, and the number of rows of every file by its name.

    Raises:
        SnapshotRefused: a header, a line, the encoding or a business date is wrong.
    """
    headers = {path.name: _header(path) for path in files}
    refuse_wrong_columns(headers, request, may_be_a_line=True)
    rows: dict[str, int] = {}
    others = 0
    schema = copy_schema(request, with_unparsable=True)
    with PartitionWriter(folder, schema, request.rows_per_partition) as writer:
        for path in files:
            rows[path.name] = 0
            for batch in _batches(path, headers[path.name]):
                table = _typed(batch, schema, request)
                rows[path.name] += len(table)
                others += _of_other_dates(table, request)
                writer.write(table)
    refuse_other_dates(others, sum(rows.values()), request.business_date)
    return writer.pieces, rows


def _header(path: Path) -> list[str]:
    """The names in the first record."""
    try:
        with path.open("rb") as file:
            names = next(csv.reader([file.readline(HEADER_BYTES).decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        names = []
    if names:
        return names
    raise SnapshotRefused(f"{path.name} has no header: its first line names the columns in UTF-8, separated by commas")


def _batches(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a file as text, block by block; errors never hold a cell."""
    ragged: list[tuple[int, int, int]] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append((row.number or 0, row.expected_columns, row.actual_columns))
        return "error"

    try:
        with pyarrow.csv.open_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, null_values=[]
            ),
        ) as reader:
            problem = "" if reader.schema.names == list(names) else "its header reads in two ways"
            if not problem:
                yield from reader
    except pa.ArrowInvalid as error:
        problem = _words(path, ragged, str(error))
    if not problem:
        return
    raise SnapshotRefused(f"{path.name}: {problem}. Have the file written again.")


def _words(path: Path, ragged: Sequence[tuple[int, int, int]], error: str) -> str:
    """What is wrong with a file, from what the reader noted; its own message quotes cells and goes no further."""
    if ragged:
        row, expected, found = ragged[0]
        return f"{_line(path, row)} has {found} cells, the header has {expected}"
    if "straddling" in error:
        return f"a row is longer than {BLOCK_BYTES // 1024**2} MiB, or a quote is never closed"
    if "UTF8" in error or "UTF-8" in error:
        return "it holds bytes that are not UTF-8"
    return "it is not CSV with a header, commas and double quotes"


def _line(path: Path, row: int) -> str:
    """The line on which a row ends, counting from 1: cells may hold line breaks."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file)
        try:
            for _ in range(row):
                while not next(reader):  # lines that are empty hold no row
                    continue
        except (csv.Error, StopIteration):
            return f"row {row}, counting the header,"
        return f"line {reader.line_num}"


def _typed(batch: pa.RecordBatch, schema: pa.Schema, request: Request) -> pa.Table:
    arrays: dict[str, pa.Array] = {}
    marked: dict[str, Mask] = {}
    for ours, name in source_names(request.columns, request.names).items():
        cells = batch.column(name)
        if ours == ACCOUNT_ID:
            arrays[name], _ = texts(cells)
        else:
            arrays[name], marked[ours] = typed_cells(cells, request.columns[ours])
    arrays[UNPARSABLE] = unparsable_names(marked, len(batch))
    return pa.table(arrays, schema=schema)


def _of_other_dates(table: pa.Table, request: Request) -> int:
    dates = table[source_names(request.columns, request.names)[BUSINESS_DATE]]
    return len(table) - (pc.sum(pc.equal(dates, pa.scalar(request.business_date))).as_py() or 0)
