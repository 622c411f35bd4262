"""Publishing: an audited plan becomes ledger entries, line states and notices owed, chunk by chunk.

Safe to call again: what is written is skipped by its progress mark, and what is left follows from the stored plan, never
from judging anew.
"""

from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from schemas import tables
from schemas.errors import NightRefused
from schemas.handles import Accepted, Plan, Published, Run, Settled
from schemas.portfolio import Portfolio
from schemas.vocabulary import LedgerState, Outcome, RunStatus
from tasks.caps import above_caps, measure
from tasks.ledger_entries import entries_of, states_after
from tasks.nights import SETTLED_NAME, reasons_of, rules_of, store_of, writer_of
from tasks.outbox import notices_owed
from tasks.planning import plan_hash
from tasks.provenance import code_version
from tasks.runs import (
    Chunk,
    count_recoverable,
    finish_run,
    open_run_row,
    publish_chunk,
    record_attempt,
    record_plan,
)
from tasks.settings import settings
from tasks.store import Store
from tasks.whole_files import write_text
from tasks.writers import Writer

CHUNK_LINES: Final = 5_000
"""Lines whose transitions are written in one transaction."""


def settle(run: Run, portfolio: Portfolio, accepted: Accepted, plan: Plan) -> Settled:
    """Set down a plan that adds up, in a file and in the store; for a dry run only in the file.

    Raises:
        NightRefused: the night was planned by somebody else meanwhile, or the ledger has moved on.
    """
    store = store_of(run.portfolio)
    measures = measure(run, rules_of(run), plan)
    recent = [known for known in store.runs_published(run.business_date) if known["business_date"] < run.business_date]
    findings = above_caps(portfolio.caps, accepted, measures, recent)
    settled = Settled(run=run, accepted=accepted, plan=plan, findings=findings, measures=measures)
    if run.is_dry_run:
        _set_down(settled)
        return settled
    writer, head = writer_of(run.portfolio), store.ledger_head()
    with writer.transaction() as connection:
        record_plan(writer, connection, settled, counts_of(settled.plan), head)
        _set_down(settled)  # by nobody who may not, and before the store speaks of it
    return settled


def _set_down(settled: Settled) -> None:
    write_text(settled.run.directory / SETTLED_NAME, settled.model_dump_json(indent=1))


def publish_plan(settled: Settled, portfolio: Portfolio) -> Published:
    """Write everything that a plan changes and that is not written yet; nothing of a dry run or of a held plan.

    Raises:
        NightRefused: the stored plan was altered, the ledger has moved on, or another process has taken over.
    """
    run, store = settled.run, store_of(settled.run.portfolio)
    if run.is_dry_run:
        outcome = Outcome.PAUSED if run.is_paused else Outcome.DRY_RUN
        return Published(plan=settled.plan, outcome=outcome, ledger_head=store.ledger_head()[1])
    known = store.run(run.business_date, revision=run.revision)
    if known is not None and known["status"] == RunStatus.HELD:
        return Published(plan=settled.plan, outcome=Outcome.HELD, ledger_head=store.ledger_head()[1])
    if known is None or known["status"] != RunStatus.PUBLISHED:
        _publish(writer_of(run.portfolio), settled, portfolio)
        known = store.run(run.business_date, revision=run.revision)
    return Published(plan=settled.plan, outcome=Outcome.PUBLISHED, ledger_head=known["ledger_head"] if known else "")


def counts_of(plan: Plan) -> dict[str, int]:
    """The counts of a night by name, as they are kept in the store."""
    return {
        "rows": plan.row_count,
        "judged": plan.judged_count,
        "not_up_for_judgement": plan.not_up_count,
        "quarantined": plan.quarantined_count,
        "pending_activation": plan.pending_activation_count,
        **plan.decisions,
    }


def _publish(writer: Writer, settled: Settled, portfolio: Portfolio) -> None:
    run = settled.run
    if known := writer.store.pause():
        raise NightRefused(
            f"{run.portfolio} has been paused by {known['person']}: the plan of {run.business_date} waits until it is resumed; "
            "nothing was published"
        )
    with writer.transaction() as connection:
        known = open_run_row(connection, writer, run)
        key = {"business_date": run.business_date, "revision": run.revision}
        record_attempt(writer, connection, {**key, "code_version": code_version()})
    transitions, stays = stored_plan(settled, known["plan_hash"])
    done = int(known["progress"])
    for start in range(done, len(transitions), CHUNK_LINES):
        _write_chunk(writer, run, portfolio, transitions.slice(start, CHUNK_LINES), start)
    recoverable = _recoverable(run, stays)
    for start in range(max(done - len(transitions), 0), len(recoverable), CHUNK_LINES):
        _write_counts(writer, run, recoverable[start : start + CHUNK_LINES], len(transitions) + start)
    finish_run(writer, run)


