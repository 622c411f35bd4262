"""The canonical typed content of a snapshot as one hash, whatever the order of its rows, its partitions and its format.

Every cell becomes a 64-bit word or a part of one, every row four sums of its words times keys of their columns, and
every sum is mixed. What is added up over all rows is the fingerprint, so partitions add up too. A number, date or boolean
that is another one changes all four sums for certain; what else may change stays unseen with a chance of 1 in 2**64 or
less, unless somebody builds it on purpose: only the hash over the sums is a cryptographic one. All arithmetic is that of
unsigned 64-bit integers, and all keys are SHA-256 of names, so that no library has a say.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.vocabulary import AttributeType
from tasks.partitions import CANONICAL_TYPES, UNPARSABLE

LANES: Final = 4
"""Mixes per row; SHA-256 of a name gives their keys."""
BLOCK_ROWS: Final = 16_384
"""Rows at a time: what belongs to them stays in the processor's cache."""
SCHEME: Final = "rows mixed in 4 lanes of 64 bits, 1"
"""Part of every hash; changes with anything that makes equal contents hash otherwise."""
LONG_TEXT_BYTES: Final = 256
"""Longer texts, which no contract lets pass, are hashed one by one."""

Words = NDArray[np.uint64]
Bits = NDArray[np.uint8] | np.uint8
"""0 or 1 per row, or one for all rows."""
Reader = Callable[[int, int, NDArray], Bits]
"""Writes the words of some rows, 0 where nothing is known, and tells where something is."""

_ALL: Final = np.uint8(1)
_NONE: Final = np.uint8(0)
_MIXERS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
_SHIFTS: Final = (np.uint64(32), np.uint64(29))
_HALF, _ONE, _TOP_BIT = np.uint64(32), np.uint64(1), np.uint64(63)


def fingerprint(table: pa.Table) -> tuple[int, ...]:
    """Add up the mixes of the rows of one partition, as `read_partition` gives it.

    Missing numbers, NaN and infinite ones are the same unknown, and -0.0 is 0.0; a missing text is not an empty one. A
    column `unparsable` without a value is the same as none, and the order of the names in its cells does not matter.

    Returns:
        `LANES` sums modulo 2**64, then the number of rows. Those of partitions with the same columns may be added up.

    Raises:
        TypeError: a column has a type that no partition has.
    """
    sums = np.zeros(LANES, np.uint64)
    for batch in table.to_batches():
        rows = _Rows(batch)
        for start in range(0, len(batch), BLOCK_ROWS):
            sums += rows.sums(start, min(start + BLOCK_ROWS, len(batch)))
    return (*sums.tolist(), len(table))


def content_hash(parts: Iterable[tuple[int, ...]], columns: Mapping[str, AttributeType]) -> str:
    """SHA-256, in hexadecimal, of the content of all partitions together.

    Args:
        parts: the fingerprint of every partition, in any order.
        columns: the type of every column but `account_id`, in any order.
    """
    totals = [0] * (LANES + 1)
    for part in parts:
        totals = [(total + more) % 2**64 for total, more in zip(totals, part, strict=True)]
    kinds = sorted((name, str(kind)) for name, kind in columns.items())
    return hashlib.sha256(json.dumps([SCHEME, kinds, totals]).encode()).hexdigest()


def text_hashes(texts: pa.StringArray) -> Words:
    """A 64-bit number per text from its UTF-8 bytes and their count; only missing and empty texts give 0."""
    hashes = np.zeros(len(texts), np.uint64)
    for start in range(0, len(texts), BLOCK_ROWS):
        hashes[start : start + BLOCK_ROWS] = _text_hashes(texts.slice(start, BLOCK_ROWS))
    return hashes


