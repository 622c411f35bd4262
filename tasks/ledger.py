"""What the ledger knows of lines before a night, as columns that join their rows."""

import datetime
import json

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.vocabulary import LEDGER_COLUMNS, LEDGER_COUNTS, REVERSE, AttributeType, Decision, LedgerState
from tasks.store import Store

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
    entries = _standing(store.select_mine("ledger", *_ENTRY_COLUMNS))
    states = _frame(store.select_mine("line_states")).set_index("account_id")
    last = store.last_published()
    nights = _frame(store.select_mine("recoverable_nights", "account_id", "nights", last_on=last)).set_index(
        "account_id"
    )
    accounts = sorted({*entries["account_id"], *states.index, *nights.index})
    known = pd.DataFrame(index=pd.Index(accounts, name="account_id", dtype="object"))
    live = states[states["state"] != LedgerState.NONE.value] if len(states) else states
    for name, column in _HELD.items():
        known[name] = live[column].reindex(known.index) if len(live) else None
    known["ledger_state"] = known["ledger_state"].where(known["ledger_state"].notna(), LedgerState.NONE.value)
    days = (pd.Timestamp(business_date) - pd.to_datetime(entries["business_date"])).dt.days if len(entries) else None
    for name, decision, within in (
        ("ledger_reopens_365d_count", Decision.REOPEN, 365),
        ("ledger_reopens_1825d_count", Decision.REOPEN, 1825),
        ("ledger_temporary_365d_count", Decision.REOPEN_TEMPORARILY, 365),
    ):
        known[name] = (
            _counts(entries[(entries["decision"] == decision) & days.between(1, within)], known) if len(entries) else 0
        )
    used = (
        entries.dropna(subset="campaign")
        .groupby("account_id")["campaign"]
        .agg(lambda codes: ",".join(sorted(set(codes))))
    )
    known["ledger_campaigns_used"] = used.reindex(known.index) if len(used) else None
    counted = nights["nights"].reindex(known.index) if len(nights) else pd.Series(0, index=known.index)
    known["ledger_recoverable_nights_count"] = counted.fillna(0).astype("int64")
    return _table(known.reset_index())


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


_ENTRY_COLUMNS = ("account_id", "business_date", "decision", "campaign", "entry_id", "reverses")


def _standing(rows: list) -> pd.DataFrame:
    """Entries without those that a revision took back, and without the taking back."""
    entries = _frame(rows)
    if not len(entries):
        return entries
    reversals = entries["decision"] == REVERSE
    taken_back = entries["entry_id"].isin(entries.loc[reversals, "reverses"])
    return entries[~taken_back & ~reversals].reset_index(drop=True)


def _frame(rows: list) -> pd.DataFrame:
    columns = ["account_id", "business_date", "decision", "campaign", "state", "nights", *_HELD.values()]
    return pd.DataFrame([dict(row) for row in rows], columns=None if rows else columns)


def _counts(entries: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    return entries.groupby("account_id").size().reindex(known.index).fillna(0).astype("int64")


def _table(known: pd.DataFrame) -> pa.Table:
    columns = {
        name: known[name].astype(object).where(known[name].notna(), None).tolist() for name in LEDGER_SCHEMA.names
    }
    for name in ("ledger_closed_limit_cents",):
        columns[name] = [None if value is None else int(value) for value in columns[name]]
    return pa.table(columns, schema=LEDGER_SCHEMA)
