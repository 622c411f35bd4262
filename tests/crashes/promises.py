"""What must hold of whatever a killed process leaves, at any moment, before anybody has repaired anything."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import inspect

from schemas import tables
from schemas.handles import Settled
from schemas.vocabulary import TRANSITIONS, LedgerState, RunStatus
from tasks.decisioning.owed import OWED
from tasks.ledger_entries import REOPENED_STATES
from tasks.store import Store
from tasks.verifying import verify
from tests.nights.test_killed import unfinished_under_final_names


@dataclass(frozen=True)
class Left:
    """What a process left: its store, and its files."""

    store: Store
    data: Path

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.store.select_mine(table)]

    def delivered(self) -> dict[Path, list[str]]:
        """The lines of every file that a recipient may fetch."""
        files = sorted((self.data / "deliveries").rglob("[!.]*"))
        return {path: path.read_text(encoding="utf-8").split("\n") for path in files if path.is_file()}

    def delivered_ids(self) -> set[str]:
        return {json.loads(line)["notice_id"] for lines in self.delivered().values() for line in lines if line}


def broken_promises(left: Left) -> list[str]:
    """Every promise that is broken, in words; none in a store that has no table yet."""
    found = inspect(left.store.engine).get_table_names()
    missing = set(tables.metadata.tables) - set(found)
    if found and missing:
        return [f"the store has tables, and lacks {sorted(missing)}"]
    promises = FILES if missing else (*FILES, *STORE)
    return [f"{promise.__name__}: {fault}" for promise in promises for fault in promise(left)]


def files_are_whole(left: Left) -> Iterator[str]:
    yield from unfinished_under_final_names(left.data)
    for path in left.data.rglob("nights/*/[!.]*/night.json"):
        try:
            Settled.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError:
            yield f"{path.name} cannot be read"
    for path in left.data.rglob("nights/*/[!.]*/report.*"):
        text = path.read_text(encoding="utf-8")
        if not text.rstrip().endswith("}" if path.suffix == ".json" else "</html>"):
            yield f"{path.name} is not whole"
    for path, lines in left.delivered().items():
        if len(lines) == 1 or lines[-1]:
            yield f"the delivery {path.parent.name}/{path.name} is not whole"


def ledger_is_in_order(left: Left) -> Iterator[str]:
    fault = verify(left.store).fault
    if fault:
        yield fault


def lines_are_as_their_newest_entry_left_them(left: Left) -> Iterator[str]:
    newest = {entry["account_id"]: entry for entry in left.rows("ledger")}
    states = {row["account_id"]: row for row in left.rows("line_states")}
    for account in newest.keys() | states.keys():
        entry, state = newest.get(account), states.get(account)
        is_open = state is not None and state["state"] != LedgerState.NONE
        says_open = entry is not None and REOPENED_STATES[entry["decision"]] != LedgerState.NONE
        if is_open != says_open:
            yield f"{account}: open {is_open}, its newest entry says {says_open}"


def what_is_owed_is_what_was_done(left: Left) -> Iterator[str]:
    owed = {
        hashlib.sha256(f"{entry['entry_id']}/{audience}/{kind}".encode()).hexdigest()[:32]
        for entry in left.rows("ledger")
        for audience, kind in OWED[entry["decision"]]
    }
    known = {notice["notice_id"] for notice in left.rows("notices")}
    if owed != known:
        yield f"{len(owed - known)} notices are missing, {len(known - owed)} belong to no entry"


def what_was_sent_is_published(left: Left) -> Iterator[str]:
    notices = {notice["notice_id"]: notice for notice in left.rows("notices")}
    published = {run["business_date"] for run in left.rows("runs") if run["status"] == RunStatus.PUBLISHED}
    for notice_id in left.delivered_ids():
        if notice_id not in notices:
            yield f"a notice was sent that nobody owes: {notice_id}"
        elif notices[notice_id]["business_date"] not in published:
            yield f"a notice was sent of {notices[notice_id]['business_date']}, which is not published"


def what_is_marked_accepted_was_sent(left: Left) -> Iterator[str]:
    sent = left.delivered_ids()
    lost = [notice for notice in left.rows("notices") if notice["is_accepted"] and notice["notice_id"] not in sent]
    if lost:
        yield f"{len(lost)} notices are marked accepted and were not sent"


def progress_is_what_stands_in_the_ledger(left: Left) -> Iterator[str]:
    entries: dict[tuple[Any, int], int] = defaultdict(int)
    for entry in left.rows("ledger"):
        entries[entry["business_date"], entry["revision"]] += entry["person"] is None
    for run in left.rows("runs"):
        if run["status"] not in (RunStatus.PLANNED, RunStatus.PUBLISHED):
            continue
        transitions = sum(run["counts"].get(decision, 0) for decision in TRANSITIONS)
        written = entries[run["business_date"], run["revision"]]
        if written != min(run["progress"], transitions):
            yield f"{run['business_date']}: progress {run['progress']} of {transitions}, {written} entries"


FILES: tuple[Callable[[Left], Iterator[str]], ...] = (files_are_whole,)
STORE: tuple[Callable[[Left], Iterator[str]], ...] = (
    ledger_is_in_order,
    lines_are_as_their_newest_entry_left_them,
    what_is_owed_is_what_was_done,
    what_was_sent_is_published,
    what_is_marked_accepted_was_sent,
    progress_is_what_stands_in_the_ledger,
)
