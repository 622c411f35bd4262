"""Revising the last published night: it is judged anew, and only what differs is written.

What is no longer granted is taken back by an entry of its own that names the one it corrects; history is never edited.
"""

import datetime
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import RowMapping

from schemas.errors import NightRefused
from schemas.handles import NightResult, Plan, Run
from schemas.vocabulary import REVERSE, UNPLANNED, WITHDRAW, Decision, LedgerState
from tasks import finishing, nights, publishing
from tasks.evidence import write_table
from tasks.holds import Person
from tasks.judgement import judge_night
from tasks.ledger_entries import REOPENED_STATES, still_standing
from tasks.opening import open_run, recorded
from tasks.planning import evidence_tables, plan_hash
from tasks.settings import settings
from tasks.sources.opening import open_source
from tasks.store import Store

STEP: Final = "revision"
TOLD: Final = (
    "decision", "step", "route", "campaign", "cause", "closed_on", "closed_limit_cents", "limit_cents", "valid_until",
    "reasons",
)  # fmt: skip
"""What of a transition somebody was told: where all of it is the same again, nothing needs to be corrected."""
LEFT_AS: Final = ("route", "cause", "closed_on", "closed_limit_cents", "limit_cents", "valid_until")
"""What a reversal says of its line: what the line is as it was before."""
REVERSAL_FIELDS: Final = (
    pa.field("reverses", pa.string()),
    pa.field("is_replaced", pa.bool_()),
    pa.field("left", pa.string()),
    pa.field("opens", pa.bool_()),
    pa.field("since", pa.date32()),
)


def revise(name: str, person: Person, reason: str, read_secret: Callable[[str], str] | None = None) -> NightResult:
    """Judge the last published night anew on what its source, policy and portfolio say now, and correct what differs.

    Args:
        name: the portfolio.
        person: who does it.
        reason: why, in the person's words; it is kept with the revision.
        read_secret: reads a secret block, for a source whose address is kept in one.

    Raises:
        NightRefused: no reason is given, no night is published, one waits to be settled, or the portfolio is paused.
        SnapshotRefused: the snapshot cannot be judged; the night stays as it was published.
    """
    if not reason.strip():
        raise NightRefused("say why: the reason is kept with the revision")
    store, portfolio = nights.store_of(name), nights.portfolio_of(name)
    why = {"revised_by": person.name, "revised_because": reason}
    with nights.writing(name):
        last, revision = _next_revision(store)
        with recorded(name, last, revision):
            run = open_run(name, last, is_dry_run=False, revision=revision, revised=why)
            rules = nights.rules_of(run)
            source = open_source(portfolio, settings().data_directory, read_secret)
            snapshot = source.take(last, rules.snapshot_columns, run.directory / "snapshot", portfolio.partition_rows)
            accepted, plan = judge_night(run, portfolio, rules, snapshot)
            settled = publishing.settle(run, portfolio, accepted, difference(run, plan, store))
            published = publishing.publish_plan(settled, portfolio)
    return finishing.wrap_up(settled, published)


def _next_revision(store: Store) -> tuple[datetime.date, int]:
    """The night that a revision is of, and its number: one that came to nothing is tried again."""
    last = store.last_published()
    newest = store.run(last) if last else None
    if last is None or newest is None:
        raise NightRefused(f"no night of {store.portfolio} has been published, so there is none to revise")
    if store.pause():
        raise NightRefused(f"{store.portfolio} is paused: `reinstate resume` it first; nothing was changed")
    return last, newest["revision"] + (newest["status"] not in UNPLANNED)


