"""The entries of the ledger: what a transition appends, and what it leaves its line as.

An entry's id is derived from what was decided, so the same decision has the same id; its hash covers the entry before
it, so that an edit, a deletion or an insertion shows. Loads no table library.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

from schemas.handles import Run
from schemas.vocabulary import REVERSE, WITHDRAW, Decision, LedgerState
from tasks.store import canonical_json

Entry = TypeVar("Entry", bound=Mapping[str, Any])

REOPENED_STATES = {
    Decision.REOPEN: LedgerState.REOPENED,
    Decision.REOPEN_TEMPORARILY: LedgerState.TEMPORARY,
    Decision.EXPIRE: LedgerState.NONE,
    Decision.RECLOSE: LedgerState.NONE,
    WITHDRAW: LedgerState.NONE,
}
"""What a transition leaves a line as; a reversal leaves it as it was before."""
_MANUAL = ("person", "person_says")
_LATER = ("reverses", *_MANUAL)
"""Columns that the first entries did not have."""
_DECIDED = (
    "decision", "step", "route", "campaign", "cause", "closed_on", "closed_limit_cents", "limit_cents", "valid_until",
    "score", "reasons",
)  # fmt: skip


def entries_of(
    transitions: list[dict[str, Any]], run: Run, head: tuple[int, str], standing: dict[str, str]
) -> list[dict[str, Any]]:
    """The entries that append `transitions` to a ledger whose newest entry is `head`, in order.

    Args:
        transitions: rows of the plan, in its order.
        run: the run that decided them.
        head: sequence number and hash of the newest entry.
        standing: the entry that left each line open that the ledger holds as open.
    """
    entries: list[dict[str, Any]] = []
    for transition in transitions:
        account = transition["account_id"]
        takes_back = transition["decision"] == REVERSE
        decided = {
            "portfolio": run.portfolio,
            "account_id": account,
            "business_date": run.business_date,
            "revision": run.revision,
            **{name: transition[name] for name in _DECIDED},
            "policy_hash": run.policy_hash,
            "reverses": transition["reverses"]
            if takes_back
            else standing.get(account) or closing_id(run.portfolio, transition),
        }
        head = append(entries, decided, head)
        if takes_back:
            left_open = transition["left"] != LedgerState.NONE
            standing = {**standing, account: entries[-1]["entry_id"] if left_open else ""}
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


def states_after(entries: list[dict[str, Any]], transitions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What some entries leave their lines as, one row a line; a reversal says itself what it leaves, and since when.

    Args:
        entries: in the order of the ledger.
        transitions: what each of them was made of.
    """
    kept = ("portfolio", "account_id", "route", "valid_until", "cause", "closed_on", "closed_limit_cents", "sequence")
    states: dict[str, dict[str, Any]] = {}
    for entry, transition in zip(entries, transitions, strict=True):
        takes_back = entry["decision"] == REVERSE
        states[entry["account_id"]] = {
            **{name: entry[name] for name in kept},
            "state": transition["left"] if takes_back else REOPENED_STATES[entry["decision"]].value,
            "since": transition["since"] if takes_back else entry["business_date"],
        }
    return list(states.values())


def still_standing(entries: list[Entry]) -> list[Entry]:
    """Entries of a ledger without those that were taken back, and without the taking back."""
    taken_back = {entry["reverses"] for entry in entries if entry["decision"] == REVERSE}
    return [entry for entry in entries if entry["decision"] != REVERSE and entry["entry_id"] not in taken_back]


def _hash(value: object) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
