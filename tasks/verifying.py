"""Verifying the ledger: every entry against its own hash and the one before, and all that was derived from it.

Loads no table library.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, select

from schemas import tables
from schemas.vocabulary import RunStatus
from tasks.ledger_entries import entry_hash, entry_id
from tasks.store import GENESIS, Store

BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Verified:
    """What was found: how many entries are in order, the head then, and the first thing that is not in order."""

    entries: int
    head: str
    fault: str | None


def verify(store: Store, head: str | None = None) -> Verified:
    """Walk the whole ledger of a portfolio and stop at the first entry that is not what it was.

    Args:
        store: the portfolio's.
        head: the head of the ledger that some report prints; without it a ledger that was cut off is found only by what
            the store's own runs remember.

    Returns:
        What was found; nothing is changed.
    """
    count, previous, seen_head = 0, GENESIS, head is None or head == GENESIS
    states: dict[str, int] = {}
    for entry in _entries(store):
        fault = _fault(entry, count + 1, previous)
        if fault:
            return Verified(count, previous, f"entry {count + 1}: {fault}")
        count, previous = count + 1, entry["entry_hash"]
        states[entry["account_id"]] = count
        seen_head = seen_head or previous == head
    if not seen_head:
        return Verified(
            count, previous, f"no entry has the hash {head}: the ledger was cut off, or the head is of another"
        )
    return Verified(count, previous, _derived_fault(store, states))


def _fault(entry: RowMapping, sequence: int, previous: str) -> str | None:
    row: dict[str, Any] = dict(entry)
    if row["sequence"] != sequence:
        return f"missing; the next one is number {row['sequence']}"
    if row["previous_hash"] != previous:
        return "does not follow the one before it: an entry was put in, taken out or put in another place"
    if row["entry_id"] != entry_id(row):
        return "has another id than its content gives: it was edited"
    if row["entry_hash"] != entry_hash(row):
        return "has another hash than its content gives: it was edited"
    return None


def _derived_fault(store: Store, states: dict[str, int]) -> str | None:
    """What in the store follows from the ledger and does not fit it: the heads of runs and the states of lines."""
    runs = [run for run in store.select_mine("runs") if run["status"] == RunStatus.PUBLISHED and run["ledger_head"]]
    heads = {GENESIS, *(row["entry_hash"] for row in store.select_mine("ledger", "entry_hash"))}
    for run in runs:
        if run["ledger_head"] not in heads:
            return f"the ledger was cut off: the head that {run['business_date']} ended with is not in it any more"
    for state in store.select_mine("line_states", "account_id", "sequence"):
        if states.get(state["account_id"]) != state["sequence"]:
            return f"a line's state says entry {state['sequence']}, which is not the newest one of its account"
    if len(store.select_mine("line_states", "account_id")) != len(states):
        return "a line that the ledger knows has no state"
    return None


def _entries(store: Store) -> Iterator[RowMapping]:
    """All entries in order, some at a time, so that memory does not grow with the ledger."""
    ledger, last = tables.ledger, 0
    while True:
        query = select(ledger).where(ledger.c.portfolio == store.portfolio, ledger.c.sequence > last)
        with store.reading() as connection:
            rows = connection.execute(query.order_by(ledger.c.sequence).limit(BATCH_ROWS)).mappings().all()
        if not rows:
            return
        yield from rows
        last = rows[-1]["sequence"]
