"""Reports for tests: a rich night whose numbers add up, and an almost empty one."""

import datetime
import hashlib
from typing import Any

from schemas.report import (
    Breakdown,
    Counts,
    DeliveryTally,
    PastNight,
    Report,
    ScoreBucket,
    Tally,
    TransitionRow,
)

NIGHT = datetime.date(2026, 11, 5)
REOPENED, FOR_A_TIME, RECLOSED, EXPIRED = 375, 37, 9, 5
EXPIRED_UNSEEN = 1
"""A temporary line that the snapshot does not show: it ends all the same and is not judged."""


def rich_report(**changes: object) -> Report:
    """A night with something to say in every section; `changes` replace whole fields."""
    transitions = _transitions()
    fields: dict[str, object] = {
        "portfolio": "consumer-revolving",
        "title": "Harbour Bank consumer credit lines",
        "currency": "CNY",
        "business_date": NIGHT,
        "revision": 1,
        "outcome": "published",
        "findings": (),
        "policy": "consumer-revolving",
        "policy_version": "2026-10",
        "policy_hash": _hash("policy"),
        "snapshot_hash": _hash("snapshot"),
        "plan_hash": _hash("plan"),
        "code_version": "1.4.0+g278ef06",
        "ledger_head": _hash("ledger"),
        "counts": _counts(),
        "reopened_limit_cents": sum(row.limit_cents or 0 for row in transitions),
        "budget_lines": 400,
        "budget_limit_cents": 4_000_000_000,
        "budget_lines_spent": 400,
        "budget_limit_cents_spent": sum(row.limit_cents or 0 for row in transitions if row.route != "appeal"),
        "by_cause": _by_cause(),
        "by_segment": _by_segment(),
        "by_product": _by_product(),
        "steps": _steps(),
        "reasons": _tallies(REASONS),
        "review_queue": _tallies(REVIEW),
        "quarantine": _tallies(QUARANTINE),
        "exceptions": _tallies(EXCEPTIONS),
        "scores": _scores(),
        "transitions": transitions,
        "deliveries": _deliveries(),
        "reason_texts": TEXTS,
        "nights": _nights(),
    }
    return Report.model_validate(fields | changes)


def bare_report(**changes: object) -> Report:
    """The first night of a portfolio in which nothing is up for judgement, rehearsed without publishing."""
    fields: dict[str, object] = {
        "portfolio": "first-light",
        "title": "First light",
        "currency": "EUR",
        "business_date": datetime.date(2026, 2, 28),
        "revision": 0,
        "outcome": "dry_run",
        "findings": (),
        "policy": "first-light",
        "policy_version": "1",
        "policy_hash": _hash("other policy"),
        "snapshot_hash": _hash("other snapshot"),
        "plan_hash": _hash("other plan"),
        "code_version": "1.4.0",
        "ledger_head": "",
        "counts": Counts(rows=3, judged=0, not_up_for_judgement=3, quarantined=0, pending_activation=0, decisions={}),
        "reopened_limit_cents": 0,
        "budget_lines": None,
        "budget_limit_cents": None,
        "budget_lines_spent": 0,
        "budget_limit_cents_spent": 0,
        **dict.fromkeys(EMPTY, ()),
        "reason_texts": {},
    }
    return Report.model_validate(fields | changes)