def stored_plan(settled: Settled, known_hash: str) -> tuple[pa.Table, pa.ChunkedArray]:
    """The transitions and the lines that only wait, if they are still what was audited and set down in the store.

    Raises:
        NightRefused: they are not.
    """
    if settled.plan.plan_hash != known_hash:
        raise NightRefused(
            f"the night's folder holds another plan of {settled.run.business_date} than the one that was set down in the store, "
            f"{known_hash}; nothing more was published. {_way_out(known_hash)}"
        )
    transitions = pq.read_table(settled.plan.path)
    stays = pq.read_table(settled.plan.recoverable)["account_id"]
    if plan_hash(settled.run, transitions, stays) != settled.plan.plan_hash:
        raise NightRefused(
            f"{settled.plan.path} is not the plan that was audited on {settled.run.business_date}: its content has another "
            f"hash; nothing more was published. {_way_out(known_hash)}"
        )
    return transitions, stays


def _way_out(known_hash: str) -> str:
    return (
        "Put the night's folder back from a backup; if nothing of the plan was published yet, `reinstate discard "
        f"{known_hash}` settles the night without any effect"
    )


def _write_chunk(writer: Writer, run: Run, portfolio: Portfolio, rows: pa.Table, start: int) -> None:
    with writer.transaction() as connection:
        known = open_run_row(connection, writer, run)
        if known["progress"] >= start + len(rows):
            return
        head = writer.store.ledger_head(connection)
        if (known["progress"], head[0]) != (start, known["planned_sequence"] + start):
            raise NightRefused("the ledger has moved on since this night was planned; nothing more was written")
        changes = rows.to_pylist()
        entries = entries_of(changes, run, head, _standing(writer.store, connection, rows["account_id"].to_pylist()))
        owing = [entry for entry, change in zip(entries, changes, strict=True) if not change.get("is_replaced")]
        chunk = Chunk(start, entries, states_after(entries, changes), _owed(run, portfolio, owing))
        publish_chunk(writer, run, connection, chunk)


def _write_counts(writer: Writer, run: Run, rows: list[dict[str, Any]], start: int) -> None:
    with writer.transaction() as connection:
        if open_run_row(connection, writer, run)["progress"] < start + len(rows):
            count_recoverable(writer, run, connection, start, rows)


def _owed(run: Run, portfolio: Portfolio, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    reasons_max = rules_of(run).policy.notices.reasons_max
    templates = settings().deployments / "templates"
    return notices_owed(entries, portfolio, reasons_of(portfolio), reasons_max, templates, run.directory.name)


def _standing(store: Store, connection: Any, accounts: list[str]) -> dict[str, str]:
    """The entry that left each of some lines as open as it is."""
    states, ledger = tables.line_states, tables.ledger
    joined = states.join(ledger, (ledger.c.portfolio == states.c.portfolio) & (ledger.c.sequence == states.c.sequence))
    found: dict[str, str] = {}
    for start in range(0, len(accounts), 500):
        query = select(states.c.account_id, ledger.c.entry_id).select_from(joined).where(
            states.c.portfolio == store.portfolio,
            states.c.state != LedgerState.NONE,
            states.c.account_id.in_(accounts[start : start + 500]),
        )  # fmt: skip
        found |= {row.account_id: row.entry_id for row in connection.execute(query)}
    return found


def _recoverable(run: Run, stays: pa.ChunkedArray) -> list[dict[str, Any]]:
    """Lines that were recoverable tonight and did not move, with one night more than before."""
    known = pq.read_table(run.directory / "ledger.parquet", columns=["account_id", "ledger_recoverable_nights_count"])
    before = dict(zip(*(column.to_pylist() for column in known.columns), strict=True))
    return [
        {
            "portfolio": run.portfolio,
            "account_id": account,
            "nights": before.get(account, 0) + 1,
            "last_on": run.business_date,
            "revision": run.revision,
        }
        for account in stays.to_pylist()
    ]
