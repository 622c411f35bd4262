"""The content of a snapshot as one hash: blind to how the snapshot came, and to nothing that it says."""

import datetime
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType
from tasks import fingerprints
from tasks.fingerprints import content_hash, fingerprint, text_hashes
from tasks.partitions import CANONICAL_TYPES, read_partition
from tasks.settings import CHECKOUT
from tests.sources.small_databases import Database
from tests.sources.small_snapshots import COLUMNS, NIGHT, Drops, Row, csv_text, row, rows, table

SEEDS = range(8)
PAIRS = {
    **COLUMNS,
    "reopened_on": AttributeType.DATE,
    "insolvent": AttributeType.BOOLEAN,
    "employment": AttributeType.CATEGORY,
    "balance_cents": AttributeType.INTEGER,
    "income_ratio": AttributeType.NUMBER,
}
"""Two columns or more of every kind."""
TEXTS = ["open", "closed", "", "öffen", "a" * 8, "a" * 9, "b" * 17, "x" * 300, None]
GOLDEN = "ffd33bd860cfc11eb5530a912a5989fe6d590caa0cd366aca3c64d8680240056"


def hashed(*parts: pa.Table, columns: dict[str, AttributeType] = COLUMNS) -> str:
    return content_hash((fingerprint(part) for part in parts), columns)


def of_lines(lines: Sequence[Row]) -> str:
    """The hash of lines with all columns of `PAIRS`."""
    return hashed(typed(lines), columns=PAIRS)


def typed(lines: Sequence[Row]) -> pa.Table:
    kinds = {"account_id": pa.string(), **{name: CANONICAL_TYPES[kind] for name, kind in PAIRS.items()}}
    return pa.table({name: pa.array([line[name] for line in lines], kind) for name, kind in kinds.items()})


def of_snapshot(snapshot: Snapshot) -> str:
    return hashed(*(read_partition(partition, COLUMNS) for partition in snapshot.partitions))


def value(kind: AttributeType, random: np.random.Generator) -> Any:
    """A value of a kind, missing in one case of eight, and often one at an edge."""
    if random.random() < 1 / 8:
        return None
    match kind:
        case AttributeType.INTEGER:
            edge = int(random.choice([0, 1, -1, 2**63 - 1, -(2**63), 2**32, 2**62]))
            return edge if random.random() < 1 / 2 else int(random.integers(-(10**13), 10**13))
        case AttributeType.NUMBER:
            return float(random.choice([0.0, 0.5, 1.0, 5e-324, 1e308])) if random.random() < 1 / 2 else random.normal()
        case AttributeType.BOOLEAN:
            return bool(random.random() < 1 / 2)
        case AttributeType.DATE:
            return NIGHT + datetime.timedelta(days=int(random.integers(-5000, 5000)))
        case AttributeType.CATEGORY:
            return TEXTS[random.integers(len(TEXTS) - 1)]


def random_lines(count: int, seed: int) -> list[Row]:
    """Lines of `PAIRS` with ids of 1 to 300 bytes."""
    random = np.random.default_rng(seed)
    ids = [f"{number}-{'é' * int(random.choice([0, 3, 8, 147]))}" for number in range(count)]
    return [{"account_id": each, **{name: value(kind, random) for name, kind in PAIRS.items()}} for each in ids]


@pytest.fixture
def drops(tmp_path: Path) -> Drops:
    """An empty folder of deliveries."""
    return Drops(tmp_path)


