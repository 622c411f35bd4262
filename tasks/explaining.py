"""Explaining one line of a published night from what the night wrote down; decides nothing and changes nothing."""

import datetime
from typing import Any

from schemas.explanation import (
    Condition,
    Explanation,
    Held,
    LimitFound,
    Line,
    LineState,
    PassedOver,
    Path,
    Points,
    Transition,
    Verdict,
)
from schemas.handles import Settled
from schemas.portfolio import Portfolio
from schemas.vocabulary import Decision, LedgerState, Route, RunStatus, Step
from tasks import nights
from tasks.decisioning.facts import Night, gather_facts
from tasks.decisioning.rules import Rules
from tasks.explanation_refusals import NotExplained, PortfolioUnclear
from tasks.given_reasons import Given, tell_apart
from tasks.line_answers import barriers_of, criteria_of, limit_of, points_of
from tasks.night_line import NightLine, Values, candidate_row, evidence_row, find_line
from tasks.outlooks import look_ahead
from tasks.settings import settings

LIMIT_STEPS = (Step.GRANTED, Step.LIMIT, Step.BUDGET)
"""The steps of lines whose limit was computed."""
BAR_STEPS = (Step.EXCLUSION, Step.FREEZE)
"""The steps whose reasons are those of what bars a line."""


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
    judged = (LineState.CLOSED, LineState.TEMPORARY, LineState.PROBATION)
    if line.state not in judged or line.part is None or line.row is None or line.rows is None:
        return None
    evidence = evidence_row(settled, line.part, account_id)
    candidate = candidate_row(settled, line.part, account_id)
    bands, budget = rules.policy.limit.bands, rules.policy.nightly_budget
    is_passed_over = candidate.get("route") is not None and evidence["route"] is None
    before = line.row.get("ledger_recoverable_nights_count", 0)
    needed = _score_needed(rules, evidence["cause"], line)
    found = _findings(settled, rules, line, evidence, candidate)
    given = _given(evidence, needed, **found)
    path = _path(evidence) if line.state is LineState.CLOSED else None
    points = {each.value.name: each.points for each in found["points"]}
    return Verdict(
        **{name: evidence[name] for name in _RECORDED},
        **found,
        reasons_found=given.found,
        not_known=given.not_known,
        campaign=candidate.get("campaign") if evidence["route"] else None,
        passed_over=PassedOver(**{name: candidate[name] for name in PassedOver.model_fields})
        if is_passed_over
        else None,
        recoverable_nights=before + 1 if evidence["recoverable"] else 0,
        confirm_nights=rules.policy.confirm_nights,
        score_needed=needed,
        score_lowest_band=bands[-1].score_at_least if bands else None,
        base_points=rules.policy.scorecard.base_points,
        budget_lines=budget.lines if budget and is_passed_over else None,
        budget_cents=budget.limit_cents if budget and is_passed_over else None,
        path=path,
        outlook=look_ahead(rules, line.rows, evidence["cause"], path, points, entries) if path else None,
    )


def _findings(
    settled: Settled, rules: Rules, line: NightLine, evidence: dict[str, Any], candidate: dict[str, Any]
) -> dict[str, Any]:
    """The questions as the line answered them, its points, and how its limit came about."""
    if line.row is None or line.rows is None:
        raise TypeError("a line without a row answers nothing")
    cause = "ledger_cause" if line.state is LineState.PROBATION else "closure_cause"
    facts = gather_facts(Night(rules, settled.run.business_date), line.rows, cause)
    values = Values(line.row, line.rows, rules)
    has_limit = evidence["step"] in LIMIT_STEPS
    return {
        "points": points_of(rules, evidence, values),
        "barriers": barriers_of(facts, evidence, values),
        "criteria": criteria_of(facts, evidence, values, line.state),
        "limit": limit_of(facts, evidence, candidate, values) if has_limit else None,
    }


def _given(
    evidence: dict[str, Any],
    needed: int | None,
    points: tuple[Points, ...],
    barriers: tuple[Condition, ...],
    criteria: tuple[Condition, ...],
    limit: LimitFound | None,
) -> Given:
    """Where the reasons come from."""
    asked = [each for each in barriers if each.is_decisive]
    if evidence["step"] not in BAR_STEPS:
        asked.extend(criteria)
    is_short = needed is not None and evidence["score"] < needed
    return tell_apart(tuple(evidence["reasons"]), asked, points if is_short else (), limit.caps if limit else ())


_RECORDED = (
    "decision", "step", "cause", "reasons", "unknown", "route", "limit_cents", "valid_until", "recoverable", "score",
)  # fmt: skip


def _score_needed(rules: Rules, cause: str | None, line: NightLine) -> int | None:
    contract = rules.causes.get(cause or "")
    if contract is None:
        return None
    if line.state is not LineState.PROBATION:
        return contract.score_min
    by_appeal = line.known is not None and line.known["ledger_route"] == Route.APPEAL
    return None if by_appeal else contract.keep_open_score_min


def _path(evidence: dict[str, Any]) -> Path | None:
    if evidence["step"] != Step.CAUSE or evidence["decision"] != Decision.KEEP_CLOSED:
        return None
    return Path.model_validate({name: evidence[name] for name in Path.model_fields})
