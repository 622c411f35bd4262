import datetime
import re
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigurationError
from schemas.vocabulary import NoticeKind
from tasks.notice_texts import NEEDED, chinese_day, chinese_money, english_day, english_money, render_notice

TEMPLATES = Path(__file__).parents[1] / "deployments" / "templates"
ALL = [(kind, language) for kind in NEEDED for language in ("en", "zh")]
FACTS: dict[str, Any] = {
    "lender": "Harbour Bank",
    "currency": "CNY",
    "business_date": datetime.date(2026, 10, 25),
    "limit_cents": 1_250_000,
    "valid_until": datetime.date(2026, 11, 1),
    "reasons": [
        {"means": "A payment of yours is overdue.", "helps": "Pay what is overdue."},
        {"means": "You owe more to other lenders.", "helps": "Pay down what you owe elsewhere."},
    ],
}


def rendered(kind: str, language: str = "en", **changes: Any) -> tuple[str, str]:
    notice = render_notice(kind, language, FACTS | changes, TEMPLATES)
    return notice.subject, notice.body


def test_every_kind_for_customers_has_a_template_in_both_languages_and_no_other() -> None:
    found = {path.name for path in (TEMPLATES / "notices").iterdir()}
    assert found == {f"{kind}.{language}.txt.j2" for kind, language in ALL}
    assert set(NEEDED) == set(NoticeKind) - {NoticeKind.REOPEN_REQUEST, NoticeKind.CLOSE_REQUEST}


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_a_notice_is_a_line_of_subject_and_a_tidy_body(kind: str, language: str) -> None:
    subject, body = rendered(kind, language)
    assert len(subject.splitlines()) == 1
    assert "Harbour Bank" in subject
    assert body.endswith("Harbour Bank\n")
    assert "\n\n\n" not in body
    assert not re.search(r"[ \t]+\n|\{[{%#]|None|Undefined", body)
    for jargon in (
        "decision",
        "probation",
        "policy",
        "score",
        "route",
        "campaign",
        "re-evaluat",
        "valid_until",
        "cents",
    ):
        assert jargon not in (subject + body).lower()


@pytest.mark.parametrize(
    ("kind", "language", "said"),
    [
        ("line_reopened", "en", ["open again", "CNY 12,500", "25 October 2026", "tell us and we will close it"]),
        ("line_reopened", "zh", ["已恢复", "12,500 元", "2026 年 10 月 25 日", "为您关闭"]),
        (
            "line_temporarily_reopened",
            "en",
            ["until and including 31 October 2026", "From 1 November 2026 on", "CNY 12,500"],
        ),
        ("line_temporarily_reopened", "zh", ["2026 年 10 月 31 日", "含当日", "从 2026 年 11 月 1 日起", "12,500 元"]),
        (
            "temporary_line_expired",
            "en",
            ["until and including 31 October 2026", "since 1 November 2026", "time was up"],
        ),
        ("temporary_line_expired", "zh", ["2026 年 10 月 31 日", "含当日", "自 2026 年 11 月 1 日起", "期限已到"]),
        (
            "line_reclosed",
            "en",
            ["25 October 2026", "A payment of yours is overdue.", "Pay what is overdue.", "appeal"],
        ),
        (
            "line_reclosed",
            "zh",
            ["2026 年 10 月 25 日", "A payment of yours is overdue.", "Pay what is overdue.", "申诉"],
        ),
    ],
)
def test_a_notice_says_what_changed_since_when_and_what_to_do(kind: str, language: str, said: list[str]) -> None:
    subject, body = rendered(kind, language)
    assert [each for each in said if each not in subject + body] == []


def test_a_reclosed_line_gives_every_reason_in_order_with_what_helps() -> None:
    _, body = rendered("line_reclosed")
    order = [body.index(text) for reason in FACTS["reasons"] for text in (reason["means"], reason["helps"])]
    assert order == sorted(order)


def test_the_last_day_is_the_day_before_even_across_a_leap_day() -> None:
    assert "until and including 29 February 2028" in rendered("line_temporarily_reopened", valid_until="2028-03-01")[0]


