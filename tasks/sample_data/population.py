"""Who the lines of a synthetic world are on its first night: people, closings, payments, debts and alerts.

All of it is invented but for the monthly lateness (see `trajectories`). Amounts suit a currency in which a monthly
income is some thousands.
"""

import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.sample_data.book import (
    ALERT_CLEARED,
    APPEAL_IN_REVIEW,
    APPEAL_RECEIVED,
    APPEAL_REFUSED,
    APPEAL_UPHELD,
    ASSESSMENT,
    AUTUMN_SAVER,
    BEHAVIOUR,
    CLOSED,
    EXCLUDING,
    KEPT_CLOSED,
    MICRO,
    NO_APPEAL,
    NO_CAMPAIGN,
    OPEN,
    OPERATION,
    REQUEST,
    UNKNOWN,
    Book,
    Booleans,
    Integers,
    late_now,
    show_worst,
)
from tasks.sample_data.trajectories import (
    HISTORY_MONTHS,
    KIND_SHARES,
    MONTHS_LATE_MAX,
    RELAPSES,
    STABLE_BAD,
    months_late_history,
)

REVIEW_AFTER_DAYS, REVIEWED_AFTER_DAYS = 3, 10
REGISTER_EVERY_DAYS: Final = 28
"""How often the insolvency register is asked about a line."""
EXCLUDED_SHARES: Final = (0.0015, 0.006, 0.003, 0.006, 0.001, 0.012, 0.008, 0.01, 0.006)
"""How common each of `EXCLUDING` is."""
INVITED_DAYS: Final = 120
"""Lines closed by an assessment within so many days are invited to the campaign."""
WORK_SHARES: Final = (
    (0.66, 0.12, 0.06, 0.10, 0.00, 0.06),
    (0.00, 0.20, 0.02, 0.00, 0.78, 0.00),
    (0.06, 0.02, 0.90, 0.02, 0.00, 0.00),
)
"""By customer segment: how common each kind of employment is."""


def pick(rng: np.random.Generator, lines: int, shares: tuple[float, ...]) -> Integers:
    """Draw a position in `shares` per line, each as often as its share of their sum."""
    edges = np.cumsum(shares)[:-1] / sum(shares)
    return np.searchsorted(edges, rng.random(lines), side="right")


def chance(rng: np.random.Generator, lines: int, share: float) -> Booleans:
    """Draw true for about `share` of the lines."""
    return rng.random(lines, dtype=np.float32) < share


def whole(values: npt.NDArray[np.float64], low: int, high: int) -> Integers:
    """Round to whole numbers from `low` to `high`."""
    return np.clip(np.rint(values), low, high).astype(np.int64)


def first_night(rng: np.random.Generator, lines: int, today: int) -> Book:
    """Draw `lines` lines as they are on the first night, day `today` since 1970-01-01."""
    kind = pick(rng, lines, KIND_SHARES)
    columns = {"customer_segment": pick(rng, lines, (0.75, 0.12, 0.13))}
    micro = columns["customer_segment"] == MICRO
    columns["product_code"] = np.where(
        micro, np.where(chance(rng, lines, 0.7), 2, 0), pick(rng, lines, (0.7, 0.3))
    )  # merchant lines are for micro-enterprises
    columns |= _closing(rng, lines, today)
    months_late = months_late_history(rng, kind, _trouble_months_ago(rng, columns, today))
    still_open = columns["line_status"] == OPEN
    months_late[still_open] = np.minimum(months_late[still_open], 2)  # further behind they would have been closed
    relapses_on = np.where(kind == RELAPSES, today + rng.integers(3, 61, lines), UNKNOWN)
    book = Book(today, columns, kind, months_late, relapses_on, plans={})
    _payments(rng, book)
    _income_and_debt(rng, book)
    _bureau(rng, book)
    _alerts_and_exclusions(rng, book)
    _plans(rng, book)
    _questions_to_others(rng, book)
    show_plans(book)
    return book


