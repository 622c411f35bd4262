"""The generator of synthetic worlds: books of credit lines with closed lines, gaps, bad rows and a planted truth.

The same arguments give the same files, byte for byte. Lines are made in batches, one row group of every file each, so
that memory does not grow with the book.
"""

import datetime
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.vocabulary import CORE_COLUMNS, AttributeType
from tasks.sample_data import SampleDataError
from tasks.sample_data.book import ATTRIBUTES, CLOSED, UNKNOWN, WORDS, Book, Integers
from tasks.sample_data.evolution import next_night
from tasks.sample_data.population import first_night
from tasks.sample_data.trajectories import RECOVERS
from tasks.sample_data.worlds import (
    COMPRESSION,
    ROW_GROUP_ROWS,
    TRUTH_SCHEMA,
    base_file,
    date_array,
    day_number,
    new_world,
    snapshot_schema,
    text_array,
    write_facts,
)

GENERATOR_VERSION: Final = 2
BATCH_LINES: Final = 240_000
BATCHES_MIN: Final = 4
BAD_SHARE: Final = 0.00025
"""How common each kind of bad row is; a repeated id is two of them. About 0.2 % of the rows of a night are bad."""

_SCHEMA: Final = snapshot_schema(ATTRIBUTES)
_TYPES: Final = {**CORE_COLUMNS, **ATTRIBUTES}
_NO_WORD: Final = "seasonal"
_OUT_OF_RANGE: Final = (
    ("bureau_score", 999),
    ("days_past_due", -1),
    ("utilisation_bp", -250),
    ("hard_enquiries_6m_count", 100_000),
    ("closed_limit_cents", -100),
    ("employment", len(WORDS["employment"])),
)


def synthesize(world: Path, *, seed: int, lines: int, nights: int, first_business_date: datetime.date) -> None:
    """Make a world of `lines` lines and one snapshot for each of `nights` days in a row.

    Args:
        world: the folder to make; it must not hold anything yet.
        seed: another seed gives other lines; not negative.
        lines: how many lines the book has, open and closed.
        nights: how many business dates.
        first_business_date: the first of them.

    Raises:
        SampleDataError: an argument is out of range or the folder is not empty.
    """
    if seed < 0 or lines < 1 or nights < 1:
        msg = f"A world needs a seed from 0 and at least 1 line and 1 night; found {seed=}, {lines=}, {nights=}."
        raise SampleDataError(msg)
    dates = [first_business_date + datetime.timedelta(days=night) for night in range(nights)]
    facts = {"world": "synthetic", "generator_version": GENERATOR_VERSION, "seed": seed, "lines": lines}
    with new_world(world) as folder:
        _write_batches(folder, seed, lines, dates)
        write_facts(folder, {**facts, "dates": [date.isoformat() for date in dates]})


