"""Explaining one line of a published night from what the night wrote down; decides nothing and changes nothing."""

import datetime
from typing import Any

from schemas.explanation import (
    Explanation,
    Held,
    Line,
    LineState,
    Transition,
    Verdict,
)
from schemas.handles import Settled
from schemas.portfolio import Portfolio
from schemas.vocabulary import LedgerState, RunStatus
from tasks import nights
from tasks.decisioning.facts import Night
from tasks.decisioning.rules import Rules
from tasks.explanation_refusals import NotExplained, PortfolioUnclear
from tasks.line_verdicts import JUDGED, verdict_of
from tasks.night_line import NightLine, candidate_row, evidence_row, files_of_lines, find_line
from tasks.retention import refuse_gone
from tasks.settings import settings


def explain(account_id: str, portfolio: str | None = None, business_date: datetime.date | None = None) -> Explanation:
    """Explain one account on one published night.

    Args:
        account_id: as it stands in the snapshot.
        portfolio: its portfolio; may be left out where only one has published that night.
        business_date: the night; the last one published if left out.

    Raises:
        PortfolioUnclear: the portfolio has to be named.
        NotExplained: the night was not published, or neither it nor the ledger knows the account.
        NightRefused: files of the night are gone.
    """
    name = portfolio or _only_portfolio(business_date)
    book = nights.portfolio_of(name)
    store = nights.store_of(name)
    settled = nights.recall(name, _published_night(name, business_date), RunStatus.PUBLISHED)
    run, rules = settled.run, nights.rules_of(settled.run)
    refuse_gone(settled, book, files_of_lines(settled), "explained")
    line = find_line(settled, rules, book, account_id)
    entries = store.select_mine("ledger", account_id=account_id)
    known = [entry for entry in entries if entry["business_date"] <= run.business_date]
    history = tuple(_transition(entry) for entry in known)
    if line.state is LineState.ABSENT and line.known is None and not history:
        raise NotExplained("unknown_account", portfolio=name, night=run.business_date)
    return Explanation(
        portfolio=name,
        lender=book.title,
        currency=book.currency,
        business_date=run.business_date,
        revision=run.revision,
        policy=rules.policy.policy,
        policy_version=rules.policy.version,
        policy_hash=run.policy_hash,
        account_id=account_id,
        state=line.state,
        line=Line(**{field: line.row[field] for field in Line.model_fields}) if line.row else None,
        held=_held(line, rules, book, run.business_date),
        quarantine=line.quarantine,
        verdict=_verdict(settled, rules, line, account_id, known),
        history=history,
        later_transitions_count=len(entries) - len(history),
    )


def _only_portfolio(business_date: datetime.date | None) -> str:
    """The one portfolio that has published the night, or any night."""
    names = sorted(path.stem for path in (settings().deployments / "portfolios").glob("*.yaml"))
    published = [name for name in names if _has_published(name, business_date)]
    if len(published) == 1:
        return published[0]
    if not published:
        raise PortfolioUnclear("no_portfolio", night=business_date, portfolios=names)
    raise PortfolioUnclear("many_portfolios", count=len(published), night=business_date, portfolios=published)


def _has_published(name: str, business_date: datetime.date | None) -> bool:
    store = nights.store_of(name)
    if business_date is None:
        return store.last_published() is not None
    return store.run(business_date, RunStatus.PUBLISHED) is not None


def _published_night(name: str, business_date: datetime.date | None) -> datetime.date:
    store = nights.store_of(name)
    last = store.last_published()
    if last is None:
        raise NotExplained("nothing_published", portfolio=name)
    if business_date is None:
        return last
    if store.run(business_date, RunStatus.PUBLISHED) is None:
        known = store.run(business_date)
        code, status = ("not_published", known["status"]) if known else ("never_run", None)
        raise NotExplained(code, portfolio=name, night=business_date, status=status, last=last)
    return business_date


def _transition(entry: Any) -> Transition:
    return Transition(**{name: entry[name] for name in Transition.model_fields if name in entry})


def _held(line: NightLine, rules: Rules, book: Portfolio, business_date: datetime.date) -> Held | None:
    if line.known is None or line.known["ledger_state"] == LedgerState.NONE:
        return None
    since, probation = line.known["ledger_since"], rules.policy.probation
    is_watched = line.known["ledger_state"] == LedgerState.REOPENED and probation is not None
    waits = line.state is LineState.PENDING_ACTIVATION
    return Held(
        state=line.known["ledger_state"],
        since=since,
        route=line.known["ledger_route"],
        valid_until=line.known["ledger_valid_until"],
        watched_until=since + datetime.timedelta(days=probation.days) if is_watched and probation else None,
        is_overdue=waits and (business_date - since).days > book.activation_grace_days,
    )


def _verdict(settled: Settled, rules: Rules, line: NightLine, account_id: str, entries: list[Any]) -> Verdict | None:
    if line.state not in JUDGED or line.part is None:
        return None
    evidence = evidence_row(settled, line.part, account_id)
    candidate = candidate_row(settled, line.part, account_id)
    return verdict_of(Night(rules, settled.run.business_date), line, evidence, candidate, entries)
