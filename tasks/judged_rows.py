"""Rows as files for people's tools: Parquet, CSV with lists as JSON, or JSON lines.

Text is put together column by column, never row by row.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tasks.decisioning.rules import Rules, Scored
from tasks.evidence import best_bin, best_values, write_table
from tasks.whole_files import write_whole

COLUMNS: Final = (
    "account_id", "decision", "step", "cause", "route", "score", "recoverable", "limit_cents", "valid_until", "reasons",
    "unknown", "must_wait", "must_fix", "must_show", "score_gap", "score_steps", "earliest_on",
)  # fmt: skip
"""What is written of every line judged."""
ODD: Final = r'["\\\x00-\x1f\x7f]'
"""The characters that JSON writes in another way."""


def write_rows(table: pa.Table, path: Path, rules: Rules) -> None:
    """Write a table under its final name, whole or not at all; the suffix says in which format.

    Args:
        table: plain texts, numbers, booleans, dates and lists.
        path: ends with .parquet, .csv or .jsonl.
        rules: the policy that the table's scorecard steps speak of.
    """
    WRITERS[path.suffix](table, path, rules)


def _parquet(table: pa.Table, path: Path, _: Rules) -> None:
    write_table(table, path)


def _csv(table: pa.Table, path: Path, rules: Rules) -> None:
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            column = table[field.name]
            texts = pc.if_else(column.is_valid(), _json_column(table, field.name, rules), pa.scalar(None, pa.string()))
            table = table.set_column(place, field.name, texts)
    write_whole(path, lambda sink: pyarrow.csv.write_csv(table, sink))


def _json_lines(table: pa.Table, path: Path, rules: Rules) -> None:
    def write(sink: Any) -> None:
        for start in range(0, len(table), 65_536):
            some = table.slice(start, 65_536).combine_chunks()
            pieces: list[Any] = []
            for place, name in enumerate(some.column_names):
                pieces += [f"{', ' if place else '{'}{json.dumps(name)}: ", _json_column(some, name, rules)]
            rows = pc.binary_join_element_wise(*pieces, "}\n", "")
            for chunk in rows.chunks if isinstance(rows, pa.ChunkedArray) else [rows]:
                sink.write(_all_bytes(chunk))

    write_whole(path, write)


WRITERS: Final[Mapping[str, Callable[[pa.Table, Path, Rules], None]]] = MappingProxyType(
    {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines}
)


def _all_bytes(texts: pa.Array) -> bytes:
    return b"".join(pc.cast(texts, pa.binary()).to_pylist())


def _json_column(table: pa.Table, name: str, rules: Rules) -> pa.Array:
    array = table[name].combine_chunks()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if name == "score_steps":
        return _json_list(array, _step_texts(array.flatten(), rules))
    return json_texts(array)


def json_texts(array: pa.Array) -> pa.Array:
    """Every value as JSON; a missing one as `null`."""
    kind = array.type
    if pa.types.is_list(kind):
        return _json_list(array, json_texts(array.flatten()))
    if pa.types.is_struct(kind):
        pieces: list[Any] = []
        for place, field in enumerate(kind):
            pieces += [f"{', ' if place else '{'}{json.dumps(field.name)}: ", json_texts(array.field(place))]
        return pc.binary_join_element_wise(*pieces, "}", "")
    if pa.types.is_string(kind):
        texts = _quoted(array)
    elif pa.types.is_date(kind):
        texts = _between('"', array.cast(pa.string()), '"')
    else:
        texts = array.cast(pa.string())
    return pc.fill_null(texts, "null")


def _json_list(lists: pa.ListArray, texts: pa.Array) -> pa.Array:
    """Lists of which `texts` are the elements, one after the other."""
    counts = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts)])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ", ")
    return pc.if_else(lists.is_valid(), _between("[", joined, "]"), "null")


def _quoted(texts: pa.Array) -> pa.Array:
    odd = pc.match_substring_regex(texts, ODD)
    if not pc.any(odd).as_py():
        return _between('"', texts, '"')
    written = [json.dumps(text, ensure_ascii=False) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(_between('"', texts, '"'), pc.fill_null(odd, False), pa.array(written, pa.string()))


def _between(before: str, texts: pa.Array, after: str) -> pa.Array:
    return pc.binary_join_element_wise(before, texts, after, "")


def _step_texts(steps: pa.StructArray, rules: Rules) -> pa.Array:
    """Steps as JSON: a number's with the edges of the bin as the policy writes them, a category's with its values."""
    names = [scored.name for scored in rules.scorecard]
    tails = pa.array([_tail(scored) for scored in rules.scorecard], pa.string())
    attributes = steps.field("attribute")
    tail = tails.take(pc.index_in(attributes, value_set=pa.array(names, pa.string())))
    gains = steps.field("gain").cast(pa.string())
    return pc.binary_join_element_wise('{"attribute": "', attributes, '", "gain": ', gains, ", ", tail, "}", "")


def _tail(scored: Scored) -> str:
    if scored.shape.bins:
        at_least, below = best_bin(scored)
        return f'"at_least": {json.dumps(at_least)}, "below": {json.dumps(below)}'
    return f'"values": {json.dumps(best_values(scored), ensure_ascii=False)}'