def _write_batches(folder: Path, seed: int, lines: int, dates: list[datetime.date]) -> None:
    """Write the truth and all snapshots of a world, one batch of lines at a time through all nights."""
    size = min(BATCH_LINES, -(-lines // BATCHES_MIN))
    with ExitStack() as files:

        def open_file(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
            return files.enter_context(pq.ParquetWriter(path, schema, compression=COMPRESSION))

        truth = open_file(folder / "truth.parquet", TRUTH_SCHEMA)
        snapshots = [open_file(base_file(folder, date), _SCHEMA) for date in dates]
        for batch, start in enumerate(range(0, lines, size)):
            rng = np.random.default_rng([seed, batch])
            indices = np.arange(start, min(start + size, lines))
            book = first_night(rng, len(indices), day_number(dates[0]))
            truth.write_table(_truth(book, _account_ids(indices, seed)))
            for night, snapshot in enumerate(snapshots):
                if night:
                    next_night(rng, book)
                snapshot.write_table(_snapshot(rng, book, indices, seed), row_group_size=ROW_GROUP_ROWS)


def _account_ids(indices: Integers, seed: int) -> pa.Array:
    """Ten digits per line, in no order, different for every index; null for negative ones."""
    numbers = (indices * 7_368_787 + seed * 1_000_003 % 10**10) % 10**10
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width=10, padding="0")
    return pc.if_else(pa.array(indices >= 0), digits, pa.scalar(None, pa.string()))


def _truth(book: Book, account_ids: pa.Array) -> pa.Table:
    """The planted truth of a batch, as drawn on the first night."""
    relapses_on = date_array(book.relapses_on, book.relapses_on == UNKNOWN)
    return pa.Table.from_arrays([account_ids, pa.array(book.kind == RECOVERS), relapses_on], schema=TRUTH_SCHEMA)


def _snapshot(rng: np.random.Generator, book: Book, indices: Integers, seed: int) -> pa.Table:
    """One batch of one night's snapshot, with its bad rows: some in place, repeated ids at the end."""
    columns, indices = _spoil(rng, dict(book.columns), indices, book.today)
    repeated, of_indices = _repeat(rng, columns, indices)
    parts = [
        _table(values, _account_ids(ids, seed), book.today)
        for values, ids in ((columns, indices), (repeated, of_indices))
    ]
    return pa.concat_tables(parts)


def _spoil(
    rng: np.random.Generator, columns: dict[str, Integers], indices: Integers, today: int
) -> tuple[dict[str, Integers], Integers]:
    """Spoil a few rows: values out of range, closings without a cause or in the future, lines without an id."""

    def some(rows: Integers) -> Integers:
        return rng.choice(rows, rng.binomial(len(rows), min(BAD_SHARE * len(indices) / max(len(rows), 1), 0.5)))

    def changed(values: Integers, rows: Integers, value: int) -> Integers:
        copy = values.copy()
        copy[rows] = value
        return copy

    everywhere = np.arange(len(indices))
    closed = np.flatnonzero(columns["line_status"] == CLOSED)
    for rows, (name, value) in zip(np.array_split(some(everywhere), len(_OUT_OF_RANGE)), _OUT_OF_RANGE, strict=True):
        columns[name] = changed(columns[name], rows, value)
    columns["closure_cause"] = changed(columns["closure_cause"], some(closed), UNKNOWN)
    columns["closed_on"] = changed(columns["closed_on"], some(closed), today + 30)
    return columns, changed(indices, some(everywhere), -1)


def _repeat(
    rng: np.random.Generator, columns: dict[str, Integers], indices: Integers
) -> tuple[dict[str, Integers], Integers]:
    """Copies of a few rows, half of them with another content, half under ids of the batches before."""
    copies = rng.choice(len(indices), rng.binomial(len(indices), BAD_SHARE))
    repeated = {name: values[copies] for name, values in columns.items()}
    repeated["days_past_due"] = repeated["days_past_due"] + rng.integers(0, 2, len(copies))
    ids = indices[copies]
    if indices[-1] >= len(indices):
        earlier = rng.integers(0, indices[-1] - len(indices) + 1, len(copies))
        ids = np.where(rng.random(len(copies)) < 0.5, ids, earlier)  # noqa: PLR2004
    return repeated, ids


def _table(columns: dict[str, Integers], account_ids: pa.Array, today: int) -> pa.Table:
    """Columns of a book as a snapshot's table."""
    business_date = date_array(np.full(len(account_ids), today))
    arrays = [_array(name, kind, columns[name]) for name, kind in _TYPES.items()]
    return pa.Table.from_arrays([account_ids, business_date, *arrays], schema=_SCHEMA)


def _array(name: str, kind: AttributeType, values: Integers) -> pa.Array:
    """One column as its Arrow type, null where `UNKNOWN`."""
    if kind is AttributeType.CATEGORY:
        words = WORDS[name]
        return text_array(values, (*words, _NO_WORD) if (values == len(words)).any() else words)
    unknown = values == UNKNOWN
    if kind is AttributeType.DATE:
        return date_array(values, unknown)
    return pa.array(values == 1 if kind is AttributeType.BOOLEAN else values, mask=unknown)