def difference(run: Run, plan: Plan, store: Store) -> Plan:
    """The plan of a revision: what it decides otherwise than what stands of its night.

    A line that a person has withdrawn since is left alone. One that the night closed is opened again only where the revised
    evidence says that it stays open: of a line that is missing now, set aside or closed by the lender, nobody knows that.
    """
    first = store.run(run.business_date, revision=nights.FIRST_REVISION)
    begins = first["planned_sequence"] if first else 0
    ledger = store.select_mine("ledger")
    since = [entry for entry in ledger if entry["sequence"] > begins]
    by_hand = {entry["account_id"] for entry in since if entry["decision"] == WITHDRAW}
    standing = {entry["account_id"]: entry for entry in still_standing(since)}
    before: dict[str, RowMapping] = {entry["account_id"]: entry for entry in still_standing(ledger[:begins])}
    decided = pq.read_table(plan.path)
    rows = []
    for row in decided.to_pylist():
        account, entry = row["account_id"], standing.pop(row["account_id"], None)
        if account in by_hand or (entry is not None and all(entry[name] == row[name] for name in TOLD)):
            continue
        if entry is not None:
            rows.append(_reversal(entry, before.get(account), is_replaced=True))
        rows.append(row)
    left = {account: entry for account, entry in standing.items() if account not in by_hand}
    closings = {account for account, entry in left.items() if not _opens(entry)}
    doubtful = closings - _staying_open(run, plan, closings)
    rows += [
        _reversal(entry, before.get(account), is_replaced=False)
        for account, entry in left.items()
        if account not in doubtful
    ]
    rows.sort(key=lambda row: (row["account_id"], row["decision"] != REVERSE))
    exceptions = {
        "withdrawn by a person since, left alone": len(by_hand),
        "closed by the night, not seen open by its revision, left closed": len(doubtful),
    }
    return _written(run, plan, decided, rows, by_hand, exceptions)


def _opens(entry: RowMapping) -> bool:
    return REOPENED_STATES[entry["decision"]] is not LedgerState.NONE


def _staying_open(run: Run, plan: Plan, accounts: set[str]) -> set[str]:
    """Those of some lines of which the evidence says that they stay open as they are."""
    found: set[str] = set()
    wanted = pa.array(sorted(accounts), pa.string())
    open_still = pa.array([Decision.KEEP_OPEN.value, Decision.KEEP_TEMPORARY.value])
    for table in evidence_tables(run, plan, ["account_id", "decision"]) if accounts else ():
        stays = pc.and_(
            pc.is_in(table["account_id"], value_set=wanted), pc.is_in(table["decision"], value_set=open_still)
        )
        found.update(table.filter(stays)["account_id"].to_pylist())
    return found


def _reversal(entry: RowMapping, before: RowMapping | None, *, is_replaced: bool) -> dict[str, Any]:
    """What takes an entry back: the line is left as the standing entry before it had left it."""
    left = REOPENED_STATES[before["decision"]] if before else LedgerState.NONE
    is_open = before is not None and left is not LedgerState.NONE
    closed_since = before is not None and _closed_after(entry, before)
    facts = before if is_open and not closed_since else {**entry, "limit_cents": None, "valid_until": None}
    return {
        "account_id": entry["account_id"],
        "decision": REVERSE,
        "step": STEP,
        **{name: facts[name] for name in LEFT_AS},
        "recoverable": False,
        "reasons": [],
        "unknown": [],
        "reverses": entry["entry_id"],
        "is_replaced": is_replaced,
        "left": left.value,
        "opens": is_open and not _opens(entry),
        "since": before["business_date"] if is_open else entry["business_date"],
    }


def _closed_after(entry: RowMapping, before: RowMapping) -> bool:
    """Whether an entry opened a line that its lender had closed anew after the entry before: taken back, it is closed."""
    return _opens(entry) and entry["closed_on"] is not None and entry["closed_on"] > before["business_date"]


def _written(
    run: Run, plan: Plan, decided: pa.Table, rows: list[dict[str, Any]], by_hand: set[str], exceptions: dict[str, int]
) -> Plan:
    """The plan as files: all that was decided beside what will be written, which counts no night for withdrawn lines."""
    schema = pa.schema([*decided.schema, *REVERSAL_FIELDS])
    transitions = pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema=schema)
    all_stays = pq.read_table(plan.recoverable)
    stays = all_stays.filter(
        pc.invert(pc.is_in(all_stays["account_id"], value_set=pa.array(sorted(by_hand), pa.string())))
    )
    aside = {name: run.directory / f"{name.replace('_', '-')}.parquet" for name in ("decided", "decided_recoverable")}
    for table, path in (
        (decided, aside["decided"]),
        (all_stays, aside["decided_recoverable"]),
        (transitions, plan.path),
        (stays, plan.recoverable),
    ):
        write_table(table, path)
    return plan.model_copy(
        update={
            **aside,
            "plan_hash": plan_hash(run, transitions, stays["account_id"]),
            "transition_count": len(transitions),
            "exceptions": plan.exceptions | exceptions,
        }
    )
