"""What is written of a run: that it began, its plan, the plan's effects chunk by chunk, and how it ended.

A chunk is one transaction: state change, ledger entry, notice owed and progress mark stand or fall together.
"""

import datetime
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, not_, select, update

from schemas import tables
from schemas.errors import NightRefused
from schemas.handles import Run, Settled
from schemas.vocabulary import UNPLANNED, RunStatus
from tasks.nights import FIRST_REVISION, PAGE_NAME
from tasks.writers import Writer, dialect


@dataclass(frozen=True)
class Chunk:
    """Some transitions of a plan, ready to be written: where they begin in it, and all that they change."""

    start: int
    entries: list[dict[str, Any]]
    states: list[dict[str, Any]]
    notices: list[dict[str, Any]]


def start_run(writer: Writer, run: dict[str, Any], policy: dict[str, str]) -> None:
    """Record that somebody set to work on a run, and with which policy content.

    Raises:
        NightRefused: the run has a plan that is not to be made anew, or is settled.
    """
    with writer.transaction() as connection:
        connection.execute(dialect(writer.store).insert(tables.policies).on_conflict_do_nothing(), policy)
        known = _unplanned(connection, writer, run)
        fresh = {**run, "status": RunStatus.STARTED, "message": None, "finished_at": None}
        if known is None:
            connection.execute(tables.runs.insert(), {"portfolio": writer.portfolio, **fresh})
        else:
            connection.execute(_update(writer, run).values(**fresh))
        record_attempt(writer, connection, run)


def refuse_planned(writer: Writer, run: Run) -> None:
    """Make sure that a run may be begun, before anything in its folder is touched.

    Raises:
        NightRefused: it has a plan that is not to be made anew, or is settled; or this process has been superseded.
    """
    with writer.transaction() as connection:
        _unplanned(connection, writer, _key(run))


def record_attempt(writer: Writer, connection: Connection, run: dict[str, Any]) -> None:
    """Record that somebody set to work on a run, once for every time that it was let in.

    Args:
        writer: the portfolio's.
        connection: in its transaction.
        run: `business_date`, `revision` and `code_version`, of the program that is at work now.
    """
    attempts = tables.attempts
    key = {"portfolio": writer.portfolio, **{name: run[name] for name in ("business_date", "revision")}}
    newest = select(attempts.c.attempt, attempts.c.epoch).filter_by(**key).order_by(attempts.c.attempt.desc()).limit(1)
    before = connection.execute(newest).first()
    if before is not None and before.epoch == writer.epoch:
        return
    known = connection.execute(
        select(tables.writers).where(tables.writers.c.portfolio == writer.portfolio)
    ).mappings().one()  # fmt: skip
    row = {
        **key,
        "attempt": before.attempt + 1 if before is not None else 1,
        "epoch": writer.epoch,
        "holder": known["holder"],
        "code_version": run["code_version"],
        "started_at": now(),
    }
    connection.execute(attempts.insert(), row)


def end_run(writer: Writer, run: dict[str, Any], status: RunStatus, message: str) -> None:
    """Record that a run was refused or failed before it had a plan, and why; a run that got further is left alone."""
    with writer.transaction() as connection:
        query = _update(writer, run).where(tables.runs.c.status == RunStatus.STARTED)
        connection.execute(query.values(status=status, message=message, finished_at=now()))


