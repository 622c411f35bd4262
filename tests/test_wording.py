import datetime
import enum

import pytest

from schemas import vocabulary
from tasks import wording
from tasks.report_page import TONES

UNSAID = {"AttributeType", "Answer", "LedgerState", "LineKind", "RunStatus", "Verdict"}
"""Words of the vocabulary that no report says."""


def plain(text: str) -> str:
    return text.replace(wording.NO_BREAK, " ")


def test_every_word_of_the_vocabulary_that_a_report_says_has_words() -> None:
    said = {
        vocabulary.Decision: wording.DECISIONS,
        vocabulary.Step: wording.STEPS,
        vocabulary.Route: wording.ROUTES,
        vocabulary.Audience: wording.AUDIENCES,
        vocabulary.NoticeKind: wording.NOTICES,
        vocabulary.Outcome: wording.OUTCOMES,
    }
    enums = {
        each
        for each in vars(vocabulary).values()
        if isinstance(each, type) and issubclass(each, enum.StrEnum) and each is not enum.StrEnum
    }
    assert enums == {*said, *(each for each in enums if each.__name__ in UNSAID)}
    for words, texts in said.items():
        assert set(words) == set(texts), words
        assert len(set(texts.values())) == len(texts), f"two of {words} read alike"
    assert set(wording.CAUSES) == set(vocabulary.SHIPPED_CAUSES)
    assert set(TONES) == set(vocabulary.Decision)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("credit_assessment", "Credit assessment"),
        ("micro_enterprise", "Micro enterprise"),
        ("MERCHANT-24", "MERCHANT-24"),
        ("held by the ledger", "held by the ledger"),
        ("<b>", "<b>"),
        ("", ""),
    ],
)
def test_words(code: str, said: str) -> None:
    assert wording.words(code, wording.CAUSES) == said


@pytest.mark.parametrize(
    ("cents", "currency", "said"),
    [
        (0, "EUR", "EUR 0"),
        (5, "EUR", "EUR 0.05"),
        (123_456_789_00, "CNY", "CNY 123,456,789"),
        (123_450, "USD", "USD 1,234.50"),
        (-1_001, "USD", "USD \N{MINUS SIGN}10.01"),
        (12_000, "JPY", "JPY 12,000"),
        (12_345, "KWD", "KWD 12.345"),
    ],
)
def test_money(cents: int, currency: str, said: str) -> None:
    assert plain(wording.money(cents, currency)) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "\N{EN DASH}"), (0, 7, "0.0 %"), (7, 7, "100.0 %"), (1, 3, "33.3 %"), (1, 8, "12.5 %"),
        (1, 100_000, "< 0.1 %"), (99_999, 100_000, "> 99.9 %"), (1, 2000, "0.1 %"),
    ],
)  # fmt: skip
def test_share_never_rounds_something_to_nothing_or_to_all(part: int, whole: int, said: str) -> None:
    assert plain(wording.share(part, whole)) == said


def test_dates_are_written_alike_under_every_locale() -> None:
    assert [plain(wording.day(datetime.date(2026, month, 1))).split()[1] for month in range(1, 13)] == list(
        wording.MONTHS
    )
    assert plain(wording.short_day(datetime.date(2028, 2, 29))) == "29 Feb 2028"
