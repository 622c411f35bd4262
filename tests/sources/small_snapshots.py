"""A small snapshot of five columns, the portfolio that it belongs to, and ways to deliver it."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from schemas.portfolio import Portfolio
from schemas.vocabulary import AttributeType
from tasks.partitions import CANONICAL_TYPES, read_partition
from tasks.sources.opening import open_source

NIGHT: Final = datetime.date(2026, 10, 28)
COLUMNS: Final = {
    "business_date": AttributeType.DATE,
    "line_status": AttributeType.CATEGORY,
    "closed_limit_cents": AttributeType.INTEGER,
    "utilisation_ratio": AttributeType.NUMBER,
    "deceased": AttributeType.BOOLEAN,
    "closed_on": AttributeType.DATE,
}
HEADER: Final = ("account_id", *COLUMNS)

Row = dict[str, Any]


def row(number: int, **changes: Any) -> Row:
    """One line; most of its values follow from its number."""
    return {
        "account_id": f"A{number:06d}",
        "business_date": NIGHT,
        "line_status": "closed" if number % 2 else "open",
        "closed_limit_cents": 100_000 + number,
        "utilisation_ratio": number / 4,
        "deceased": False,
        "closed_on": NIGHT - datetime.timedelta(days=number % 100) if number % 2 else None,
        **changes,
    }


def rows(count: int, first: int = 0) -> list[Row]:
    """`count` lines with numbers from `first`."""
    return [row(number) for number in range(first, first + count)]


def table(lines: Sequence[Row], **types: pa.DataType) -> pa.Table:
    """Lines as Arrow columns of canonical types, or of `types`; only columns that the first line has."""
    canonical = {"account_id": pa.string(), **{name: CANONICAL_TYPES[kind] for name, kind in COLUMNS.items()}}
    wanted = {**canonical, **types}
    return pa.table({name: _array([line[name] for line in lines], wanted[name]) for name in lines[0]})


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(kind) and any(type(value) is datetime.date for value in values):
        return pa.array(values, pa.date32()).cast(kind)
    return pa.array(values, kind)


def csv_text(lines: Sequence[Row], header: Sequence[str] = HEADER) -> str:
    """Lines as CSV; text that is given as it should stand in a cell stays as it is."""
    cells = [[_cell(line[name]) for name in header] for line in lines]
    return "".join(",".join(record) + "\r\n" for record in [list(header), *cells])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def portfolio(source: Mapping[str, Any] | None = None, **changes: Any) -> Portfolio:
    """A portfolio that reads the folder `drops`, or `source`."""
    values = {
        "portfolio": "small", "title": "A small book", "currency": "EUR", "time_zone": "Europe/Berlin",
        "policy": "small", "calendar": "daily", "first_business_date": datetime.date(2026, 10, 1),
        "source": source or {"kind": "folder", "path": "drops"},
        "kept_closed_notices_from": datetime.date(2026, 10, 1),
    }  # fmt: skip
    return Portfolio.model_validate({**values, **changes})


class Drops:
    """A data directory with a folder of deliveries, and what takes them."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = data / "drops"
        self.target = data / "private" / NIGHT.isoformat()
        self.folder.mkdir()

    @property
    def night(self) -> Path:
        """The folder of the night's delivery."""
        folder = self.folder / NIGHT.isoformat()
        folder.mkdir(exist_ok=True)
        return folder

    def parquet(self, content: pa.Table, name: str = "part-0.parquet", **options: Any) -> Path:
        """Deliver one Parquet file."""
        pq.write_table(content, self.night / name, **options)
        return self.night / name

    def csv(self, content: str | bytes, rows_said: int | None = 1, name: str = "lines.csv") -> Path:
        """Deliver one CSV file with a manifest that says how many rows there are."""
        path = self.night / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if rows_said is not None:
            self.manifest(row_count=rows_said)
        return path

    def manifest(self, **changes: Any) -> Path:
        """Deliver a manifest; files may be named by their paths."""
        path = self.night / "manifest.json"
        path.write_text(json.dumps({"business_date": NIGHT.isoformat(), **changes}))
        return path

    def take(self, rows_per_partition: int = 1000, **changes: Any) -> Snapshot:
        """Take the night's snapshot."""
        source = open_source(portfolio(**changes), self.data)
        return source.take(NIGHT, COLUMNS, self.target, rows_per_partition)

    def refusal(self, rows_per_partition: int = 1000, **changes: Any) -> str:
        """Take the night's snapshot, which must be refused with nothing left behind, and return the words."""
        with pytest.raises(SnapshotRefused) as refused:
            self.take(rows_per_partition, **changes)
        assert refused.value.__context__ is None or isinstance(refused.value.__context__, SnapshotRefused)
        left = list(self.target.parent.iterdir()) if self.target.parent.exists() else []
        assert left == []
        return str(refused.value)


def read_all(snapshot: Snapshot, names: Mapping[str, str] | None = None) -> list[Row]:
    """Every row of a snapshot, in its order."""
    tables = [read_partition(partition, COLUMNS, names or {}) for partition in snapshot.partitions]
    return [line for each in tables for line in each.to_pylist()]


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