EMPTY = (
    "by_cause", "by_segment", "by_product", "steps", "reasons", "review_queue", "quarantine", "exceptions", "scores",
    "transitions", "deliveries", "nights",
)  # fmt: skip
TEXTS = {
    "payment_overdue": "A payment of yours is overdue.",
    "payment_history_short": "You have not yet paid in full and on time for long enough in a row.",
    "bureau_score_low": "Your score at the credit bureau is lower than we look for, or we have no recent score.",
    "utilisation_high": "You use a larger share of your credit limits than we look for, or we do not know the share.",
    "debt_service_high": "Your monthly payments on debt take more of your income than we look for.",
    "many_applications": "In recent months you applied for credit more often than we look for.",
    "alert_not_cleared": "We noticed something unusual in the use of your account, and it has not been cleared up yet.",
    "closed_too_recently": "Your line was closed only a short time ago.",
    "product_paused": "We have paused the product that your line belongs to. This is not about you.",
    "closed_at_customer_request": "You asked us to close this line.",
    "confirming": "Your line has met our conditions only since very recently. We first check that it stays so.",
    "nightly_budget_spent": "We open only so many lines in one night, and the room was used up before your turn.",
    "appeal_pending": "Your appeal is with a person, and it is not settled yet.",
    "limit_cap_unknown": "We lack a recent figure, such as your income, that we need to work out your limit.",
    "cause_not_covered": "Our automatic check does not cover the cause for which your line was closed.",
}
REASONS = {
    "payment_history_short": 2214, "bureau_score_low": 1873, "utilisation_high": 1640, "debt_service_high": 1322,
    "closed_too_recently": 968, "payment_overdue": 907, "many_applications": 611, "closed_at_customer_request": 498,
    "product_paused": 402, "alert_not_cleared": 377, "confirming": 341, "nightly_budget_spent": 118,
}  # fmt: skip
REVIEW = {"limit_cap_unknown": 96, "appeal_pending": 71, "debt_service_high": 38, "cause_not_covered": 6}
QUARANTINE = {
    "bureau_score: is outside what is allowed": 11, "closed_on: is missing on a closed line": 7,
    "account_id: stands on more than one row": 4, "closed_on: is after the business date": 2,
}  # fmt: skip
EXCEPTIONS = {"held by the ledger, missing from the snapshot": 2, "reopened, not activated in time": 1}


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def _tallies(counts: dict[str, int]) -> tuple[Tally, ...]:
    return tuple(Tally(word=word, lines=lines) for word, lines in counts.items())


def _counts() -> Counts:
    decisions = {
        "reopen": REOPENED, "reopen_temporarily": FOR_A_TIME, "keep_closed": 5390, "refer": 211,
        "expire": EXPIRED, "reclose": RECLOSED, "keep_temporary": 12, "keep_open": 1338,
    }  # fmt: skip
    judged = sum(decisions.values())
    return Counts(
        rows=judged + 11_600 + 23,
        judged=judged,
        not_up_for_judgement=11_600,
        quarantined=23,
        pending_activation=41,
        decisions=decisions,
    )


def _breakdowns(*rows: tuple[str, int, int, int, int]) -> tuple[Breakdown, ...]:
    return tuple(
        Breakdown(word=word, judged=judged, reopened=reopened, kept_closed=kept, referred=referred)
        for word, judged, reopened, kept, referred in rows
    )


def _by_cause() -> tuple[Breakdown, ...]:
    return _breakdowns(
        ("credit_assessment", 3804, 214, 2862, 118),
        ("policy_tightening", 1702, 131, 1105, 41),
        ("product_operation", 733, 52, 498, 6),
        ("abnormal_behaviour", 634, 15, 427, 40),
        ("customer_request", 498, 0, 498, 0),
        ("legacy_import", 6, 0, 0, 6),
    )


def _by_segment() -> tuple[Breakdown, ...]:
    return _breakdowns(
        ("consumer", 5211, 317, 3829, 128), ("micro_enterprise", 1520, 83, 1072, 72), ("student", 646, 12, 489, 11)
    )


def _by_product() -> tuple[Breakdown, ...]:
    return _breakdowns(
        ("revolving_card", 4433, 268, 3198, 120),
        ("instalment_line", 1790, 93, 1357, 37),
        ("MERCHANT-24", 1154, 51, 835, 54),
    )


def _steps() -> tuple[Tally, ...]:
    counts = {
        "initiator": 498, "exclusion": 203, "freeze": 402, "appeal": 71, "cause": 3759, "confirmation": 341, "band": 0,
        "limit": 209, "budget": 118, "granted": 412, "expiry": 5, "probation": 1347, "temporary": 12,
    }  # fmt: skip
    return _tallies({word: lines for word, lines in counts.items() if lines})


def _scores() -> tuple[ScoreBucket, ...]:
    shape = [96, 148, 233, 371, 548, 742, 921, 1012, 968, 812, 604, 402, 262, 161, 72, 25]
    reopened = [0, 0, 0, 0, 0, 8, 12, 31, 62, 84, 78, 61, 41, 22, 9, 4]
    return tuple(
        ScoreBucket(from_score=500 + 20 * at, reopened=up, not_reopened=lines - up)
        for at, (lines, up) in enumerate(zip(shape, reopened, strict=True))
    )


