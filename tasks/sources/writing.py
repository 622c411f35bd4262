"""Writing a private copy row group by row group: one row group is one partition."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.vocabulary import AttributeType
from tasks.partitions import ACCOUNT_ID, CANONICAL_TYPES, UNPARSABLE, source_names
from tasks.sources.private_copy import Piece
from tasks.sources.source import Request

FILE_NAME: Final = "lines.parquet"


def text_as_is(kind: AttributeType) -> pa.DataType:
    """The type in which a copy keeps a kind of column; Parquet encodes repeated text by itself."""
    return pa.string() if kind is AttributeType.CATEGORY else CANONICAL_TYPES[kind]


def copy_schema(request: Request, *, with_unparsable: bool = False) -> pa.Schema:
    """The columns of a copy, by their names in the source, in the order of the policy."""
    kinds: Mapping[str, AttributeType] = request.columns
    fields = [
        (name, pa.string() if ours == ACCOUNT_ID else text_as_is(kinds[ours]))
        for ours, name in source_names(kinds, request.names).items()
    ]
    return pa.schema([*fields, *([(UNPARSABLE, pa.string())] if with_unparsable else [])])


class PartitionWriter:
    """Writes tables of any length as row groups of exactly `rows_per_partition` rows, the last one shorter."""

    def __init__(self, folder: Path, schema: pa.Schema, rows_per_partition: int) -> None:
        self._schema = schema
        self._rows = rows_per_partition
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._pieces: list[Piece] = []
        self._writer = pq.ParquetWriter(folder / FILE_NAME, schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._waiting_rows:
            self._write_group(pa.concat_tables(self._waiting))
        self._writer.close()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What was written; complete once the writer is closed."""
        return tuple(self._pieces)

    def write(self, table: pa.Table) -> None:
        """Append a table of the writer's schema."""
        self._waiting.append(table)
        self._waiting_rows += len(table)
        if self._waiting_rows < self._rows:
            return
        rows = pa.concat_tables(self._waiting)
        whole = len(rows) - len(rows) % self._rows
        for start in range(0, whole, self._rows):
            self._write_group(rows.slice(start, self._rows))
        self._waiting = [rows.slice(whole)]
        self._waiting_rows = len(rows) - whole

    def _write_group(self, rows: pa.Table) -> None:
        self._pieces.append(Piece(FILE_NAME, (len(self._pieces),), len(rows)))
        self._writer.write_table(rows, row_group_size=len(rows))
