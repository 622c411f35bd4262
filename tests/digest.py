"""One hash of what nights left behind in a store: line states, ledger, notices owed, and the lines that only wait."""

import hashlib
from typing import Any

from tasks.store import Store, canonical_json

TABLES = ("line_states", "ledger", "notices", "recoverable_nights")
CLOCK = {"accepted_at"}
"""What the clock wrote; it says nothing of what was decided."""


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    """The rows of those tables in the order of their keys, without what the clock wrote."""
    return {
        table: [
            {name: value for name, value in row.items() if name not in CLOCK}
            for row in map(dict, store.select_mine(table))
        ]
        for table in TABLES
    }


def digest(store: Store) -> str:
    """SHA-256 of `contents`; the same on SQLite and on PostgreSQL."""
    return hashlib.sha256(canonical_json(contents(store)).encode()).hexdigest()
