"""What the ledger knows of lines before a night, as columns that join their rows."""

import datetime
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.vocabulary import LEDGER_COLUMNS, LEDGER_COUNTS, AttributeType, Decision, LedgerState
from tasks.ledger_entries import still_standing
from tasks.store import Store

Entry = Mapping[str, Any]

_HELD = {
    "ledger_state": "state",
    "ledger_since": "since",
    "ledger_route": "route",
    "ledger_valid_until": "valid_until",
    "ledger_cause": "cause",
    "ledger_closed_on": "closed_on",
    "ledger_closed_limit_cents": "closed_limit_cents",
}
_KINDS = {
    AttributeType.INTEGER: pa.int64(),
    AttributeType.DATE: pa.date32(),
    AttributeType.CATEGORY: pa.string(),
}
_KINDS_BY_NAME = {name: _KINDS[kind] for name, kind in LEDGER_COLUMNS.items()}
LEDGER_SCHEMA = pa.schema([("account_id", pa.string()), *_KINDS_BY_NAME.items()])


def ledger_columns(store: Store, business_date: datetime.date) -> pa.Table:
    """What the ledger knows of every line that it has ever moved or counted, before `business_date` is judged.

    Returns:
        One row an account, sorted by id, in `LEDGER_SCHEMA`. A line that was closed again has the state `none` and
        only its counts.
    """
    entries = defaultdict(list)
    for entry in still_standing(store.select_mine("ledger", *_ENTRY_COLUMNS)):
        entries[entry["account_id"]].append(entry)
    states = {state["account_id"]: state for state in store.select_mine("line_states")}
    counted = store.select_mine("recoverable_nights", "account_id", "nights", last_on=store.last_published())
    nights = {row["account_id"]: row["nights"] for row in counted}
    known = [
        {
            "account_id": account,
            **_held(states.get(account)),
            **_counts(entries.get(account, ()), business_date),
            "ledger_recoverable_nights_count": nights.get(account, 0),
        }
        for account in sorted({*entries, *states, *nights})
    ]
    return pa.Table.from_pylist(known, LEDGER_SCHEMA)


def join_ledger(table: pa.Table, ledger: pa.Table) -> tuple[pa.Table, pa.Array]:
    """Give the rows of a partition what the ledger knows of them.

    Returns:
        The table, with the ledger's columns if the ledger knows any of its rows, and the positions in `ledger` of
        the lines that were found.
    """
    if not len(ledger):
        return table, pa.array([], pa.int64())
    places = pc.index_in(table["account_id"].combine_chunks(), value_set=ledger["account_id"].combine_chunks())
    seen = places.drop_null().cast(pa.int64())
    if not len(seen):
        return table, seen
    for name in LEDGER_COLUMNS:
        table = table.append_column(name, _known(name, ledger[name].combine_chunks().take(places)))
    return table, seen


def complete_ledger(table: pa.Table) -> pa.Table:
    """A snapshot's own ledger columns, if it has any, with those that it lacks, and with what null means in each."""
    given = [name for name in LEDGER_COLUMNS if name in table.column_names]
    rest = table.drop_columns(given)
    if not given:
        return rest
    for name, kind in _KINDS_BY_NAME.items():
        values = table[name].combine_chunks().cast(kind) if name in given else pa.nulls(len(table), kind)
        rest = rest.append_column(name, _known(name, _joined(values) if name == "ledger_campaigns_used" else values))
    return rest


def _known(name: str, values: pa.Array) -> pa.Array:
    """A ledger column with what it says of a line that the ledger does not know."""
    if name in LEDGER_COUNTS:
        return pc.fill_null(values, 0)
    if name == "ledger_state":
        values = pc.fill_null(values, LedgerState.NONE.value)
    return values.dictionary_encode() if pa.types.is_string(values.type) else values


def _joined(codes: pa.Array) -> pa.Array:
    """Campaign codes joined by commas; a list of them may also be written as JSON."""
    words = codes.dictionary_encode()
    joined = [_plain_codes(word.strip()) for word in words.dictionary.to_pylist()]
    return pa.array(joined, pa.string()).take(words.indices)


def _plain_codes(word: str) -> str:
    try:
        codes = json.loads(word) if word.startswith("[") else word.split(",")
    except ValueError:
        return word
    return ",".join(code.strip() if isinstance(code, str) else "" for code in codes)


_COUNTED = (
    ("ledger_reopens_365d_count", Decision.REOPEN, 365),
    ("ledger_reopens_1825d_count", Decision.REOPEN, 1825),
    ("ledger_temporary_365d_count", Decision.REOPEN_TEMPORARILY, 365),
)
_ENTRY_COLUMNS = ("account_id", "business_date", "decision", "campaign", "entry_id", "reverses")


def _held(state: Entry | None) -> Entry:
    """How a line is held; of one that is not, only that."""
    if state is None or state["state"] == LedgerState.NONE:
        return {"ledger_state": LedgerState.NONE.value}
    return {name: state[column] for name, column in _HELD.items()}


def _counts(entries: Sequence[Entry], business_date: datetime.date) -> Entry:
    """How often a line was moved before a date, and by which campaigns."""
    days = [(entry["decision"], (business_date - entry["business_date"]).days) for entry in entries]
    counts = {
        name: sum(moved == decision and 1 <= ago <= within for moved, ago in days)
        for name, decision, within in _COUNTED
    }
    used = {entry["campaign"] for entry in entries} - {None}
    return {**counts, "ledger_campaigns_used": ",".join(sorted(used)) or None}