def _transitions() -> tuple[TransitionRow, ...]:
    count = REOPENED + FOR_A_TIME + RECLOSED + EXPIRED
    causes = ("credit_assessment", "policy_tightening", "credit_assessment", "product_operation", "abnormal_behaviour")
    return tuple(
        TransitionRow(
            sequence=20_418 + at,
            cause=causes[at % 5],
            score=600 + at * 37 % 211 if at < count else None,
            **_outcome(at),
        )
        for at in range(count + EXPIRED_UNSEEN)
    )


def _outcome(at: int) -> dict[str, Any]:
    """What became of the line at a place in the ledger: first the reopened ones, last those at their end."""
    fields: dict[str, Any] = {"route": None, "limit_cents": None, "valid_until": None, "reasons": ()}
    if at < REOPENED and at % 31 == 7:
        return fields | {"decision": "reopen", "route": "appeal", "limit_cents": 2_000_000}
    if at < REOPENED:
        limit = 500_000 + at * 7919 % 91 * 10_000
        return fields | {"decision": "reopen", "route": "reevaluation", "limit_cents": limit}
    if at < REOPENED + FOR_A_TIME:
        end = NIGHT + datetime.timedelta(days=7)
        return fields | {
            "decision": "reopen_temporarily", "route": "campaign", "limit_cents": 200_000, "valid_until": end,
        }  # fmt: skip
    if at < REOPENED + FOR_A_TIME + RECLOSED:
        return fields | {"decision": "reclose", "reasons": ("payment_overdue", "bureau_score_low")}
    return fields | {"decision": "expire", "valid_until": NIGHT}


def _deliveries() -> tuple[DeliveryTally, ...]:
    rows = (
        ("customer", "line_reopened", 375, 371), ("customer", "line_temporarily_reopened", 37, 37),
        ("customer", "line_reclosed", 9, 9), ("customer", "temporary_line_expired", 6, 6),
        ("core_system", "reopen", 412, 412), ("core_system", "close", 15, 15),
    )  # fmt: skip
    return tuple(
        DeliveryTally(audience=audience, kind=kind, owed=owed, accepted=accepted)
        for audience, kind, owed, accepted in rows
    )


def _nights() -> tuple[PastNight, ...]:
    reopened = [0, 388, 400, 400, 397, 361, 214, 188, 241, 230, 262, 219, 305, 341, 377, 352, 298, 333, 371, 400, 412]
    return tuple(
        PastNight(
            business_date=NIGHT - datetime.timedelta(days=len(reopened) - 1 - at),
            judged=6900 + 23 * at + at * at % 17,
            reopened=lines,
            closed_again=0 if at < 2 else 14 if at == len(reopened) - 1 else at * 11 % 29,
        )
        for at, lines in enumerate(reopened)
    )


def extreme_report() -> Report:
    """A night of a very large book with very long words and very large amounts."""
    word, most = "extraordinarily_long_identifier_" * 4, 10**13
    decisions = {"keep_closed": 812_345_678, "reopen": 2}
    transitions = tuple(
        row.model_copy(update={"cause": word, "limit_cents": most, "reasons": (word,), "valid_until": NIGHT})
        for row in rich_report().transitions[:2]
    )
    breakdowns = _breakdowns((word, 812_345_680, 2, 812_345_678, 0))
    tallies = (Tally(word=word, lines=812_345_678), Tally(word=f"{word}: {word}", lines=1))
    nights = _nights() * 5
    return rich_report(
        title=word,
        portfolio=word,
        counts=Counts(
            rows=812_345_680,
            judged=812_345_680,
            not_up_for_judgement=0,
            quarantined=0,
            pending_activation=0,
            decisions=decisions,
        ),
        reopened_limit_cents=2 * most + 1,
        budget_lines=10**12,
        budget_limit_cents=10**17,
        budget_lines_spent=10**12,
        budget_limit_cents_spent=10**17,
        transitions=transitions,
        scores=(*(ScoreBucket(from_score=at, reopened=10**8, not_reopened=10**8) for at in range(0, 4000, 50)),),
        nights=tuple(night.model_copy(update={"reopened": night.reopened * 10**6}) for night in nights),
        **dict.fromkeys(("by_cause", "by_segment", "by_product"), breakdowns),
        **dict.fromkeys(("steps", "reasons", "review_queue", "quarantine", "exceptions"), tallies),
    )
