"""What must hold of whatever a killed process leaves, at any moment, before anybody has repaired anything."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import ValidationError

from schemas import tables
from schemas.handles import Settled, Snapshot
from schemas.vocabulary import REVERSE, LedgerState, RunStatus, Verdict
from tasks.decisioning.owed import LEFT_CLOSED, LEFT_OPEN, OWED
from tasks.ledger_entries import REOPENED_STATES, still_standing
from tasks.verifying import verify
from tests.crashes.left import Left, Row

Promise = Callable[[Left], Iterator[str]]
_whole: set[tuple[Path, int]] = set()
"""Files that were read to their end, by their checksums: a folder has many, and a kill touches few."""
PEOPLE = 2
"""How many people it takes to release or to discard a plan."""
WITH_PLAN = (RunStatus.PLANNED, RunStatus.PUBLISHED)


def broken_promises(left: Left) -> list[str]:
    """Every promise that is broken, in words; of a store that has no table yet only those of files."""
    missing = set(tables.metadata.tables) - set(left.has_tables)
    if left.has_tables and missing:
        return [f"the store has tables, and lacks {sorted(missing)}"]
    unreadable = [f"{files_are_whole.__name__}: {fault}" for fault in files_are_whole(left)]
    promises = () if missing or unreadable else STORE
    return unreadable + [f"{promise.__name__}: {fault}" for promise in promises for fault in promise(left)]


def files_are_whole(left: Left) -> Iterator[str]:
    """Whatever has its final name can be read to its end."""
    for name in left.files:
        path = left.data / name
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(left.data).parts):
            continue
        known = (path, left.files[name])
        if known not in _whole and not _is_whole(left, name):
            yield f"{name} is not whole"
            continue
        _whole.add(known)


def _is_whole(left: Left, name: str) -> bool:
    path = left.data / name
    try:
        match path.suffix:
            case ".parquet":
                pq.read_metadata(path)
            case ".jsonl":
                return left.delivered[name].endswith("}\n")
            case ".html":
                return path.read_text("utf-8").rstrip().endswith("</html>")
            case _ if path.name == "night.json":
                Settled.model_validate_json(path.read_text("utf-8"))
            case _ if path.name == "snapshot.json":
                parts = Snapshot.model_validate_json(path.read_text("utf-8")).partitions
                return all(part.path.exists() for part in parts)
            case _:
                return bool(path.stat().st_size)
    except (ValidationError, OSError, ValueError):
        return False
    return True


def ledger_is_in_order(left: Left) -> Iterator[str]:
    fault = verify(left.store).fault
    if fault:
        yield fault


def lines_are_as_their_newest_standing_entry_left_them(left: Left) -> Iterator[str]:
    states = {row["account_id"]: row["state"] for row in left.rows["line_states"]}
    expected = {}
    for account, entries in _by_account(left.rows["ledger"]).items():
        standing = still_standing(entries)
        expected[account] = REOPENED_STATES[standing[-1]["decision"]] if standing else LedgerState.NONE
    for account in expected.keys() | states.keys():
        if expected.get(account) != states.get(account):
            yield f"{account} is {states.get(account)}, its entries say {expected.get(account)}"


def what_is_owed_is_what_was_done(left: Left) -> Iterator[str]:
    """Once for every entry and audience, and nothing else; nobody is told of a reversal that is replaced at once."""
    replaced = _replaced(left)
    owed = {
        _notice_id(entry, audience, kind): entry["sequence"]
        for entry in left.rows["ledger"]
        if entry["entry_id"] not in replaced
        for audience, kind in _owed(entry)
    }
    known = {notice["notice_id"]: notice["sequence"] for notice in left.rows["notices"]}
    if owed != known:
        yield f"{len(owed.keys() - known.keys())} notices are missing, {len(known.keys() - owed.keys())} are owed by no entry"


def what_was_sent_is_owed_published_and_sent_once(left: Left) -> Iterator[str]:
    notices = {notice["notice_id"]: notice for notice in left.rows["notices"]}
    runs = {(run["business_date"], run["revision"]): run for run in left.rows["runs"]}
    entries = {entry["sequence"]: entry for entry in left.rows["ledger"]}
    for notice_id, times in Counter(left.delivered_ids()).items():
        if times > 1:
            yield f"a notice was sent {times} times"
        if notice_id not in notices:
            yield f"a notice was sent that nobody owes: {notice_id}"
            continue
        entry = entries[notices[notice_id]["sequence"]]
        run = runs[entry["business_date"], entry["revision"]]
        if entry["person"] is None and run["status"] != RunStatus.PUBLISHED:
            yield f"a notice was sent of {run['business_date']}, revision {run['revision']}, which is {run['status']}"


def what_is_marked_accepted_was_sent(left: Left) -> Iterator[str]:
    sent = set(left.delivered_ids())
    lost = [notice for notice in left.rows["notices"] if notice["is_accepted"] and notice["notice_id"] not in sent]
    if lost:
        yield f"{len(lost)} notices are marked accepted and were not sent"


def progress_is_what_stands_in_the_ledger(left: Left) -> Iterator[str]:
    """A run's mark counts its entries, and then the lines that wait; a published run has all, any other has none."""
    written = Counter(
        (entry["business_date"], entry["revision"]) for entry in left.rows["ledger"] if entry["person"] is None
    )
    for run in left.rows["runs"]:
        has, words = written[run["business_date"], run["revision"]], f"{run['business_date']} {run['status']}"
        if run["status"] not in WITH_PLAN:
            if has or run["progress"]:
                yield f"{words}: {has} entries, progress {run['progress']}"
            continue
        plan = left.settled(run).plan
        if plan.plan_hash != run["plan_hash"]:
            yield f"{words}: the plan in its folder is not the plan in the store"
        whole = run["status"] == RunStatus.PUBLISHED and has != plan.transition_count
        if whole or has != min(run["progress"], plan.transition_count):
            yield f"{words}: progress {run['progress']} of {plan.transition_count}, {has} entries"


