"""What people do by hand: end a reopening, pause a portfolio, let it go on. Each is kept with a name and a reason."""

from typing import Any

from sqlalchemy import func, select

from schemas import tables
from schemas.errors import NightRefused
from schemas.portfolio import Portfolio
from schemas.reasons import Reason
from schemas.vocabulary import WITHDRAW, LedgerState
from tasks.holds import Person
from tasks.ledger_entries import append, states_after
from tasks.outbox import notices_owed
from tasks.runs import now
from tasks.settings import settings
from tasks.writers import Writer

STEP = "manual"
_STANDING = ("route", "cause", "closed_on", "closed_limit_cents")


def withdraw(
    writer: Writer, portfolio: Portfolio, reasons: dict[str, Reason], account_id: str, person: Person, reason: str
) -> dict[str, Any]:
    """End the reopening of one line: state, ledger entry and notices owed stand or fall together.

    Args:
        writer: the portfolio's.
        portfolio: its file.
        reasons: the texts of its policy series.
        account_id: of the line; it is repeated nowhere but in the store.
        person: who does it.
        reason: why, in the person's words; it is not told to the customer.

    Returns:
        The new ledger entry.

    Raises:
        NightRefused: no reason is given, the line is not held as open, or a planned night is not settled yet.
    """
    _refuse_silent(reason)
    if writer.store.unsettled():
        raise NightRefused(f"a night of {writer.portfolio} is planned or held: bring it to its end first")
    states, ledger = tables.line_states, tables.ledger
    with writer.transaction() as connection:
        where = (states.c.portfolio == writer.portfolio, states.c.account_id == account_id)
        known = connection.execute(select(states).where(*where).with_for_update()).mappings().first()
        if known is None or known["state"] == LedgerState.NONE:
            raise NightRefused("the ledger does not hold this account as open; nothing was changed")
        opened = connection.execute(
            select(ledger).where(ledger.c.portfolio == writer.portfolio, ledger.c.sequence == known["sequence"])
        ).mappings().one()  # fmt: skip
        decided = {
            "portfolio": writer.portfolio,
            "account_id": account_id,
            "business_date": writer.store.last_published(),
            "revision": opened["revision"],
            "decision": WITHDRAW,
            "step": STEP,
            **{name: known[name] for name in _STANDING},
            "campaign": None,
            "limit_cents": None,
            "valid_until": None,
            "score": None,
            "reasons": [],
            "policy_hash": opened["policy_hash"],
            "reverses": opened["entry_id"],
            "person": person.name,
            "person_says": reason,
        }
        entries: list[dict[str, Any]] = []
        append(entries, decided, writer.store.ledger_head(connection))
        writer.insert(connection, ledger, entries)
        writer.upsert(connection, states, states_after(entries, entries))
        batch = f"{entries[0]['business_date']}-withdrawn-{entries[0]['sequence']}"
        templates = settings().deployments / "templates"
        writer.insert(connection, tables.notices, notices_owed(entries, portfolio, reasons, 0, templates, batch))
    return entries[0]


def pause(writer: Writer, person: Person, reason: str) -> None:
    """Let the nights of a portfolio judge and report, and publish nothing, until it is resumed.

    Raises:
        NightRefused: no reason is given, or it is paused already.
    """
    known = writer.store.pause()
    if known is not None:
        raise NightRefused(f"{writer.portfolio} has been paused by {known['person']}: {known['reason']}")
    _record_pause(writer, person, reason, is_paused=True)


def resume(writer: Writer, person: Person, reason: str) -> None:
    """Let the nights of a paused portfolio publish again.

    Raises:
        NightRefused: no reason is given, or it is not paused.
    """
    if writer.store.pause() is None:
        raise NightRefused(f"{writer.portfolio} is not paused")
    _record_pause(writer, person, reason, is_paused=False)


def _record_pause(writer: Writer, person: Person, reason: str, *, is_paused: bool) -> None:
    _refuse_silent(reason)
    pauses = tables.pauses
    with writer.transaction() as connection:
        before = connection.scalar(select(func.max(pauses.c.sequence)).filter_by(portfolio=writer.portfolio))
        row = {
            "portfolio": writer.portfolio,
            "sequence": (before or 0) + 1,
            "is_paused": is_paused,
            "person": person.name,
            "is_proven": person.is_proven,
            "reason": reason,
            "since": now(),
        }
        connection.execute(pauses.insert(), row)


def _refuse_silent(reason: str) -> None:
    if not reason.strip():
        raise NightRefused("say why: the reason is kept")
