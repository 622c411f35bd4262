"""A book of synthetic lines: what a snapshot shows of each of them, and what stays hidden."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.vocabulary import CORE_ALLOWED, SHIPPED_CAUSES, AttributeType

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

UNKNOWN: Final = np.iinfo(np.int64).min

_I, _B, _D, _C = AttributeType.INTEGER, AttributeType.BOOLEAN, AttributeType.DATE, AttributeType.CATEGORY
EXCLUDING: Final = (
    "deceased",
    "insolvency_open",
    "fraud_confirmed",
    "charged_off",
    "sanctions_hit",
    "on_hardship_plan",
    "legal_action",
    "product_withdrawn",
    "objects_to_automated_decisions",
)
ATTRIBUTES: Final[dict[str, AttributeType]] = {
    "days_past_due": _I,
    "on_time_streak_months": _I,
    "worst_late_6m_months": _I,
    "worst_late_24m_months": _I,
    "in_default": _B,
    "default_cured_on": _D,
    "restructured_on": _D,
    "utilisation_bp": _I,
    "debt_service_to_income_bp": _I,
    "monthly_income_cents": _I,
    "other_debt_cents": _I,
    "employment": _C,
    "bureau_score": _I,
    "hard_enquiries_3m_count": _I,
    "hard_enquiries_6m_count": _I,
    "alert_status": _C,
    "alert_cleared_on": _D,
    **dict.fromkeys(EXCLUDING, _B),
    "objection_outcome": _C,
    "product_paused": _B,
    "appeal_status": _C,
    "appeal_decided_on": _D,
    "campaign_code": _C,
    "campaign_completed_on": _D,
    "turnover_change_bp": _I,
    "income_observed_on": _D,
    "bureau_observed_on": _D,
    "turnover_observed_on": _D,
    "insolvency_observed_on": _D,
    "sanctions_observed_on": _D,
}
"""What a snapshot carries beside the core columns, in this order."""

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "product_code": ("revolving_card", "instalment_line", "merchant_line"),
    "customer_segment": ("consumer", "student", "micro_enterprise"),
    **CORE_ALLOWED,
    "closure_cause": SHIPPED_CAUSES,
    "employment": ("full_time", "part_time", "self_employed", "retired", "student", "none"),
    "alert_status": ("none_raised", "open", "cleared"),
    "objection_outcome": ("kept_closed",),
    "appeal_status": ("no_appeal", "received", "under_review", "upheld", "refused"),
    "campaign_code": ("AUTUMN_SAVER", "no_campaign"),
}
"""The values of every category; a column holds positions in them."""

CONSUMER, STUDENT, MICRO = range(3)
OPEN, CLOSED = range(2)
ISSUER, CUSTOMER = range(2)
ASSESSMENT, TIGHTENING, OPERATION, BEHAVIOUR, REQUEST = range(5)
NONE_RAISED, ALERT_OPEN, ALERT_CLEARED = range(3)
KEPT_CLOSED = 0
NO_APPEAL, APPEAL_RECEIVED, APPEAL_IN_REVIEW, APPEAL_UPHELD, APPEAL_REFUSED = range(5)
AUTUMN_SAVER, NO_CAMPAIGN = range(2)


@dataclass
class Book:
    """Some lines on one date; every array has one entry per line.

    Attributes:
        today: the business date in days since 1970-01-01.
        columns: what a snapshot shows but for id and business date: whole numbers, days since 1970-01-01, positions in
            `WORDS`, 0 and 1 for booleans; `UNKNOWN` where a value is.
        kind: what kind of person stands behind the line (see `trajectories`).
        months_late: (lines, 24), the latest month end first.
        relapses_on: the day on which a person of that kind falls behind, `UNKNOWN` for others.
        plans: what is bound to happen, and when: days and other whole numbers that no snapshot shows.
    """

    today: int
    columns: dict[str, Integers]
    kind: Integers
    months_late: npt.NDArray[np.uint8]
    relapses_on: Integers
    plans: dict[str, Integers]


def late_now(book: Book) -> Integers:
    """Months late at the latest month end."""
    return book.months_late[:, 0].astype(np.int64)


def show_worst(book: Book) -> None:
    """Show the worst lateness of the last 6 and 24 month ends."""
    book.columns["worst_late_6m_months"] = book.months_late[:, :6].max(axis=1).astype(np.int64)
    book.columns["worst_late_24m_months"] = book.months_late.max(axis=1).astype(np.int64)
