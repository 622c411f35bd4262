"""How the lines of a synthetic world change from one night to the next.

Monthly attributes move on month ends, a line's bureau file once a week, the rest a little every night. On the day on
which a person relapses, payments fail, an excluding fact turns true, or the bureau's score falls.
"""

import datetime
from typing import Final

import numpy as np

from tasks.sample_data.book import (
    ALERT_CLEARED,
    ALERT_OPEN,
    ASSESSMENT,
    BEHAVIOUR,
    CLOSED,
    ISSUER,
    OPEN,
    UNKNOWN,
    Book,
    Booleans,
    late_now,
    show_worst,
)
from tasks.sample_data.population import REGISTER_EVERY_DAYS, chance, show_plans
from tasks.sample_data.trajectories import MONTHS_LATE_MAX, RECOVERS, STABLE_BAD, next_months_late

_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
_RELAPSE_FACTS: Final = ("insolvency_open", "fraud_confirmed", "on_hardship_plan", "legal_action")
_OPEN_LINE_CLOSES_AT_MONTHS: Final = 3


def next_night(rng: np.random.Generator, book: Book) -> None:
    """Move the lines of `book` on by one day, in place."""
    book.today += 1
    tomorrow = datetime.date.fromordinal(_EPOCH + book.today + 1)
    if tomorrow.day == 1:
        _month_end(rng, book)
    else:
        _arrears(rng, book)
    _weekly_bureau_file(rng, book)
    _registers_and_lists(book)
    _income_proofs(rng, book)
    _debts(rng, book)
    _alerts(rng, book)
    _relapses(rng, book)
    show_plans(book)


def _arrears(rng: np.random.Generator, book: Book) -> None:
    """Let what is overdue grow by a day; short delays begin and end."""
    lines, overdue = len(book.kind), book.columns["days_past_due"]
    short = (overdue > 0) & (late_now(book) == 0)
    grown = np.where(overdue > 0, overdue + 1, chance(rng, lines, 0.0015))
    book.columns["days_past_due"] = np.where(short & chance(rng, lines, 0.12), 0, grown)


def _month_end(rng: np.random.Generator, book: Book) -> None:
    """Settle a month: months late, streak, worst lateness, cured defaults; open lines far behind are closed."""
    columns = book.columns
    before = late_now(book)
    now = next_months_late(rng, book.kind, before)
    book.months_late[:, 1:] = book.months_late[:, :-1].copy()
    book.months_late[:, 0] = now
    show_worst(book)
    overdue = 30 * (now - 1) + book.plans["due_day"]
    overdue = np.where(now > before, np.maximum(overdue, columns["days_past_due"] + 1), overdue)
    columns["days_past_due"] = np.where(now > 0, overdue, 0)
    columns["on_time_streak_months"] = np.where(now > 0, 0, columns["on_time_streak_months"] + 1)
    cured, begins = (columns["in_default"] == 1) & (before > 0) & (now == 0), now > 2  # noqa: PLR2004 - as on the first night
    columns["in_default"] = np.select([cured, begins], [0, 1], columns["in_default"])
    columns["default_cured_on"] = np.select([cured, begins], [book.today, UNKNOWN], columns["default_cured_on"])
    columns["charged_off"] = np.where(now >= MONTHS_LATE_MAX - 1, 1, columns["charged_off"])
    _close(book, (columns["line_status"] == OPEN) & (now >= _OPEN_LINE_CLOSES_AT_MONTHS), ASSESSMENT)


def _close(book: Book, lines: Booleans, cause: int) -> None:
    """Close lines today, open or closed before; the limit stays what it was."""
    columns = book.columns
    for name, value in (
        ("line_status", CLOSED),
        ("closed_on", book.today),
        ("closure_cause", cause),
        ("closure_initiator", ISSUER),
    ):
        columns[name] = np.where(lines, value, columns[name])
    book.plans["appeal_received_on"] = np.where(lines, UNKNOWN, book.plans["appeal_received_on"])
    columns["objection_outcome"] = np.where(lines, UNKNOWN, columns["objection_outcome"])


def _weekly_bureau_file(rng: np.random.Generator, book: Book) -> None:
    """Renew the bureau's columns of the lines whose weekday this is."""
    columns = book.columns
    rows = np.flatnonzero(book.plans["bureau_weekday"] == (book.today + 3) % 7)  # day 0 was a Thursday
    count = len(rows)
    bad = book.kind[rows] == STABLE_BAD
    score = columns["bureau_score"][rows] + np.rint(rng.normal(np.where(bad, -1.0, 4.0), 6.0)).astype(np.int64)
    columns["bureau_score"][rows] = np.clip(score, 300, 900)
    columns["bureau_observed_on"][rows] = book.today
    applied = chance(rng, count, 0.03) | (bad & chance(rng, count, 0.08))
    recent = columns["hard_enquiries_3m_count"][rows]
    older = columns["hard_enquiries_6m_count"][rows] - recent
    recent = np.maximum(recent + applied - chance(rng, count, 0.06), 0)
    columns["hard_enquiries_3m_count"][rows] = recent
    columns["hard_enquiries_6m_count"][rows] = recent + older
    paid = np.where(bad, -rng.integers(0, 8, count), rng.integers(0, 12, count))
    columns["other_debt_cents"][rows] -= columns["other_debt_cents"][rows] * paid // 1_000


