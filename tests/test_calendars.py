"""Which dates are due, and which may have a night at all."""

import datetime
from typing import Any

import pytest

from schemas.errors import NightRefused
from schemas.portfolio import Portfolio
from tasks.calendars import check_in_window, due_dates
from tests.sources.small_snapshots import portfolio

FIRST = datetime.date(2026, 10, 1)


def days(*numbers: int, month: int = 10) -> list[datetime.date]:
    """Days of October 2026, or of another month."""
    return [datetime.date(2026, month, number) for number in numbers]


def of_calendar(name: str, first: datetime.date = FIRST) -> Portfolio:
    """A portfolio with a calendar and a first business date."""
    return portfolio(calendar=name, first_business_date=first)


@pytest.mark.parametrize(
    ("calendar", "last_published", "delivered", "due"),
    [
        ("daily", None, days(3), days(1, 2, 3)),
        ("daily", days(2)[0], days(1, 2, 3, 4), days(3, 4)),
        ("daily", days(4)[0], days(1, 2, 3, 4), []),
        ("daily", None, [], []),
        ("daily", None, days(30, month=9), []),
        ("weekdays", None, days(6), days(1, 2, 5, 6)),
        ("weekdays", days(2)[0], days(4), []),
        ("month_end", None, [*days(31), *days(1, month=12)], [*days(31), *days(30, month=11)]),
        ("month_end", None, days(30), []),
        ("as_delivered", None, days(5, 3, 3), days(3, 5)),
        ("as_delivered", days(3)[0], days(3, 5, 9), days(5, 9)),
        ("as_delivered", None, [*days(29, month=9), *days(2)], days(2)),
        ("as_delivered", None, [], []),
    ],
)
def test_due_are_the_dates_of_the_calendar_after_the_last_published_up_to_the_newest_delivered(
    calendar: str, last_published: datetime.date | None, delivered: list[datetime.date], due: list[datetime.date]
) -> None:
    assert due_dates(of_calendar(calendar), last_published, delivered) == due


def test_a_date_that_was_not_delivered_is_due_all_the_same() -> None:
    assert due_dates(of_calendar("daily"), FIRST, days(4)) == days(2, 3, 4)


def test_a_first_business_date_that_moved_on_skips_what_lies_before() -> None:
    assert due_dates(of_calendar("daily", days(5)[0]), FIRST, days(6)) == days(5, 6)


def test_the_end_of_february_follows_the_leap_year() -> None:
    leap = of_calendar("month_end", datetime.date(2028, 2, 1))
    assert due_dates(leap, None, [datetime.date(2028, 3, 30)]) == [datetime.date(2028, 2, 29)]


@pytest.mark.parametrize(
    ("calendar", "date", "today", "words"),
    [
        (
            "daily",
            days(30, month=9)[0],
            days(5)[0],
            "2026-09-30 is before 2026-10-01, the first business date of small",
        ),
        ("daily", datetime.date(1970, 1, 1), days(5)[0], "1970-01-01 is before 2026-10-01"),
        ("daily", days(6)[0], days(5)[0], "2026-10-06 has not ended: today is 2026-10-05 in Europe/Berlin"),
        ("daily", datetime.date(9999, 12, 31), days(5)[0], "9999-12-31 has not ended"),
        ("weekdays", days(3)[0], days(5)[0], "2026-10-03 is a Saturday and not a Monday to Friday"),
        ("month_end", days(30)[0], days(31)[0], "2026-10-30 is a Friday and not the last day of a month"),
    ],
)
def test_a_date_outside_the_window_is_refused_with_its_reason(calendar: str, date: Any, today: Any, words: str) -> None:
    with pytest.raises(NightRefused) as refused:
        check_in_window(of_calendar(calendar), date, today)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("calendar", "date"),
    [
        ("daily", days(1)[0]),
        ("daily", days(5)[0]),
        ("weekdays", days(5)[0]),
        ("month_end", days(31)[0]),
        ("as_delivered", days(3)[0]),
    ],
)
def test_a_date_inside_the_window_may_have_a_night(calendar: str, date: datetime.date) -> None:
    assert check_in_window(of_calendar(calendar), date, max(date, days(5)[0])) is None
