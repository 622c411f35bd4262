"""Explaining one line of a published night from what the night wrote down; decides nothing and changes nothing."""

import datetime
from typing import Any

from schemas.errors import ConfigurationError, NightRefused
from schemas.explanation import Explanation, Held, Line, LineState, Path, Transition, Verdict
from schemas.handles import Settled
from schemas.portfolio import Portfolio
from schemas.vocabulary import Decision, LedgerState, Route, RunStatus, Step
from tasks import nights
from tasks.decisioning.facts import Night, gather_facts
from tasks.decisioning.rules import Rules
from tasks.line_answers import barriers_of, criteria_of, limit_of, points_of
from tasks.night_line import NightLine, Values, candidate_row, evidence_row, files_of_lines, find_line
from tasks.retention import refuse_gone
from tasks.settings import settings

LIMIT_STEPS = (Step.GRANTED, Step.LIMIT, Step.BUDGET)
"""The steps of lines whose limit was computed."""


def explain(account_id: str, portfolio: str | None = None, business_date: datetime.date | None = None) -> Explanation:
    """Explain one account on one published night.

    Args:
        account_id: as it stands in the snapshot.
        portfolio: its portfolio; may be left out where only one has published that night.
        business_date: the night; the last one published if left out.

    Raises:
        ConfigurationError: the portfolio is not clear.
        NightRefused: the night was not published, its files are gone, or neither it nor the ledger knows the account.
    """
    name = portfolio or _only_portfolio(business_date)
    book = nights.portfolio_of(name)
    store = nights.store_of(name)
    settled = nights.recall(name, _published_night(name, business_date), RunStatus.PUBLISHED)
    run, rules = settled.run, nights.rules_of(settled.run)
    refuse_gone(settled, book, files_of_lines(settled), "explained")
    line = find_line(settled, rules, book, account_id)
    entries = [_transition(entry) for entry in store.select_mine("ledger", account_id=account_id)]
    history = tuple(entry for entry in entries if entry.business_date <= run.business_date)
    if line.state is LineState.ABSENT and line.known is None and not history:
        raise NightRefused(
            f"this account is not in the snapshot of {name} of {run.business_date}, and the ledger has never held it. "
            "Check the number as the core system writes it (capitals and leading zeros count), the portfolio and the date."
        )
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
        verdict=_verdict(settled, rules, line, account_id),
        history=history,
        later_transitions_count=len(entries) - len(history),
    )


def _only_portfolio(business_date: datetime.date | None) -> str:
    """The one portfolio that has published the night, or any night."""
    names = sorted(path.stem for path in (settings().deployments / "portfolios").glob("*.yaml"))
    published = [name for name in names if _has_published(name, business_date)]
    if len(published) == 1:
        return published[0]
    night = f"the night of {business_date}" if business_date else "any night"
    if not published:
        raise ConfigurationError(f"no portfolio has published {night}; portfolios are {', '.join(names) or 'none'}")
    raise ConfigurationError(f"{len(published)} portfolios have published {night}: name one of {', '.join(published)}")


def _has_published(name: str, business_date: datetime.date | None) -> bool:
    store = nights.store_of(name)
    if business_date is None:
        return store.last_published() is not None
    return store.run(business_date, RunStatus.PUBLISHED) is not None


def _published_night(name: str, business_date: datetime.date | None) -> datetime.date:
    store = nights.store_of(name)
    last = store.last_published()
    if last is None:
        raise NightRefused(f"no night of {name} has been published yet, so there is nothing to explain")
    if business_date is None:
        return last
    if store.run(business_date, RunStatus.PUBLISHED) is None:
        known = store.run(business_date)
        became = f"was not published ({known['status']})" if known else "was never run"
        raise NightRefused(
            f"the night of {business_date} of {name} {became}, so it decided nothing. The last night published is {last}."
        )
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


def _verdict(settled: Settled, rules: Rules, line: NightLine, account_id: str) -> Verdict | None:
    judged = (LineState.CLOSED, LineState.TEMPORARY, LineState.PROBATION)
    if line.state not in judged or line.part is None or line.row is None or line.rows is None:
        return None
    evidence = evidence_row(settled, line.part, account_id)
    granted = candidate_row(settled, line.part, account_id)
    step, probation = evidence["step"], line.state is LineState.PROBATION
    facts = gather_facts(
        Night(rules, settled.run.business_date), line.rows, "ledger_cause" if probation else "closure_cause"
    )
    values = Values(line.row, line.rows, rules)
    bands, budget = rules.policy.limit.bands, rules.policy.nightly_budget if step == Step.BUDGET else None
    before = line.row.get("ledger_recoverable_nights_count", 0)
    return Verdict(
        **{name: evidence[name] for name in _RECORDED},
        route=granted.get("route"),
        campaign=granted.get("campaign"),
        recoverable_nights=before + 1 if evidence["recoverable"] else 0,
        confirm_nights=rules.policy.confirm_nights,
        score_needed=_score_needed(rules, evidence["cause"], line),
        score_lowest_band=bands[-1].score_at_least if bands else None,
        base_points=rules.policy.scorecard.base_points,
        points=points_of(rules, evidence, values),
        barriers=barriers_of(facts, values),
        criteria=criteria_of(facts, evidence, values, line.state),
        limit=limit_of(facts, evidence, granted, values) if step in LIMIT_STEPS else None,
        budget_lines=budget.lines if budget else None,
        budget_cents=budget.limit_cents if budget else None,
        path=_path(evidence) if line.state is LineState.CLOSED else None,
    )


_RECORDED = (
    "decision", "step", "cause", "reasons", "unknown", "limit_cents", "valid_until", "recoverable", "score",
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
