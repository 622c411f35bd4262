"""The files of a world: what every snapshot would be if nobody ever asked the core system for anything.

A world is a directory with `base/<YYYY-MM-DD>.parquet` (one snapshot per business date), `truth.parquet` (what
becomes of each line; never part of a snapshot) and `world.json` (where it comes from).
"""

import datetime
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.vocabulary import CORE_COLUMNS, AttributeType
from tasks.sample_data import SampleDataError

ROW_GROUP_ROWS: Final = 250_000
COMPRESSION: Final = "zstd"
ARROW_TYPES: Final[dict[AttributeType, pa.DataType]] = {
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.DATE: pa.date32(),
    AttributeType.CATEGORY: pa.dictionary(pa.int32(), pa.string()),
}
TRUTH_SCHEMA: Final = pa.schema([("account_id", pa.string()), ("recovers", pa.bool_()), ("relapses_on", pa.date32())])
"""`recovers`: pays for good if its line is opened again; `relapses_on`: the day on which it falls behind, if known."""

_BASE_NAME: Final = re.compile(r"^\d{4}-\d{2}-\d{2}\.parquet$")


def snapshot_schema(attributes: Mapping[str, AttributeType]) -> pa.Schema:
    """The physical shape of a snapshot: id, business date, core columns, then `attributes` in their order."""
    typed = {**CORE_COLUMNS, **attributes}
    return pa.schema(
        [
            ("account_id", pa.string()),
            ("business_date", pa.date32()),
            *((name, ARROW_TYPES[kind]) for name, kind in typed.items()),
        ]
    )


def base_file(world: Path, business_date: datetime.date) -> Path:
    """Where a world keeps the snapshot of one business date."""
    return world / "base" / f"{business_date.isoformat()}.parquet"


def world_dates(world: Path) -> list[datetime.date]:
    """The business dates of a world, oldest first; empty if there is no world."""
    names = sorted(path.name for path in (world / "base").glob("*.parquet") if _BASE_NAME.match(path.name))
    return [datetime.date.fromisoformat(name.removesuffix(".parquet")) for name in names]


def day_number(day: datetime.date) -> int:
    """Days since 1970-01-01: dates as the generator counts them."""
    return day.toordinal() - datetime.date(1970, 1, 1).toordinal()


def date_array(days: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Dates from days since 1970-01-01, null where `unknown`."""
    return pa.array(days.astype(np.int32), mask=unknown).cast(pa.date32())


def text_array(codes: npt.NDArray[np.int64], words: tuple[str, ...]) -> pa.Array:
    """Dictionary text from positions in `words`, null where a position is negative."""
    positions = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(positions, pa.array(words, pa.string()))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a whole table in the row groups and compression of a world."""
    pq.write_table(table, path, row_group_size=ROW_GROUP_ROWS, compression=COMPRESSION)


@contextmanager
def new_world(world: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `world` only when it is complete.

    Raises:
        SampleDataError: something is already at `world`.
    """
    if world.exists() and (not world.is_dir() or any(world.iterdir())):
        msg = f"{world} is not empty. Give the world a folder of its own, or delete this one first."
        raise SampleDataError(msg)
    partial = world.with_name(f"{world.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    (partial / "base").mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial)
        raise
    partial.replace(world)


def write_facts(world: Path, facts: Mapping[str, Any]) -> None:
    """Write `world.json`: seed, lines, dates and the like; nothing about any one line."""
    (world / "world.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