def a_plan_above_the_caps_moves_only_when_enough_people_say_so(left: Left) -> Iterator[str]:
    said = Counter((verdict["plan_hash"], verdict["verdict"]) for verdict in left.rows["approvals"])
    for run in left.rows["runs"]:
        released, discarded = (said[run["plan_hash"], verdict.value] for verdict in (Verdict.RELEASE, Verdict.DISCARD))
        moves = {
            RunStatus.HELD: max(released, discarded) < PEOPLE,
            RunStatus.DISCARDED: discarded == PEOPLE,
            **dict.fromkeys(WITH_PLAN, released == PEOPLE or not run["findings"]),
        }
        if not moves.get(run["status"], True):
            yield f"{run['business_date']} is {run['status']}, {released} released and {discarded} discarded it"


def every_attempt_was_let_in_on_its_own(left: Left) -> Iterator[str]:
    """Attempts at a run count up, each under a later epoch, none later than the last one that was given out."""
    given = {row["portfolio"]: row["epoch"] for row in left.rows["writers"]}
    of_runs: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for attempt in left.rows["attempts"]:
        of_runs[attempt["business_date"], attempt["revision"]].append(attempt)
    runs = {(run["business_date"], run["revision"]) for run in left.rows["runs"]}
    if runs != set(of_runs):
        yield f"{len(runs)} runs, attempts at {len(of_runs)}"
    for attempts in of_runs.values():
        epochs = [attempt["epoch"] for attempt in attempts]
        numbers = [attempt["attempt"] for attempt in attempts]
        if numbers != [*range(1, len(numbers) + 1)] or epochs != sorted(set(epochs)):
            yield f"attempts {numbers} under the epochs {epochs}"
        if epochs[-1] > given[attempts[0]["portfolio"]]:
            yield f"an attempt under the epoch {epochs[-1]}, which nobody was given"


def _by_account(ledger: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for entry in ledger:
        found[entry["account_id"]].append(entry)
    return found


def _replaced(left: Left) -> set[str]:
    """The reversals whose revision decides anew of the same line, as its plan says."""
    found = set()
    for entry in left.rows["ledger"]:
        if entry["decision"] == REVERSE:
            plan = pq.read_table(left.directory(entry) / "plan.parquet", columns=["account_id"])
            if plan["account_id"].to_pylist().count(entry["account_id"]) > 1:
                found.add(entry["entry_id"])
    return found


def _owed(entry: Row) -> tuple[tuple[str, str], ...]:
    if entry["decision"] == REVERSE:
        return LEFT_CLOSED if entry["limit_cents"] is None else LEFT_OPEN
    return OWED[entry["decision"]]


def _notice_id(entry: Row, audience: str, kind: str) -> str:
    return hashlib.sha256(f"{entry['entry_id']}/{audience}/{kind}".encode()).hexdigest()[:32]


STORE: tuple[Promise, ...] = (
    ledger_is_in_order,
    lines_are_as_their_newest_standing_entry_left_them,
    what_is_owed_is_what_was_done,
    what_was_sent_is_owed_published_and_sent_once,
    what_is_marked_accepted_was_sent,
    progress_is_what_stands_in_the_ledger,
    a_plan_above_the_caps_moves_only_when_enough_people_say_so,
    every_attempt_was_let_in_on_its_own,
)
