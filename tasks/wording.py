"""How codes, counts, money and dates are written for people, in English."""

import datetime
from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import Audience, Decision, NoticeKind, Outcome, Route, Step

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
NOTHING: Final = "\N{EN DASH}"

DECISIONS: Final[Mapping[str, str]] = {
    Decision.REOPEN: "Reopened",
    Decision.REOPEN_TEMPORARILY: "Reopened for a time",
    Decision.KEEP_CLOSED: "Kept closed",
    Decision.REFER: "Referred to a person",
    Decision.EXPIRE: "Ended on its date",
    Decision.RECLOSE: "Closed again",
    Decision.KEEP_TEMPORARY: "Kept open for its time",
    Decision.KEEP_OPEN: "Kept open",
}
STEPS: Final[Mapping[str, str]] = {
    Step.INITIATOR: "Closed by the customer",
    Step.EXCLUSION: "Exclusion",
    Step.FREEZE: "Freeze of a product or group",
    Step.APPEAL: "Appeal",
    Step.CAUSE: "Conditions and score of the cause",
    Step.CONFIRMATION: "Confirmation by a further night",
    Step.BAND: "Score band",
    Step.LIMIT: "Limit",
    Step.BUDGET: "Budget of the night",
    Step.GRANTED: "Granted",
    Step.EXPIRY: "End of a temporary line",
    Step.PROBATION: "Probation",
    Step.TEMPORARY: "Temporary line within its time",
}
ROUTES: Final[Mapping[str, str]] = {
    Route.REEVALUATION: "Re-evaluation",
    Route.APPEAL: "Appeal",
    Route.CAMPAIGN: "Campaign",
}
CAUSES: Final[Mapping[str, str]] = {
    "credit_assessment": "Credit assessment",
    "policy_tightening": "Policy tightening",
    "product_operation": "Product operation",
    "abnormal_behaviour": "Abnormal behaviour",
    "customer_request": "Customer\N{RIGHT SINGLE QUOTATION MARK}s request",
}
OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.PUBLISHED: "Published",
    Outcome.PUBLISHED_BEFORE: "Published before",
    Outcome.HELD: "Held",
    Outcome.DRY_RUN: "Dry run",
    Outcome.PAUSED: "Paused",
}
AUDIENCES: Final[Mapping[str, str]] = {Audience.CUSTOMER: "Customers", Audience.CORE_SYSTEM: "Core system"}
NOTICES: Final[Mapping[str, str]] = {
    NoticeKind.LINE_REOPENED: "Line reopened",
    NoticeKind.LINE_TEMPORARILY_REOPENED: "Line reopened for a time",
    NoticeKind.TEMPORARY_LINE_EXPIRED: "Temporary line ended",
    NoticeKind.LINE_RECLOSED: "Line closed again",
    NoticeKind.LINE_WITHDRAWN: "Line closed again by a person",
    NoticeKind.CORRECTION_LINE_OPEN: "Correction: line stays open",
    NoticeKind.CORRECTION_LINE_CLOSED: "Correction: line stays closed",
    NoticeKind.REOPEN_REQUEST: "Request to open a line",
    NoticeKind.CLOSE_REQUEST: "Request to close a line",
}

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

MINOR_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Digits after the point where they are not 2, by ISO 4217: `_cents` are whole minor units of any currency."""


def words(code: str, known: Mapping[str, str]) -> str:
    """What a code is called: its known words, a plain code with spaces for underscores, anything else as it stands."""
    if code in known:
        return known[code]
    is_code = code.isascii() and code.replace("_", "").isalnum() and code.islower()
    return code.replace("_", " ").capitalize() if is_code else code


def number(count: int) -> str:
    """Write a count with thousands separators."""
    return f"{count:,}"


def counted(count: int, one: str, many: str) -> str:
    """Write a count with its noun, such as `1 line` or `6,013 lines`."""
    return f"{count:,}{NO_BREAK}{one if count == 1 else many}"


def share(part: int, whole: int) -> str:
    """Write a part in per cent of a whole; what is not nothing never reads 0.0, what is not all never 100."""
    if whole <= 0:
        return NOTHING
    tenths = (2000 * part + whole) // (2 * whole)
    if part and not tenths:
        return f"<{NO_BREAK}0.1{NO_BREAK}%"
    if part < whole and tenths >= 1000:  # noqa: PLR2004 - tenths of a per cent in the whole
        return f">{NO_BREAK}99.9{NO_BREAK}%"
    return f"{tenths // 10}.{tenths % 10}{NO_BREAK}%"


def amount(cents: int, currency: str) -> str:
    """Write an amount without its currency: exact, and without digits after the point where they are all zero."""
    digits = MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(abs(cents), 10**digits)
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    return f"{sign}{whole:,}" + (f".{rest:0{digits}d}" if rest else "")


def rounded(cents: int, currency: str) -> int:
    """Drop what is less than one whole unit of the currency."""
    unit: int = 10 ** MINOR_DIGITS.get(currency, 2)
    return cents // unit * unit


def money(cents: int, currency: str) -> str:
    """Write an amount after the code of its currency, such as `CNY 12,000`."""
    return f"{currency}{NO_BREAK}{amount(cents, currency)}"


def day(date: datetime.date) -> str:
    """Write a date in full, such as `5 November 2026`, the same under every locale."""
    return f"{date.day}{NO_BREAK}{MONTHS[date.month - 1]}{NO_BREAK}{date.year}"


def short_day(date: datetime.date) -> str:
    """Write a date for tables and axes, such as `5 Nov 2026`."""
    return f"{date.day}{NO_BREAK}{MONTHS[date.month - 1][:3]}{NO_BREAK}{date.year}"
