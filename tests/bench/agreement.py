"""Holding what both sides found against each other, row by row."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.bench import ours

SHOWN_MAX = 3


class Disagreement(Exception):
    """Ours and the peer's differ."""


def agree_on_evidence(mine: pa.Table, peers: pa.Table) -> int:
    """Compare the evidence of one night by account; returns how many rows were compared.

    Every column of the peer's is compared; ours has the path to reopening besides.

    Raises:
        Disagreement: with the first differing rows of every differing column.
    """
    return _agree("evidence", mine, _in_words(peers), ["account_id"])


def agree_on_night(mine: Path, peers: Path) -> int:
    """Compare everything that both sides of a night wrote; returns how many rows of evidence were compared."""
    quarantine = ours.quarantine_of(mine), pq.read_table(peers / "quarantine.parquet")
    _agree("quarantine", *(_with_sorted_reasons(table) for table in quarantine), ["row"])
    for name in ("plan", "recoverable"):
        _agree(name, pq.read_table(mine / f"{name}.parquet"), pq.read_table(peers / f"{name}.parquet"), ["account_id"])
    return agree_on_evidence(ours.evidence_of(mine), pq.read_table(peers / "evidence.parquet"))


def _agree(what: str, mine: pa.Table, peers: pa.Table, key: list[str]) -> int:
    if len(mine) != len(peers):
        raise Disagreement(f"{what}: ours has {len(mine)} rows, the peer's {len(peers)}")
    order = [(name, "ascending") for name in key]
    mine, peers = mine.select(peers.column_names).sort_by(order), peers.sort_by(order)
    found = []
    for name in peers.column_names:
        one, other = (_one_array(table[name]) for table in (mine, peers))
        kind = pa.list_(pa.string()) if pa.types.is_list(other.type) else other.type
        one, other = one.cast(kind), other.cast(kind)
        if not one.equals(other):
            rows = [row for row in range(len(one)) if one[row] != other[row]]
            shown = "; ".join(f"{mine[key[0]][row]}: {one[row]} and {other[row]}" for row in rows[:SHOWN_MAX])
            found.append(f"{what}.{name} differs on {len(rows)} rows (ours and the peer's): {shown}")
    if found:
        raise Disagreement("\n".join(found))
    return len(mine)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _in_words(table: pa.Table) -> pa.Table:
    """Answers of criteria as words, where they are booleans."""
    for place, field in enumerate(table.schema):
        if field.name.startswith("criterion.") and pa.types.is_boolean(field.type):
            known = pc.if_else(table[field.name], "pass", "fail")
            table = table.set_column(place, field.name, pc.fill_null(known, "unknown"))
    return table


def _with_sorted_reasons(table: pa.Table) -> pa.Table:
    reasons = pa.array([sorted(each) for each in table["reasons"].to_pylist()], pa.list_(pa.string()))
    return table.select(["row", "account_id"]).append_column("reasons", reasons)