@pytest.fixture(params=[None, 7], ids=["one block", "blocks of 7"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as one block, and as many that end within the bytes of a bitmap."""
    if request.param:
        monkeypatch.setattr(fingerprints, "BLOCK_ROWS", request.param)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_and_columns_does_not_matter(seed: int) -> None:
    content = typed(random_lines(100, seed))
    random = np.random.default_rng(seed)
    mixed = content.take(pa.array(random.permutation(100))).select(random.permutation(content.column_names).tolist())
    assert hashed(mixed, columns=dict(reversed(PAIRS.items()))) == hashed(content, columns=PAIRS)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("seed", SEEDS)
def test_partitions_and_chunks_do_not_matter(seed: int) -> None:
    content = typed(random_lines(100, seed))
    cuts = [0, *sorted(np.random.default_rng(seed).integers(0, 100, 5).tolist()), 100]
    parts = [content.slice(start, stop - start) for start, stop in itertools.pairwise(cuts)]
    assert hashed(*parts, columns=PAIRS) == hashed(content, columns=PAIRS)
    assert hashed(pa.concat_tables(parts[::-1]), columns=PAIRS) == hashed(content, columns=PAIRS)
    assert tuple(sum(sums) % 2**64 for sums in zip(*map(fingerprint, parts), strict=True)) == fingerprint(content)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    content = typed(random_lines(100, 1))
    whole = fingerprint(content)
    for block_rows in (1, 7, 8, 64, 99):
        monkeypatch.setattr(fingerprints, "BLOCK_ROWS", block_rows)
        assert fingerprint(content) == whole


@pytest.mark.parametrize("seed", SEEDS)
def test_how_categories_are_encoded_does_not_matter(seed: int) -> None:
    lines = random_lines(60, seed)
    parts = [typed(lines[:20]), typed(lines[20:21]), typed(lines[21:])]  # each with its own dictionary
    spare = pa.array([*TEXTS[::-1], "never used"], pa.string())
    codes = pa.array([spare.to_pylist().index(line["employment"]) for line in lines], pa.int32())
    other = pa.DictionaryArray.from_arrays(codes, spare)  # missing is a word of the dictionary here
    content = typed(lines)
    place = content.column_names.index("employment")
    assert hashed(pa.concat_tables(parts), columns=PAIRS) == of_lines(lines)
    assert hashed(content.set_column(place, "employment", other), columns=PAIRS) == of_lines(lines)


def test_what_stands_under_a_missing_value_does_not_matter() -> None:
    content = table([row(1, closed_limit_cents=None, closed_on=None, utilisation_ratio=None, deceased=None)])
    for name in ("closed_limit_cents", "closed_on", "utilisation_ratio", "deceased"):
        garbage = pa.py_buffer(b"\xa5" * 8)
        column = pa.Array.from_buffers(content[name].type, 1, [pa.py_buffer(b"\x00"), garbage])
        assert hashed(content.set_column(content.column_names.index(name), name, column)) == hashed(content)


@pytest.mark.parametrize("seed", SEEDS)
def test_parquet_and_csv_with_the_same_content_have_the_same_hash(seed: int, tmp_path: Path) -> None:
    lines = [
        {**{name: line[name] for name in COLUMNS}, "account_id": f"A{number}", "business_date": NIGHT}
        for number, line in enumerate(random_lines(50, seed))
    ]
    lines = [{**line, "line_status": line["line_status"] or None} for line in lines]  # no text is missing in CSV
    found = set()
    for name, kind in (("parquet", pa.string()), ("csv", None), ("dictionary", pa.dictionary(pa.int8(), pa.string()))):
        (tmp_path / name).mkdir()
        drops = Drops(tmp_path / name)
        if kind:
            drops.parquet(table(lines, line_status=kind), row_group_size=9)
        else:
            drops.csv(csv_text(lines[::-1]), 50)
        found.add(of_snapshot(drops.take(rows_per_partition=20 if kind else 7)))
    assert found == {hashed(table(lines))}


def test_a_database_with_the_same_content_has_the_same_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_URL", f"sqlite:///{tmp_path / 'book.sqlite'}")
    database = Database(
        f"sqlite:///{tmp_path / 'book.sqlite'}", tmp_path, "",
        ("text", "text", "text", "integer", "real", "integer", "text"),
    )  # fmt: skip
    lines = [*rows(30), row(30, closed_limit_cents=None, utilisation_ratio=None, deceased=None, line_status=None)]
    database.fill(lines[::-1])
    assert of_snapshot(database.take(rows_per_partition=7)) == hashed(table(lines))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("account_id", pa.large_string()),
        ("account_id", pa.dictionary(pa.int32(), pa.string())),
        ("business_date", pa.timestamp("ns")),
        ("line_status", pa.large_string()),
        ("closed_limit_cents", pa.int32()),
        ("closed_limit_cents", pa.uint32()),
        ("utilisation_ratio", pa.float32()),
        ("closed_on", pa.date64()),
    ],
    ids=str,
)
def test_the_width_and_encoding_in_a_file_do_not_matter(drops: Drops, column: str, kind: pa.DataType) -> None:
    lines = rows(40)
    drops.parquet(table(lines, **{column: kind}))
    assert of_snapshot(drops.take()) == hashed(table(lines))


def test_a_number_that_is_not_finite_is_as_unknown_as_a_missing_one() -> None:
    unknown = (None, math.nan, -math.nan, math.inf, -math.inf)
    assert len({hashed(table([row(1, utilisation_ratio=value), row(2)])) for value in unknown}) == 1
    assert hashed(table([row(1, utilisation_ratio=0.0), row(2)])) != hashed(
        table([row(1, utilisation_ratio=None), row(2)])
    )


def test_minus_zero_is_zero() -> None:
    assert hashed(table([row(1, utilisation_ratio=-0.0)])) == hashed(table([row(1, utilisation_ratio=0.0)]))


@pytest.mark.parametrize(
    ("column", "filler"),
    [("account_id", ""), ("line_status", ""), ("closed_limit_cents", 0), ("utilisation_ratio", 0.0),
     ("deceased", False), ("closed_on", datetime.date(1970, 1, 1))],
)  # fmt: skip
def test_a_missing_value_is_no_value_of_its_kind(column: str, filler: Any) -> None:
    assert hashed(table([row(1, **{column: None})])) != hashed(table([row(1, **{column: filler})]))


def test_a_column_of_unparsable_cells_counts_only_where_it_has_some() -> None:
    content = table(rows(3))
    none, some, other, sorted_other = (
        content.append_column("unparsable", pa.array([None, None, cell]).cast(pa.string()).dictionary_encode())
        for cell in (None, "deceased", "line_status,deceased", "deceased,line_status")
    )
    assert hashed(none) == hashed(content)
    assert len({hashed(content), hashed(some), hashed(other)}) == 3
    assert hashed(other) == hashed(sorted_other)


def test_names_and_kinds_of_columns_count() -> None:
    parts = [fingerprint(table(rows(3)))]
    renamed = {("died" if name == "deceased" else name): kind for name, kind in COLUMNS.items()}
    retyped = {**COLUMNS, "closed_limit_cents": AttributeType.NUMBER}
    assert len({content_hash(parts, columns) for columns in (COLUMNS, renamed, retyped)}) == 3


def test_an_empty_snapshot_has_a_hash_of_its_own() -> None:
    empty = table(rows(1)).slice(0, 0)
    assert hashed(empty) == hashed() == hashed(empty, empty)
    assert hashed(empty) != hashed(table([dict.fromkeys(row(1))]))


def test_a_table_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(TypeError, match="column 'closed_limit_cents' is int32"):
        fingerprint(table(rows(2), closed_limit_cents=pa.int32()))


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_cell_counts(seed: int) -> None:
    lines = random_lines(20, seed)
    random = np.random.default_rng(seed)
    hashes, count = {of_lines(lines)}, 1
    for number, line in enumerate(lines):
        for name in line:
            changed = {**line, name: other_than(line[name], name, random)}
            hashes.add(of_lines([*lines[:number], changed, *lines[number + 1 :]]))
            count += 1
    assert len(hashes) == count


def other_than(known: Any, name: str, random: np.random.Generator) -> Any:
    """Another value of the same column."""
    other = known
    while other == known:
        other = value(PAIRS[name], random) if name in PAIRS else f"B{random.integers(10**9)}"
    return other


def test_every_cell_of_a_hundred_boolean_columns_counts() -> None:
    names = [f"flag_{number:03d}" for number in range(100)]
    known = {name: pa.array([number % 3 == 0]) for number, name in enumerate(names)}
    changed = [
        {**known, name: pa.array([other], pa.bool_())} for name in names for other in (names.index(name) % 3 != 0, None)
    ]
    assert len({fingerprint(pa.table(columns)) for columns in (known, *changed)}) == 201


@pytest.mark.parametrize("seed", SEEDS)
def test_in_which_row_a_value_stands_counts(seed: int) -> None:
    lines = random_lines(30, seed)
    for name in lines[0]:
        other = next(number for number in range(1, 30) if lines[number][name] != lines[0][name])
        swapped = [dict(line) for line in lines]
        swapped[0][name], swapped[other][name] = lines[other][name], lines[0][name]
        assert of_lines(swapped) != of_lines(lines)


def same_kind() -> Iterable[tuple[str, str]]:
    names = ["account_id", *PAIRS]
    kinds = {**PAIRS, "account_id": AttributeType.CATEGORY}
    return [(one, two) for one in names for two in names if one < two and kinds[one] is kinds[two]]


@pytest.mark.parametrize(("one", "two"), same_kind())
def test_in_which_column_a_value_stands_counts(one: str, two: str) -> None:
    for seed in SEEDS:
        lines = random_lines(30, seed)
        everywhere = [{**line, one: line[two], two: line[one]} for line in lines]
        number = next(number for number, line in enumerate(lines) if line[one] != line[two])
        once = [*lines[:number], everywhere[number], *lines[number + 1 :]]
        assert len({of_lines(lines), of_lines(everywhere), of_lines(once)}) == 3


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_counts_as_often_as_it_stands(seed: int) -> None:
    lines = random_lines(20, seed)
    books = [
        lines,
        *(lines[:number] + lines[number + 1 :] for number in range(20)),
        *([*lines, line] for line in lines),
    ]
    nothing = dict.fromkeys(lines[0])
    books += [[*lines, *[nothing] * times] for times in (1, 2, 3)]
    books += [[*lines, *[lines[0]] * times] for times in (2, 3, 4, 2**8)]
    assert len({of_lines(book) for book in books}) == len(books)


def test_the_highest_bits_of_two_columns_do_not_cancel() -> None:
    lines = random_lines(3, 1)
    least = -(2**63)
    changes = [
        {"balance_cents": least * one, "closed_limit_cents": least * two, "income_ratio": 2.0**-three}
        for one in (0, 1) for two in (0, 1) for three in range(0, 1022, 7)
    ]  # fmt: skip
    assert len({of_lines([{**lines[0], **change}, *lines[1:]]) for change in changes}) == len(changes)


def test_thousands_of_random_changes_of_a_cell_all_have_hashes_of_their_own() -> None:
    lines = [{name: line[name] for name in ("account_id", *COLUMNS)} for line in random_lines(40, 99)]
    random = np.random.default_rng(99)
    rest = [fingerprint(table(lines[:number] + lines[number + 1 :])) for number in range(40)]
    changes: dict[tuple[int, str, Any], Row] = {}
    names = list(lines[0])
    while len(changes) < 6_000:
        number, name = int(random.integers(40)), names[random.integers(len(names))]
        fresh = other_than(lines[number][name], name, random)
        changes[number, name, fresh] = {**lines[number], name: fresh}
    content = table(list(changes.values()))
    hashes = {
        content_hash([rest[number], fingerprint(content.slice(place, 1))], COLUMNS)
        for place, (number, _, _) in enumerate(changes)
    }
    assert len(hashes | {hashed(table(lines))}) == 6_001


def test_texts_are_hashed_by_their_bytes_and_their_length() -> None:
    texts = [letters * count for letters in ("a", "b", "\0", "é", "ab") for count in (1, 2, 7, 8, 9, 15, 16, 17, 255)]
    texts = sorted({*texts, *("\0" * count for count in range(1, 30)), "a" * 256, "a" * 257, "a" * 258})
    hashes = text_hashes(pa.array(texts))
    assert len(set(hashes.tolist())) == len(texts)
    assert [
        text_hashes(pa.array(["x" * shift, text])).tolist()[1] for shift, text in enumerate(texts)
    ] == hashes.tolist()
    assert text_hashes(pa.array(["", None, "a"])).tolist()[:2] == [0, 0]


def test_bytes_under_a_missing_text_do_not_matter() -> None:
    offsets, data = pa.array([0, 3, 6], pa.int32()).buffers()[1], pa.py_buffer(b"abcdef")
    texts = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x02"), offsets, data])
    assert texts.to_pylist() == [None, "def"]
    assert text_hashes(texts).tolist() == text_hashes(pa.array([None, "def"])).tolist()


def test_the_hash_of_a_content_never_changes() -> None:
    lines = [*lines_by_hand(), dict.fromkeys(("account_id", *PAIRS))]
    assert of_lines(lines) == GOLDEN


def lines_by_hand() -> list[Row]:
    """Lines that no generator of numbers has a say in."""
    return [
        {
            "account_id": "A" * (number + 1), "business_date": NIGHT, "line_status": ["open", "", "zu"][number % 3],
            "closed_limit_cents": (-3) ** number, "utilisation_ratio": number / 7, "deceased": number % 2 == 0,
            "closed_on": NIGHT - datetime.timedelta(days=number) if number % 3 else None,
            "reopened_on": datetime.date.min + datetime.timedelta(days=number), "insolvent": None,
            "employment": "é" * number, "balance_cents": None if number % 5 else 2**62 + number, "income_ratio": 1e300,
        }
        for number in range(30)
    ]  # fmt: skip


def test_another_process_finds_the_same() -> None:
    program = "from tests.test_fingerprints import *; print(of_lines(random_lines(50, 3)))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=CHECKOUT, capture_output=True, check=True
    )
    assert found.stdout.decode().strip() == of_lines(random_lines(50, 3))


def test_a_written_file_has_the_hash_of_what_was_written(tmp_path: Path) -> None:
    content = table(rows(1000))
    pq.write_table(content, tmp_path / "lines.parquet")
    read = pq.read_table(tmp_path / "lines.parquet", schema=content.schema)
    assert hashed(read) == hashed(content)
