"""The outbox: what is owed because of a night's transitions, and handing it to channels.

A notice's id is derived from the ledger entry that owes it, so that the same decision owes the same notice once.
"""

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, update

from schemas import tables
from schemas.errors import NightRefused
from schemas.handles import Delivered, Published, Run
from schemas.portfolio import Portfolio
from schemas.reasons import Reason
from schemas.vocabulary import REVERSE, Audience, Decision, NoticeKind, Outcome, RunStatus
from tasks.channels import FileChannel
from tasks.decisioning.owed import LEFT_CLOSED, LEFT_OPEN, OWED, Owed
from tasks.guarding import system_words
from tasks.nights import PAGE_NAME, run_directory, store_of
from tasks.notice_texts import render_notice
from tasks.runs import now
from tasks.settings import settings
from tasks.store import Store
from tasks.writers import BATCH_ROWS, RELAY, Writer, take_writer, taken


def notices_owed(
    entries: list[dict[str, Any]],
    portfolio: Portfolio,
    reasons: dict[str, Reason],
    reasons_max: int,
    templates: Path,
    batch: str,
) -> list[dict[str, Any]]:
    """The notices that new ledger entries owe, rendered, as rows of the outbox.

    Args:
        entries: as they are about to be appended.
        portfolio: names the lender, the currency and the language.
        reasons: the texts of the policy series.
        reasons_max: how many reasons a customer is told.
        templates: the folder of templates.
        batch: what goes out together, and together with nothing else: a night, a revision of one, a withdrawal.
    """
    owed = []
    for entry in entries:
        for audience, kind in _owed(entry):
            if audience is Audience.CORE_SYSTEM:
                content = _request(entry, kind)
            else:
                content = _letter(entry, kind, portfolio, reasons, reasons_max, templates)
            owed.append(
                {
                    "notice_id": hashlib.sha256(f"{entry['entry_id']}/{audience}/{kind}".encode()).hexdigest()[:32],
                    "portfolio": entry["portfolio"],
                    "business_date": entry["business_date"],
                    "sequence": entry["sequence"],
                    "account_id": entry["account_id"],
                    "audience": audience.value,
                    "kind": kind.value,
                    "batch": batch,
                    "content": content,
                    "is_accepted": False,
                }
            )
    return owed


def relay_after(run: Run, published: Published) -> Delivered:
    """Deliver what waits, whatever has come of a night; only a dry run that was asked for delivers nothing.

    The night's page says what waits, so one of before is removed first: without one, the night is known to be unfinished.
    """
    if published.outcome is Outcome.DRY_RUN:
        return Delivered(accepted_count=0)
    (run.directory / PAGE_NAME).unlink(missing_ok=True)
    return relay(store_of(run.portfolio))


def relay(store: Store) -> Delivered:
    """Deliver what waits, unless another process is at it; where something waits still, it is said how much, and why."""
    try:
        writer = take_writer(store, RELAY)
    except NightRefused:
        return Delivered(accepted_count=0, outstanding=outstanding(store, taken(store, RELAY)))
    try:
        return deliver_outstanding(writer, FileChannel(settings().data_directory / "deliveries" / store.portfolio))
    finally:
        writer.release()


def deliver_outstanding(writer: Writer, channel: FileChannel) -> Delivered:
    """Hand every notice that no channel has accepted to its channel: requests to the core system first, batches in ledger order.

    Safe to call again: a file that was written before a crash is written again with the same content. What cannot be
    handed over holds up what comes after it, for that may build on it.
    """
    store, accepted = writer.store, 0
    while waiting := _sendable(store):  # what is published meanwhile is sent too, for its own run is kept from it
        for audience in (Audience.CORE_SYSTEM, Audience.CUSTOMER):
            batches: dict[str, list[str]] = defaultdict(list)
            for notice in waiting:
                if notice["audience"] == audience:
                    batches[notice["batch"]].append(notice["notice_id"])
            for batch, ids in batches.items():
                whole = store.select_mine("notices", audience=audience.value, batch=batch)
                try:
                    channel.deliver(audience, batch, sorted(whole, key=lambda notice: notice["sequence"]))
                except OSError as error:
                    why = f"{system_words(error)} ({error.filename})"
                    return Delivered(accepted_count=accepted, outstanding=outstanding(store, why))
                _accept(writer, ids)
                accepted += len(ids)
    return Delivered(accepted_count=accepted)


def _sendable(store: Store) -> list[RowMapping]:
    """The notices that wait of what is wholly published, in the order of the ledger.

    They are read before the runs: a night that is begun meanwhile has its run before it owes anything.
    """
    waiting = store.select_mine("notices", "notice_id", "batch", "audience", "sequence", is_accepted=False)
    runs = store.select_mine("runs", "business_date", "revision", "status")
    unpublished = {
        run_directory(store.portfolio, run["business_date"], revision=run["revision"]).name
        for run in runs
        if run["status"] != RunStatus.PUBLISHED
    }
    return sorted(
        (notice for notice in waiting if notice["batch"] not in unpublished), key=lambda notice: notice["sequence"]
    )


def outstanding(store: Store, why: str) -> str:
    """How many notices of what is published wait, because of what, and what to do; nothing where none does."""
    count = len(_sendable(store))
    if not count:
        return ""
    return (
        f"{count:,} {'notice waits' if count == 1 else 'notices wait'} to be sent: {why}. The next run of {store.portfolio} sends "
        f"them, or `reinstate nightly --portfolio {store.portfolio}` now"
    )


def _accept(writer: Writer, notice_ids: list[str]) -> None:
    """Mark notices as taken over by their channel."""
    notices = tables.notices
    with writer.transaction() as connection:
        for start in range(0, len(notice_ids), BATCH_ROWS):
            some = notices.c.notice_id.in_(notice_ids[start : start + BATCH_ROWS])
            query = update(notices).where(notices.c.portfolio == writer.portfolio, some)
            connection.execute(query.values(is_accepted=True, accepted_at=now()))


def _owed(entry: dict[str, Any]) -> Owed:
    """A reversal leaves a line as it was before: with a limit, or closed."""
    if entry["decision"] == REVERSE:
        return LEFT_CLOSED if entry["limit_cents"] is None else LEFT_OPEN
    return OWED[entry["decision"]]


def _request(entry: dict[str, Any], kind: NoticeKind) -> dict[str, Any]:
    """What the core system is asked to do; a line is closed as of the night that decided it, or as it was before."""
    reclosed = entry["decision"] == Decision.RECLOSE
    return {
        "request": kind.value,
        "limit_cents": entry["limit_cents"],
        "valid_until": _iso(entry["valid_until"]),
        "cause": entry["cause"],
        "closed_on": _iso(entry["business_date"] if reclosed else entry["closed_on"]),
    }


def _letter(
    entry: dict[str, Any],
    kind: NoticeKind,
    portfolio: Portfolio,
    reasons: dict[str, Reason],
    reasons_max: int,
    templates: Path,
) -> dict[str, Any]:
    texts = [getattr(reasons[code], portfolio.language) for code in entry["reasons"][:reasons_max]]
    facts = {
        "limit_cents": entry["limit_cents"],
        "currency": portfolio.currency,
        "valid_until": entry["valid_until"],
        "business_date": entry["business_date"],
        "reasons": [{"means": text.means, "helps": text.helps} for text in texts],
        "lender": portfolio.title,
    }
    rendered = render_notice(kind.value, portfolio.language, facts, templates)
    return {"language": portfolio.language, "subject": rendered.subject, "body": rendered.body}


def _iso(date: object) -> str | None:
    return None if date is None else str(date)
