"""One line in memory, explained and told, with no night, store or file: for states that a small book does not show."""

import datetime
from typing import Any

from schemas.explanation import Explanation, Held, Line, Transition
from schemas.reasons import Reason
from tasks.decisioning.facts import Night
from tasks.decisioning.rules import Rules
from tasks.explanation_text import write_explanation
from tasks.line_verdicts import verdict_of
from tasks.night_line import line_of
from tasks.policy_files import load_policy, load_reasons
from tasks.series_words import load_words
from tasks.settings import CHECKOUT
from tests.explaining.test_explain import flat
from tests.factories import NIGHT, PolicyDict, Row, candidates_of, days_ago, frame, judge, rules

SERIES = CHECKOUT / "deployments" / "policies" / "consumer-revolving"
TEMPLATES = CHECKOUT / "deployments" / "templates"
HELD = ("ledger_state", "ledger_since", "ledger_route", "ledger_valid_until")


def shipped() -> Rules:
    return load_policy(SERIES / "2026-10.yaml").rules


def good_line(**changes: Any) -> Row:
    """A line that the shipped policy finds recoverable."""
    row: Row = {
        "account_id": "000123", "business_date": NIGHT, "product_code": "revolving_card",
        "customer_segment": "consumer", "line_status": "closed", "closed_limit_cents": 1_000_000, "balance_cents": 0,
        "closed_on": days_ago(200), "closure_cause": "credit_assessment", "closure_initiator": "issuer",
        "days_past_due": 0, "on_time_streak_months": 30, "worst_late_6m_months": 0, "worst_late_24m_months": 0,
        "utilisation_bp": 1000, "debt_service_to_income_bp": 1000, "monthly_income_cents": 1_000_000,
        "other_debt_cents": 0, "employment": "full_time", "bureau_score": 800, "hard_enquiries_3m_count": 0,
        "hard_enquiries_6m_count": 0, "alert_status": "none_raised", "appeal_status": "no_appeal",
        "campaign_code": "no_campaign", "income_observed_on": days_ago(10), "bureau_observed_on": days_ago(10),
        "turnover_observed_on": days_ago(10), "insolvency_observed_on": days_ago(10),
        "sanctions_observed_on": days_ago(1), "in_default": False,
        **dict.fromkeys(
            (
                "deceased", "insolvency_open", "fraud_confirmed", "charged_off", "sanctions_hit", "on_hardship_plan",
                "legal_action", "product_withdrawn", "objects_to_automated_decisions", "product_paused",
            ),
            False,
        ),
    }  # fmt: skip
    return row | changes


def reopening(on: datetime.date, **changes: Any) -> dict[str, Any]:
    """An entry of the ledger."""
    entry = {
        "sequence": 1, "entry_id": "a", "reverses": "closing", "business_date": on, "revision": 1, "decision": "reopen",
        "step": "granted", "route": "reevaluation", "campaign": None, "limit_cents": 500_000, "valid_until": None,
        "reasons": [], "person": None, "person_says": None,
    }  # fmt: skip
    return entry | changes


def explained(row: Row, policy: Rules | PolicyDict | None = None, entries: list[dict[str, Any]] | None = None) -> Any:
    """What a night would say of one line; its budget passes nothing over that has no room for one line."""
    compiled = policy if isinstance(policy, Rules) else rules(policy) if policy else shipped()
    night, entries = Night(compiled, NIGHT), entries or []
    (evidence,) = judge(compiled, [row]).values()
    known = {name: row.get(name) for name in HELD} if row.get("ledger_state") else None
    found = line_of(frame([row], compiled), compiled, NIGHT, known=known)
    candidate = candidates_of(compiled, [row]).get(row["account_id"], {})
    held = known and {name.removeprefix("ledger_"): value for name, value in known.items()}
    verdict = verdict_of(night, found, evidence, candidate, entries)
    return Explanation(
        portfolio="small", lender="Small Lender", currency="EUR", business_date=NIGHT, revision=1,
        policy=compiled.policy.policy, policy_version="2026-10", policy_hash="0" * 64, account_id=row["account_id"],
        state=found.state, line=Line(**{name: found.row[name] for name in Line.model_fields}),
        held=Held(**held, watched_until=days_ago(-170), is_overdue=False) if held else None,
        quarantine=(), verdict=verdict,
        history=tuple(Transition(**{name: each[name] for name in Transition.model_fields}) for each in entries),
        later_transitions_count=0,
    )  # fmt: skip


def told(
    found: Explanation,
    language: str = "en",
    policy: Rules | PolicyDict | None = None,
    words: dict[str, str] | None = None,
    reasons: dict[str, Reason] | None = None,
) -> str:
    """The text without its line breaks."""
    compiled = policy if isinstance(policy, Rules) else rules(policy) if policy else shipped()
    own = load_words(SERIES, language) if words is None else words
    texts = load_reasons(SERIES) if reasons is None else reasons
    return flat(write_explanation(found, compiled, texts, own, language, TEMPLATES))
