"""Which dates a portfolio has nights on, and which of them are due; no clock is read here."""

import calendar
import datetime
from collections.abc import Sequence

from schemas.errors import NightRefused
from schemas.portfolio import Calendar, Portfolio

_DAY = datetime.timedelta(days=1)
_FRIDAY = 4
_WORDS = {
    Calendar.WEEKDAYS: "a Monday to Friday",
    Calendar.MONTH_END: "the last day of a month",
}


def due_dates(
    portfolio: Portfolio, last_settled: datetime.date | None, delivered: Sequence[datetime.date]
) -> list[datetime.date]:
    """The business dates that should have been judged by now, oldest first.

    Args:
        portfolio: its calendar and its first business date.
        last_settled: the newest date that was published or discarded; nothing up to it is due.
        delivered: the dates for which the source holds a snapshot; the newest one is the last that can be due. With
            the calendar `as_delivered` exactly these can be due; with another a date that was not delivered is due too.
    """
    if not delivered:
        return []
    first = portfolio.first_business_date
    if last_settled is not None:
        first = max(first, last_settled + _DAY)
    last = max(delivered)
    if portfolio.calendar is Calendar.AS_DELIVERED:
        return sorted({date for date in delivered if date >= first})
    days = (first + _DAY * offset for offset in range((last - first).days + 1))
    return [date for date in days if is_business_date(portfolio, date)]


def is_business_date(portfolio: Portfolio, date: datetime.date) -> bool:
    """Whether `date` is one of the portfolio's calendar, wherever the calendar begins."""
    match portfolio.calendar:
        case Calendar.WEEKDAYS:
            return date.weekday() <= _FRIDAY
        case Calendar.MONTH_END:
            return date.day == calendar.monthrange(date.year, date.month)[1]
        case _:
            return True


def check_in_window(portfolio: Portfolio, date: datetime.date, today: datetime.date) -> None:
    """Refuse a business date that this portfolio cannot have a night for.

    Args:
        portfolio: its calendar and its first business date.
        date: the business date that was asked for.
        today: the date in the portfolio's time zone.

    Raises:
        NightRefused: the date is before the first business date, after today, or not one of the calendar.
    """
    name = portfolio.portfolio
    if date < portfolio.first_business_date:
        raise NightRefused(f"{date} is before {portfolio.first_business_date}, the first business date of {name}")
    if date > today:
        raise NightRefused(f"{date} has not ended: today is {today} in {portfolio.time_zone}, where {name} is kept")
    if not is_business_date(portfolio, date):
        words = _WORDS[portfolio.calendar]
        raise NightRefused(f"{date} is a {date:%A} and not {words}, as the calendar of {name} asks; give another date")