def test_dates_may_be_iso_texts() -> None:
    iso = rendered("temporary_line_expired", business_date="2026-10-25", valid_until="2026-11-01")
    assert iso == rendered("temporary_line_expired")


def test_dates_and_money_read_well_in_both_languages() -> None:
    date = datetime.date(2026, 1, 9)
    assert (english_day(date), chinese_day(date)) == ("9 January 2026", "2026 年 1 月 9 日")
    assert (english_money(1_234_550, "EUR"), chinese_money(1_234_550, "EUR")) == ("EUR 12,345.50", "12,345.50 欧元")
    assert (english_money(5_000, "JPY"), chinese_money(5_000, "JPY")) == ("JPY 5,000", "5,000 日元")
    assert chinese_money(100, "CHF") == "CHF 1"


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e"])
@pytest.mark.parametrize("place", ["lender", "means", "helps"])
def test_control_characters_and_line_breaks_are_refused(place: str, sign: str) -> None:
    value = f"secret{sign}Bcc: all@evil.example"
    reason = {"means": "x", "helps": "y"} | ({place: value} if place != "lender" else {})
    changes = {"lender": value} if place == "lender" else {"reasons": [reason]}
    with pytest.raises(ValueError, match=f"{place}.*U\\+{ord(sign[0]):04X}") as caught:
        rendered("line_reclosed", **changes)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "changes",
    [
        {"lender": "\ud800"},
        {"currency": "CNY\n"}, {"currency": "yuan"}, {"limit_cents": True}, {"limit_cents": "12"}, {"limit_cents": 1.5},
        {"limit_cents": 0}, {"business_date": 0}, {"business_date": "tomorrow"}, {"account_id": "000123"},
        {"valid_until": datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)}, {"lender": ""}, {"reasons": "overdue"},
        {"lender": "x" * 201}, {"reasons": [{"means": "x"}]},
    ],
)  # fmt: skip
def test_misshapen_facts_are_refused(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(ValueError, match=f"facts of a line_reopened notice: {name}"):
        rendered("line_reopened", **changes)


@pytest.mark.parametrize(("kind", "needed"), NEEDED.items())
def test_a_fact_that_a_kind_tells_must_be_there(kind: str, needed: tuple[str, ...]) -> None:
    for name in (*needed, "lender", "currency", "business_date"):
        facts = {key: value for key, value in FACTS.items() if key != name}
        with pytest.raises(ValueError, match=name):
            render_notice(kind, "en", facts, TEMPLATES)


@pytest.mark.parametrize("kind", ["reopen", "close", "../report", "line_reopened.en", ""])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="no notice for customers is of this kind"):
        rendered(kind)


@pytest.mark.parametrize("language", ["de", "EN", "", "../en"])
def test_other_languages_are_refused(language: str) -> None:
    with pytest.raises(ValueError, match="no notice is written in this language"):
        rendered("line_reopened", language)


# ---- data is inert, templates are held to their form ---------------------------------------------------------------

SYNTAX = "{{ 7 * 7 }} {% include 'report.css' %} {# x #} ${7} %s {0} <b>&amp;</b>"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_template_syntax_and_markup_in_data_stay_as_they_are(language: str) -> None:
    subject, body = rendered("line_reclosed", language, lender=SYNTAX, reasons=[{"means": SYNTAX, "helps": SYNTAX}])
    assert SYNTAX in subject
    assert body.count(SYNTAX) == 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (None, "is missing"),
        ("A subject\n\n{{ no_such_fact }}", "no_such_fact"),
        ("A subject\n\n{% if %}", ":3: "),
        ("\nA body", "the first line must be the subject"),
        ("A subject\n\n", "a body must follow"),
        ("A subject\n\n{{ lender.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_wrong_template_is_named(tmp_path: Path, source: str | None, said: str) -> None:
    (tmp_path / "notices").mkdir()
    if source is not None:
        (tmp_path / "notices" / "line_reopened.en.txt.j2").write_text(source, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said) as caught:
        render_notice("line_reopened", "en", FACTS, tmp_path)
    assert "line_reopened.en.txt.j2" in str(caught.value)