def _closing(rng: np.random.Generator, lines: int, today: int) -> dict[str, Integers]:
    """Status, and date, cause and initiator of the closing: about 30 % of the lines, most within two years."""
    closed = chance(rng, lines, 0.3)
    cause = pick(rng, lines, (0.45, 0.20, 0.12, 0.13, 0.10))
    days_ago = 1 + whole(rng.exponential(270.0, lines), 0, 2500)
    by_customer = (cause == REQUEST) | chance(rng, lines, 0.004)
    return {
        "line_status": closed.astype(np.int64),
        "closed_on": np.where(closed, today - days_ago, UNKNOWN),
        "closure_cause": np.where(closed, cause, UNKNOWN),
        "closure_initiator": np.where(closed, by_customer, UNKNOWN),
    }


def _trouble_months_ago(rng: np.random.Generator, columns: dict[str, Integers], today: int) -> Integers:
    """How many month ends ago the lateness was that closed a line; -1 for lines that something else closed."""
    cause = columns["closure_cause"]
    late = np.where(cause == ASSESSMENT, 0.6, np.where(cause == BEHAVIOUR, 0.3, 0.0)) > rng.random(len(cause))
    return np.where(late, (today - columns["closed_on"]) // 30, -1)


def _payments(rng: np.random.Generator, book: Book) -> None:
    """Lateness today, its worst, streaks, defaults that go on or were cured, and restructurings."""
    lines, now, columns = len(book.kind), late_now(book), book.columns
    late = book.months_late > 0
    older = whole(rng.exponential(30.0, lines), 0, 200)
    book.plans["due_day"] = rng.integers(1, 10, lines)
    short_delay = np.where(chance(rng, lines, 0.02), rng.integers(1, 15, lines), 0)
    into_month = datetime.date.fromordinal(datetime.date(1970, 1, 1).toordinal() + book.today).day
    overdue = 30 * (now - 1) + book.plans["due_day"] + into_month
    columns["days_past_due"] = np.where(now > 0, overdue, short_delay)
    columns["on_time_streak_months"] = np.where(late.any(axis=1), late.argmax(axis=1), HISTORY_MONTHS + older)
    show_worst(book)
    default = book.months_late > 2  # noqa: PLR2004 - more than 60 days, almost 90
    cured = book.today - 30 * default.argmax(axis=1) - rng.integers(1, 28, lines)
    last_on_time = np.where(late.all(axis=1), HISTORY_MONTHS, (~late).argmax(axis=1))
    goes_on = default.any(axis=1) & (default.argmax(axis=1) < last_on_time)
    known = default.any(axis=1) & ~goes_on
    long_ago = chance(rng, lines, 0.02)
    cured = np.where(known, cured, book.today - rng.integers(720, 2500, lines))
    columns["default_cured_on"] = np.where((known | long_ago) & ~goes_on, cured, UNKNOWN)
    columns["in_default"] = goes_on.astype(np.int64)
    restructured = book.today - rng.integers(10, 1800, lines)
    columns["restructured_on"] = np.where(chance(rng, lines, 0.02), restructured, UNKNOWN)


def _income_and_debt(rng: np.random.Generator, book: Book) -> None:
    """Income, employment, turnover, limits, what is drawn and owed; some of it missing or old."""
    lines, columns = len(book.kind), book.columns
    segment, bad = columns["customer_segment"], book.kind == STABLE_BAD
    late = np.minimum(late_now(book), 3)
    income = np.array([320_000, 110_000, 460_000])[segment] * rng.lognormal(0.0, 0.4, lines)
    limit = income * rng.uniform(0.4, 2.2, lines)
    columns["closed_limit_cents"] = np.maximum(whole(limit, 0, 20_000_000) // 10_000 * 10_000, 100_000)
    drawn = 10_000 * np.where(bad, rng.beta(4.0, 2.5, lines), rng.beta(2.4, 2.2, lines)) + 600 * late
    columns["utilisation_bp"] = whole(drawn, 0, 15_000)
    kept = np.where(columns["line_status"] == OPEN, 100, rng.integers(0, 60, lines))
    columns["balance_cents"] = columns["closed_limit_cents"] * columns["utilisation_bp"] // 1_000_000 * kept
    service = rng.normal(3_300.0, 1_200.0, lines) + 1_200 * bad
    missing, undated = chance(rng, lines, 0.04), chance(rng, lines, 0.01)
    columns["debt_service_to_income_bp"] = np.where(missing, UNKNOWN, whole(service, 150, 15_000))
    columns["monthly_income_cents"] = np.where(missing, UNKNOWN, whole(income, 20_000, 5_000_000) // 100 * 100)
    age = np.where(chance(rng, lines, 0.04), rng.integers(401, 720, lines), rng.integers(0, 380, lines))
    columns["income_observed_on"] = np.where(missing | undated, UNKNOWN, book.today - age)
    columns["other_debt_cents"] = whole(income * rng.lognormal(np.where(bad, 0.8, -0.2), 0.8, lines), 0, 10**10)
    work = np.choose(segment, [pick(rng, lines, shares) for shares in WORK_SHARES])
    columns["employment"] = np.where(chance(rng, lines, 0.02), UNKNOWN, work)
    known = (segment == MICRO) & ~chance(rng, lines, 0.1)
    turnover = whole(rng.normal(np.where(bad, -1_500.0, 300.0), 1_800.0, lines), -9_000, 30_000)
    columns["turnover_change_bp"] = np.where(known, turnover, UNKNOWN)
    age = np.where(chance(rng, lines, 0.08), rng.integers(121, 300, lines), rng.integers(0, 100, lines))
    columns["turnover_observed_on"] = np.where(known, book.today - age, UNKNOWN)


def _bureau(rng: np.random.Generator, book: Book) -> None:
    """Score, applications, and the date of the bureau's file, which comes once a week on a weekday of its own."""
    lines, columns, bad = len(book.kind), book.columns, book.kind == STABLE_BAD
    late = np.minimum(late_now(book), 4)
    score = rng.normal(np.where(bad, 605.0, 680.0), 60.0, lines) - 22 * late
    recent = rng.poisson(np.where(bad, 1.5, 0.6), lines)
    older = rng.poisson(np.where(chance(rng, lines, 0.12), 4.0, 0.5), lines)
    missing, old = chance(rng, lines, 0.015), chance(rng, lines, 0.03)
    book.plans["bureau_weekday"] = np.where(missing | old, -1, rng.integers(0, 7, lines))
    age = np.where(old, rng.integers(36, 200, lines), (book.today - book.plans["bureau_weekday"] + 3) % 7)
    columns["bureau_score"] = np.where(missing, UNKNOWN, whole(score, 300, 900))
    columns["hard_enquiries_3m_count"] = np.where(missing, UNKNOWN, recent)
    columns["hard_enquiries_6m_count"] = np.where(missing, UNKNOWN, recent + older)
    columns["bureau_observed_on"] = np.where(missing, UNKNOWN, book.today - age)
    columns["other_debt_cents"] = np.where(missing, UNKNOWN, columns["other_debt_cents"])


def _alerts_and_exclusions(rng: np.random.Generator, book: Book) -> None:
    """The last alert and the facts that exclude; a few of the facts are not known."""
    lines, columns = len(book.kind), book.columns
    behaviour = columns["closure_cause"] == BEHAVIOUR
    status = np.where(behaviour, pick(rng, lines, (0.0, 0.3, 0.7)), pick(rng, lines, (0.95, 0.01, 0.04)))
    since = np.where(behaviour, book.today - columns["closed_on"], 900)
    cleared_on = book.today - (since * rng.random(lines)).astype(np.int64)
    columns["alert_status"] = status
    columns["alert_cleared_on"] = np.where(status == ALERT_CLEARED, cleared_on, UNKNOWN)
    for name, share in zip(EXCLUDING, EXCLUDED_SHARES, strict=True):
        columns[name] = chance(rng, lines, share).astype(np.int64)
    columns["charged_off"] |= late_now(book) >= MONTHS_LATE_MAX - 1
    withdrawn = (columns["closure_cause"] == OPERATION) & chance(rng, lines, 0.15)
    columns["product_withdrawn"] |= withdrawn
    for name in ("sanctions_hit", "insolvency_open", "objects_to_automated_decisions"):
        columns[name][chance(rng, lines, 0.001)] = UNKNOWN


def _plans(rng: np.random.Generator, book: Book) -> None:
    """When appeals were or will be received, campaigns completed and pauses end."""
    lines, columns, today = len(book.kind), book.columns, book.today
    closed_on, cause = columns["closed_on"], columns["closure_cause"]
    received = today + rng.integers(-60, 15, lines)
    appeals = (columns["line_status"] == CLOSED) & (cause != REQUEST) & (received > closed_on) & chance(rng, lines, 0.1)
    book.plans["appeal_received_on"] = np.where(appeals, received, UNKNOWN)
    upheld = chance(rng, lines, 0.35) & (columns["days_past_due"] == 0)
    book.plans["appeal_outcome"] = np.where(upheld, APPEAL_UPHELD, APPEAL_REFUSED)
    invited = (cause == ASSESSMENT) & (today - closed_on < INVITED_DAYS)
    completes = chance(rng, lines, 0.03) | (invited & chance(rng, lines, 0.6))
    book.plans["campaign_completed_on"] = np.where(completes, today + rng.integers(-32, 15, lines), UNKNOWN)
    paused = (cause == OPERATION) & chance(rng, lines, 0.6) | chance(rng, lines, 0.01)
    book.plans["pause_ends_on"] = np.where(paused, today + rng.integers(1, 61, lines), UNKNOWN)


def _questions_to_others(rng: np.random.Generator, book: Book) -> None:
    """Defaults on other debts, what people decided about customers who object, and when registers and lists were asked."""
    lines, columns, today = len(book.kind), book.columns, book.today
    elsewhere = chance(rng, lines, 0.003)
    columns["in_default"] |= elsewhere
    columns["default_cured_on"] = np.where(elsewhere, UNKNOWN, columns["default_cured_on"])
    objects = (columns["objects_to_automated_decisions"] == 1) & (columns["line_status"] == CLOSED)
    columns["objection_outcome"] = np.where(objects & chance(rng, lines, 0.4), KEPT_CLOSED, UNKNOWN)
    asked = today - rng.integers(0, REGISTER_EVERY_DAYS, lines)
    columns["insolvency_observed_on"] = np.where(chance(rng, lines, 0.001), UNKNOWN, asked)
    book.plans["is_screened"] = (~chance(rng, lines, 0.001)).astype(np.int64)
    columns["sanctions_observed_on"] = today - np.where(book.plans["is_screened"], 0, rng.integers(4, 30, lines))


def show_plans(book: Book) -> None:
    """Show what of the plans has come true by today: appeals, campaigns, pauses."""
    columns, plans, today = book.columns, book.plans, book.today
    received = plans["appeal_received_on"]
    none_yet = (received == UNKNOWN) | (received > today)
    waits, in_review = received + REVIEW_AFTER_DAYS > today, received + REVIEWED_AFTER_DAYS > today
    columns["appeal_status"] = np.select(
        [none_yet, waits, in_review], [NO_APPEAL, APPEAL_RECEIVED, APPEAL_IN_REVIEW], plans["appeal_outcome"]
    )
    decided = columns["appeal_status"] >= APPEAL_UPHELD
    columns["appeal_decided_on"] = np.where(decided, received + REVIEWED_AFTER_DAYS, UNKNOWN)
    completed = (plans["campaign_completed_on"] != UNKNOWN) & (plans["campaign_completed_on"] <= today)
    columns["campaign_code"] = np.where(completed, AUTUMN_SAVER, NO_CAMPAIGN)
    columns["campaign_completed_on"] = np.where(completed, plans["campaign_completed_on"], UNKNOWN)
    columns["product_paused"] = (plans["pause_ends_on"] > today).astype(np.int64)  # UNKNOWN is before every day