def record_plan(
    writer: Writer, connection: Connection, settled: Settled, counts: dict[str, int], head: tuple[int, str]
) -> None:
    """Set down what a run is about to publish, or, above its caps, what waits for people.

    Args:
        writer: the portfolio's.
        connection: in its transaction.
        settled: the plan that passed its audit.
        counts: of the night, by name.
        head: sequence number and hash of the newest ledger entry that the plan was made on.

    Raises:
        NightRefused: a later night is settled, or the ledger has moved on since the plan was made.
    """
    run = settled.run
    known = _locked(connection, writer, _key(run))
    if known is None or known["status"] != RunStatus.STARTED:
        raise NightRefused(f"{run.business_date} has been planned or published meanwhile; nothing was written")
    is_first = run.revision == FIRST_REVISION
    last = writer.store.last_settled() if is_first else writer.store.last_published()
    if last is not None and last > run.business_date:
        raise NightRefused(
            f"{last} has been settled meanwhile, which is after {run.business_date}; nothing was written"
        )
    if writer.store.ledger_head(connection) != head:
        raise NightRefused("the ledger has moved on since this night was planned; run it again")
    planned = {
        "status": RunStatus.HELD if settled.findings else RunStatus.PLANNED,
        "snapshot_hash": settled.accepted.content_hash,
        "plan_hash": settled.plan.plan_hash,
        "planned_sequence": head[0],
        "planned_head": head[1],
        "progress": 0,
        "counts": counts,
        "findings": list(settled.findings),
        "measures": settled.measures,
        "message": None,
    }
    connection.execute(_update(writer, _key(run)).values(**planned))


def publish_chunk(writer: Writer, run: Run, connection: Connection, chunk: Chunk) -> None:
    """Write one chunk of a plan and its progress mark."""
    writer.insert(connection, tables.ledger, chunk.entries)
    writer.upsert(connection, tables.line_states, chunk.states)
    writer.insert(connection, tables.notices, chunk.notices)
    mark = {"progress": chunk.start + len(chunk.entries)}
    connection.execute(_update(writer, _key(run)).values(**mark))


def count_recoverable(writer: Writer, run: Run, connection: Connection, start: int, rows: list[dict[str, Any]]) -> None:
    """Write on how many nights in a row some lines were recoverable, and the progress mark."""
    writer.upsert(connection, tables.recoverable_nights, rows)
    connection.execute(_update(writer, _key(run)).values(progress=start + len(rows)))


def finish_run(writer: Writer, run: Run) -> None:
    """Mark a run as published: from here on its notices may be sent and later nights may follow."""
    with writer.transaction() as connection:
        nights = tables.recoverable_nights
        of_this_run = and_(nights.c.last_on == run.business_date, nights.c.revision == run.revision)
        connection.execute(nights.delete().where(nights.c.portfolio == writer.portfolio, not_(of_this_run)))
        done = {
            "status": RunStatus.PUBLISHED,
            "message": None,
            "finished_at": now(),
            "ledger_head": writer.store.ledger_head(connection)[1],
        }
        connection.execute(_update(writer, _key(run)).values(**done))
        # A page that was written while the plan was held says so. Without one, the night is known to be unfinished.
        (run.directory / PAGE_NAME).unlink(missing_ok=True)


def open_run_row(connection: Connection, writer: Writer, run: Run) -> RowMapping:
    """The row of a planned run, locked for the rest of the transaction.

    Raises:
        NightRefused: the run is not planned, or not any more.
    """
    known = _locked(connection, writer, _key(run))
    if known is None or known["status"] not in (RunStatus.PLANNED, RunStatus.PUBLISHED):
        raise NightRefused(f"{run.business_date} is {known['status'] if known else 'not known'}; nothing was published")
    return known


def now() -> datetime.datetime:
    """The present instant; it is recorded, and decides nothing."""
    return datetime.datetime.now(datetime.UTC)


def _key(run: Run) -> dict[str, Any]:
    return {"business_date": run.business_date, "revision": run.revision}


def _unplanned(connection: Connection, writer: Writer, run: dict[str, Any]) -> RowMapping | None:
    known = _locked(connection, writer, run)
    if known is not None and known["status"] not in UNPLANNED:
        raise NightRefused(f"{run['business_date']} is {known['status']}; nothing was written")
    return known


def _locked(connection: Connection, writer: Writer, run: dict[str, Any]) -> RowMapping | None:
    runs = tables.runs
    query = select(runs).where(
        runs.c.portfolio == writer.portfolio,
        runs.c.business_date == run["business_date"],
        runs.c.revision == run["revision"],
    )
    return connection.execute(query.with_for_update()).mappings().first()


def _update(writer: Writer, run: dict[str, Any]) -> Any:
    runs = tables.runs
    return update(runs).where(
        runs.c.portfolio == writer.portfolio,
        runs.c.business_date == run["business_date"],
        runs.c.revision == run["revision"],
    )