def _registers_and_lists(book: Book) -> None:
    """Ask the insolvency register again where it is time, and the sanctions lists about nearly everybody every night."""
    columns, today = book.columns, book.today
    asked = columns["insolvency_observed_on"]
    due = (asked != UNKNOWN) & (today - asked >= REGISTER_EVERY_DAYS)
    columns["insolvency_observed_on"] = np.where(due, today, asked)
    columns["sanctions_observed_on"] = np.where(book.plans["is_screened"], today, columns["sanctions_observed_on"])


def _income_proofs(rng: np.random.Generator, book: Book) -> None:
    """Some customers prove their income anew; those who recover have a little less debt to serve then."""
    columns = book.columns
    proved = chance(rng, len(book.kind), 0.004) & (columns["monthly_income_cents"] != UNKNOWN)
    columns["income_observed_on"] = np.where(proved, book.today, columns["income_observed_on"])
    less = np.where(proved & (book.kind == RECOVERS), 400, 0)
    service = columns["debt_service_to_income_bp"]
    columns["debt_service_to_income_bp"] = np.where(proved, np.maximum(service - less, 100), service)


def _debts(rng: np.random.Generator, book: Book) -> None:
    """Let what is drawn drift: down for most, up for those who stay bad."""
    lines, columns = len(book.kind), book.columns
    drift = np.where(book.kind == STABLE_BAD, rng.integers(-10, 36, lines), rng.integers(-70, 11, lines))
    drawn = np.clip(columns["utilisation_bp"] + drift, 0, 15_000)
    paid = columns["balance_cents"] * rng.integers(0, 12, lines) // 1_000
    columns["utilisation_bp"] = drawn
    columns["balance_cents"] = np.where(
        columns["line_status"] == OPEN,
        columns["closed_limit_cents"] * drawn // 10_000,
        columns["balance_cents"] - np.where(book.kind == STABLE_BAD, 0, paid),
    )


def _alerts(rng: np.random.Generator, book: Book) -> None:
    """Clear some open alerts and raise a few: a line with a new alert is closed, even one that was closed before."""
    lines, columns = len(book.kind), book.columns
    status = columns["alert_status"]
    cleared = (status == ALERT_OPEN) & chance(rng, lines, 0.03)
    raised = (status != ALERT_OPEN) & chance(rng, lines, 0.0003)
    columns["alert_status"] = np.select([cleared, raised], [ALERT_CLEARED, ALERT_OPEN], status)
    cleared_on = np.where(cleared, book.today, columns["alert_cleared_on"])
    columns["alert_cleared_on"] = np.where(raised, UNKNOWN, cleared_on)
    _close(book, raised, BEHAVIOUR)


def _relapses(rng: np.random.Generator, book: Book) -> None:
    """Make today's relapses visible: payments fail, an excluding fact turns true, or the bureau's score falls."""
    rows = np.flatnonzero(book.relapses_on == book.today)
    columns = book.columns
    way = rng.random(len(rows))
    behind, excluded, falls = np.split(rows[np.argsort(way)], np.searchsorted(np.sort(way), [0.5, 0.75]))
    columns["days_past_due"][behind] = np.maximum(columns["days_past_due"][behind], rng.integers(31, 76, len(behind)))
    book.months_late[behind, 0] = np.maximum(book.months_late[behind, 0], 2)
    fact = rng.integers(0, len(_RELAPSE_FACTS), len(excluded))
    for position, name in enumerate(_RELAPSE_FACTS):
        columns[name][excluded[fact == position]] = 1
    columns["insolvency_observed_on"][excluded[fact == _RELAPSE_FACTS.index("insolvency_open")]] = book.today
    falls = falls[columns["bureau_score"][falls] != UNKNOWN]
    columns["bureau_score"][falls] = np.maximum(columns["bureau_score"][falls] - rng.integers(90, 200, len(falls)), 300)
    columns["bureau_observed_on"][falls] = book.today
    columns["hard_enquiries_3m_count"][falls] += 3
    columns["hard_enquiries_6m_count"][falls] += 3
    columns["utilisation_bp"][rows] = np.minimum(columns["utilisation_bp"][rows] + 2_500, 15_000)
    book.kind[rows] = STABLE_BAD