def _text_hashes(texts: pa.StringArray) -> Words:
    """Numbers of one block of texts."""
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    starts, lengths, size = offsets[:-1] - offsets[0], np.diff(offsets), int(offsets[-1] - offsets[0])
    if texts.null_count:
        lengths *= _validity(texts)(0, len(texts))
    data = np.zeros((size // 8 + 2) * 8, np.uint8)
    data[:size] = np.frombuffer(data_buffer or b"", np.uint8)[offsets[0] : offsets[-1]]
    if lengths.max() <= LONG_TEXT_BYTES:
        return np.maximum(_byte_hashes(data, starts, lengths), lengths > 0)
    hashes = _byte_hashes(data, starts, np.where(lengths > LONG_TEXT_BYTES, 0, lengths))
    for row in np.flatnonzero(lengths > LONG_TEXT_BYTES):
        digest = hashlib.sha256(data[starts[row] : starts[row] + lengths[row]]).digest()
        hashes[row] = int.from_bytes(digest[:8], "little")
    return np.maximum(hashes, lengths > 0)


def _byte_hashes(data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> Words:
    """Numbers of stretches of `data`, taken in words of 8 bytes; behind the last one `data` goes on for a word or more."""
    aligned = data.view("<u8")
    firsts = starts >> 3
    shifts = ((starts & 7) << 3).view(np.uint64)
    hashes = lengths.astype(np.uint64)
    scratch = np.empty_like(hashes)
    for place in range(0, int(lengths.max()), 8):
        rest = lengths - place
        rows = slice(None) if rest.min() > 0 else np.flatnonzero(rest > 0)
        first, shift = firsts[rows] + (place >> 3), shifts[rows]
        words = aligned.take(first + 1)
        words <<= _TOP_BIT - shift
        words <<= _ONE  # in two steps, for a shift by all 64 bits is not defined
        words |= aligned.take(first) >> shift
        if rest.min() < 8:  # noqa: PLR2004 - bytes in a word
            words &= _FIRST_BYTES.take(rest[rows], mode="clip")
        words ^= hashes[rows]
        _mix(words, scratch[: len(words)])
        hashes[rows] = words
    return hashes


_FIRST_BYTES: Final = np.array([2 ** (8 * count) - 1 for count in range(9)], np.uint64)


def _mix(words: Words, scratch: Words) -> None:
    """Spread every bit over the whole word, in place; different words stay different."""
    for factor, shift in zip(_MIXERS, _SHIFTS, strict=True):
        np.multiply(words, factor, out=words)
        np.right_shift(words, shift, out=scratch)
        np.bitwise_xor(words, scratch, out=words)


def _fold(values: Words, words: Words) -> None:
    """Bring high bits down, so that no odd key multiplies them out of the word; different values stay different."""
    np.right_shift(values, _HALF, out=words)
    np.bitwise_xor(words, values, out=words)


class _Rows:
    """The rows of a batch as words: one per number or id, one per two dates, one for all categories, one per 64 marks.

    A mark is one bit: that a cell is known, or that a boolean one is true.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        columns = {name: batch.column(name) for name in sorted(batch.schema.names)}
        known = [UNPARSABLE, *(name for name in columns if name != UNPARSABLE)]
        self._known_count = len(known)
        readers = {name: (known.index(name), _reader(name, column)) for name, column in columns.items()}
        flags, dates, categories = (
            [name for name, column in columns.items() if is_kind(column.type)]
            for is_kind in (pa.types.is_boolean, pa.types.is_date, pa.types.is_dictionary)
        )
        single = [name for name in columns if name not in {*flags, *dates, *categories}]
        self._single, self._dates, self._categories, self._flags = (
            [readers[name] for name in names] for names in (single, dates, categories, flags)
        )
        keys = [("column", name) for name in single]
        keys += [("dates", *dates[place : place + 2]) for place in range(0, len(dates), 2)]
        self._mark_words = slice(len(keys), -1)
        keys += [("marks", str(place)) for place in range(-(-(len(known) + len(flags)) // 64))]
        self._keys = np.array([_keys(*names) for names in [*keys, ("categories",)]])
        self._start = _keys("start")[:, None]
        self._words = np.zeros((len(self._keys), min(BLOCK_ROWS, len(batch))), np.uint64)
        self._mixed = np.empty((2, LANES, self._words.shape[1]), np.uint64)

    def sums(self, start: int, stop: int) -> Words:
        """Sums over the rows from `start` to before `stop`, one per lane."""
        words = self._words[:, : stop - start]
        mixed, scratch = self._mixed[..., : stop - start]
        self._fill(words, scratch[0], start, stop)
        np.einsum("wl,wr->lr", self._keys, words, out=mixed)
        mixed += self._start
        _mix(mixed, scratch)
        _mix(mixed, scratch)
        return mixed.sum(axis=1, dtype=np.uint64)

    def _fill(self, words: Words, scratch: Words, start: int, stop: int) -> None:
        marks: list[Bits] = [_NONE] * self._known_count
        for row, (place, read) in zip(words, self._single, strict=False):
            marks[place] = read(start, stop, row)
        for number, (place, read) in enumerate(self._dates):
            pair = words[len(self._single) + number // 2].view(np.int32)
            marks[place] = read(start, stop, pair[number % 2 :: 2])
        words[-1] = 0
        for place, read in self._categories:
            marks[place] = read(start, stop, scratch)
            words[-1] += scratch
        for place, read in self._flags:
            true = np.empty(stop - start, np.uint8)
            marks[place] = read(start, stop, true)
            marks.append(true)
        _fold(_packed(marks, stop - start), words[self._mark_words])


def _keys(*names: str) -> Words:
    """Odd factors, one per lane: the words of SHA-256 of some names."""
    return np.frombuffer(hashlib.sha256("\x1f".join(names).encode()).digest(), "<u8").astype(np.uint64) | _ONE


def _packed(marks: list[Bits], row_count: int) -> Words:
    """Marks as bits of words, 64 in each: words by rows."""
    word_count = -(-len(marks) // 64)
    octets = np.zeros((word_count, 8, row_count), np.uint8)
    everywhere = [0] * word_count
    for place, mark in enumerate(marks):
        if isinstance(mark, np.ndarray):
            octets[place // 64, place % 64 // 8] |= mark << np.uint8(place % 8)
        else:
            everywhere[place // 64] |= int(mark) << place % 64
    words = np.ascontiguousarray(octets.transpose(0, 2, 1)).view("<u8")[..., 0]
    return words | np.array(everywhere, np.uint64)[:, None]


def _reader(name: str, column: pa.Array) -> Reader:
    """What reads a column."""
    if column.type == CANONICAL_TYPES[AttributeType.CATEGORY]:
        return _category_reader(name, column)
    if column.type not in _READERS:
        raise TypeError(
            f"column '{name}' is {column.type}: a fingerprint is that of a table which read_partition gives"
        )
    return _READERS[column.type](column)


def _integer_reader(column: pa.Int64Array) -> Reader:
    values, known = _values(column, np.uint64), _validity(column)

    def read(start: int, stop: int, words: NDArray) -> Bits:
        _fold(values[start:stop], words)
        return _erase(words, known(start, stop))

    return read


def _number_reader(column: pa.DoubleArray) -> Reader:
    values, known = _values(column, np.float64), _validity(column)

    def read(start: int, stop: int, words: NDArray) -> Bits:
        some = values[start:stop]
        _fold((some + 0.0).view(np.uint64), words)  # -0.0 + 0.0 is 0.0
        return _erase(words, known(start, stop) & np.isfinite(some).view(np.uint8))

    return read


def _date_reader(column: pa.Date32Array) -> Reader:
    values, known = _values(column, np.int32), _validity(column)

    def read(start: int, stop: int, words: NDArray) -> Bits:
        where = known(start, stop)
        words[:] = values[start:stop] * where
        return where

    return read


def _flag_reader(column: pa.BooleanArray) -> Reader:
    bits, first, known = np.frombuffer(column.buffers()[1] or b"", np.uint8), column.offset, _validity(column)

    def read(start: int, stop: int, words: NDArray) -> Bits:
        words[:] = _bits(bits, first + start, first + stop)
        return _erase(words, known(start, stop))

    return read


def _text_reader(column: pa.StringArray) -> Reader:
    known = _validity(column)

    def read(start: int, stop: int, words: NDArray) -> Bits:
        words[:] = _text_hashes(column.slice(start, stop - start))
        return known(start, stop)

    return read


def _category_reader(name: str, column: pa.DictionaryArray) -> Reader:
    """Only the distinct texts are hashed, with the column's key; one entry behind them serves a column that has none."""
    texts = column.dictionary
    if name == UNPARSABLE:
        texts = pa.array([text and ",".join(sorted(text.split(","))) for text in texts.to_pylist()], pa.string())
    is_text = np.append(texts.is_valid().to_numpy(zero_copy_only=False), False).view(np.uint8)
    hashes = np.append(text_hashes(texts), np.uint64(0)) ^ _keys("category", name)[0]
    _mix(hashes, np.empty_like(hashes))
    codes, known = _values(column.indices, np.int32), _validity(column.indices)

    def read(start: int, stop: int, words: NDArray) -> Bits:
        some, where = codes[start:stop], known(start, stop)
        np.take(hashes, some, out=words, mode="clip")  # where nothing is known, any code may stand
        return _erase(words, where & is_text.take(some, mode="clip") if texts.null_count else where)

    return read


_READERS: Final[Mapping[pa.DataType, Callable[[pa.Array], Reader]]] = MappingProxyType(
    {
        pa.string(): _text_reader,
        CANONICAL_TYPES[AttributeType.INTEGER]: _integer_reader,
        CANONICAL_TYPES[AttributeType.NUMBER]: _number_reader,
        CANONICAL_TYPES[AttributeType.DATE]: _date_reader,
        CANONICAL_TYPES[AttributeType.BOOLEAN]: _flag_reader,
    }
)


def _values(column: pa.Array, kind: type[np.generic]) -> NDArray:
    """The values of a column of fixed width without a copy; anything stands where one is missing."""
    return np.frombuffer(column.buffers()[1] or b"", kind)[column.offset : column.offset + len(column)]


def _validity(column: pa.Array) -> Callable[[int, int], Bits]:
    """What tells which of some rows of a column are not missing."""
    if not column.null_count:
        return lambda start, stop: _ALL  # noqa: ARG005 - all of them
    bits, first = np.frombuffer(column.buffers()[0], np.uint8), column.offset
    return lambda start, stop: _bits(bits, first + start, first + stop)


def _bits(octets: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    """Bits of a bitmap of Arrow as one 0 or 1 each."""
    return np.unpackbits(octets[start // 8 : -(-stop // 8)], bitorder="little")[start % 8 :][: stop - start]


def _erase(words: NDArray, known: Bits) -> Bits:
    """Set words of which nothing is known to 0, in place."""
    if known is not _ALL:
        np.multiply(words, known, out=words, casting="unsafe")
    return known
