"""The ledger: what it knows of lines before a night, and the entries that a night appends.

An entry's id is derived from what was decided, so the same decision has the same id; its hash covers the entry before
it, so that an edit, a deletion or an insertion shows.
"""

import datetime
import hashlib
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.handles import Run
from schemas.vocabulary import LEDGER_COLUMNS, LEDGER_COUNTS, REVERSE, WITHDRAW, AttributeType, Decision, LedgerState
from tasks.store import Store, canonical_json

REOPENED_STATES = {
    Decision.REOPEN: LedgerState.REOPENED,
    Decision.REOPEN_TEMPORARILY: LedgerState.TEMPORARY,
    Decision.EXPIRE: LedgerState.NONE,
    Decision.RECLOSE: LedgerState.NONE,
    WITHDRAW: LedgerState.NONE,
}
"""What a transition leaves a line as."""
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
    joined = [_from_json(word) if word.startswith("[") else word for word in words.dictionary.to_pylist()]
    return pa.array(joined, pa.string()).take(words.indices)


def _from_json(word: str) -> str:
    try:
        return ",".join(str(code) for code in json.loads(word))
    except ValueError:
        return word


def entries_of(
    transitions: list[dict[str, Any]], run: Run, head: tuple[int, str], standing: dict[str, str]
) -> list[dict[str, Any]]:
    """The entries that append `transitions` to a ledger whose newest entry is `head`, in order.

    Args:
        transitions: rows of the plan, in its order.
        run: the run that decided them.
        head: sequence number and hash of the newest entry.
        standing: the entry that opened each line that the ledger holds as open.
    """
    entries: list[dict[str, Any]] = []
    for transition in transitions:
        decided = {
            "portfolio": run.portfolio,
            "account_id": transition["account_id"],
            "business_date": run.business_date,
            "revision": run.revision,
            **{name: transition[name] for name in _DECIDED},
            "policy_hash": run.policy_hash,
            "reverses": standing.get(transition["account_id"]) or closing_id(run.portfolio, transition),
        }
        head = append(entries, decided, head)
    return entries


def append(entries: list[dict[str, Any]], decided: dict[str, Any], head: tuple[int, str]) -> tuple[int, str]:
    """Chain one more entry to a ledger whose newest entry is `head`; returns the new head.

    The id is derived from what was decided of whom and when; the hash covers all that is known and the entry before.
    """
    sequence, previous = head[0] + 1, head[1]
    entry = {**decided, "sequence": sequence, "previous_hash": previous, "entry_id": entry_id(decided)}
    entry["entry_hash"] = entry_hash(entry)
    entries.append({**dict.fromkeys(_MANUAL), **entry})
    return sequence, entry["entry_hash"]


def entry_id(entry: dict[str, Any]) -> str:
    """The id of an entry: the same decision about the same line on the same night has the same id."""
    return _hash([entry[name] for name in ("portfolio", "account_id", "business_date", "revision", "decision")])


def entry_hash(entry: dict[str, Any]) -> str:
    """SHA-256 over an entry; columns that came later are covered where they say something."""
    covered = {name: value for name, value in entry.items() if name != "entry_hash"}
    return _hash({name: value for name, value in covered.items() if name not in _LATER or value is not None})


def closing_id(portfolio: str, line: dict[str, Any]) -> str:
    """The id of a closing by the lender, which a reopening reverses."""
    return _hash([portfolio, line["account_id"], line["closed_on"], line["cause"]])


_MANUAL = ("person", "person_says")
_LATER = ("reverses", *_MANUAL)
"""Columns that the first entries did not have."""
_ENTRY_COLUMNS = ("account_id", "business_date", "decision", "campaign", "entry_id", "reverses")


_DECIDED = (
    "decision", "step", "route", "campaign", "cause", "closed_on", "closed_limit_cents", "limit_cents", "valid_until",
    "score", "reasons",
)  # fmt: skip


def states_after(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each entry leaves its line as."""
    kept = ("portfolio", "account_id", "route", "valid_until", "cause", "closed_on", "closed_limit_cents", "sequence")
    return [
        {
            **{name: entry[name] for name in kept},
            "state": REOPENED_STATES[entry["decision"]].value,
            "since": entry["business_date"],
        }
        for entry in entries
    ]


def _standing(rows: list) -> pd.DataFrame:
    """Entries without those that a revision took back, and without the taking back."""
    entries = _frame(rows)
    if not len(entries):
        return entries
    reversals = entries["decision"] == REVERSE
    taken_back = entries["entry_id"].isin(entries.loc[reversals, "reverses"])
    return entries[~taken_back & ~reversals].reset_index(drop=True)


def _hash(value: object) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


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
