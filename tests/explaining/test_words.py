"""The words of explanations: both languages, every code, every name of the shipped policies, and how lines are laid out."""

# ruff: noqa: RUF001 - Chinese signs and the signs of sums are meant

import datetime
import re
from dataclasses import fields
from pathlib import Path

import pytest

from schemas import snapshot
from schemas.errors import FileRefused
from schemas.explanation import Condition, ConditionKind, ScoreStep, Value
from schemas.vocabulary import (
    EXPRESSION_NAMES,
    SHIPPED_CAUSES,
    Answer,
    AttributeType,
    Decision,
    Route,
    Step,
)
from tasks.decisioning.rules import Rules, closed_values
from tasks.explanation_words import CHINESE, ENGLISH, Vocabulary
from tasks.policy_files import load_policy
from tasks.series_words import load_words
from tasks.settings import CHECKOUT
from tasks.speaking import Speaker
from tasks.terminal_lines import laid_out, padded, width

POLICIES = CHECKOUT / "deployments" / "policies"
TEMPLATES = CHECKOUT / "deployments" / "templates" / "explain"
SERIES = {"consumer-revolving": "2026-10", "uci-cards": "2005-04"}
DATE = datetime.date(2026, 11, 8)


def rules_of(series: str) -> Rules:
    return load_policy(POLICIES / series / f"{SERIES[series]}.yaml").rules


def speaker(language: str, words: dict[str, str] | None = None) -> Speaker:
    series = POLICIES / "consumer-revolving"
    own = load_words(series, language) if words is None else words
    return Speaker(language, "EUR", rules_of("consumer-revolving"), own, DATE)


def needed(expression: str, language: str = "en", kind: ConditionKind = ConditionKind.CRITERION) -> str:
    asked = Condition(kind=kind, id="X", answer=Answer.FAIL, expression=expression)
    return speaker(language).needed(asked).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("part", [field.name for field in fields(Vocabulary)])
def test_both_languages_have_a_word_for_the_same_codes(part: str) -> None:
    english, chinese = getattr(ENGLISH, part), getattr(CHINESE, part)
    assert set(english) == set(chinese)
    assert all(english.values())
    assert all(chinese.values())


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_code_has_a_word(words: Vocabulary) -> None:
    assert set(words.decisions) == set(Decision)
    assert set(words.routes) == set(Route)
    assert set(words.answers) == set(Answer)
    assert set(words.causes) == set(SHIPPED_CAUSES)
    assert set(words.columns) >= set(EXPRESSION_NAMES)


def test_everything_that_can_be_wrong_with_a_row_has_words() -> None:
    faults = {
        getattr(snapshot, name) for name in dir(snapshot) if name.isupper() and isinstance(getattr(snapshot, name), str)
    }
    assert set(ENGLISH.faults) == faults


def test_chinese_has_no_english_words() -> None:
    for field in fields(Vocabulary):
        for word in getattr(CHINESE, field.name).values():
            assert not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", "".join(word)))


def test_both_templates_have_a_headline_for_the_same_outcomes() -> None:
    english, chinese = (
        set(re.findall(r'^  "([\w/]+)":', (TEMPLATES / f"line.{language}.txt.j2").read_text(), re.MULTILINE))
        for language in ("en", "zh")
    )
    assert english == chinese
    named = [outcome.split("/") for outcome in english]
    assert {decision for decision, *_ in named} == {each.value for each in Decision}
    assert {step for _, step, *_ in named} == {each.value for each in Step}


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_shipped_policies_have_a_short_name_for_every_attribute(series: str, language: str) -> None:
    words = load_words(POLICIES / series, language)
    assert set(words) >= set(rules_of(series).policy.attributes)


@pytest.mark.parametrize("series", SERIES)
def test_shipped_policies_have_chinese_words_for_every_question_and_value(series: str) -> None:
    words, policy = load_words(POLICIES / series, "zh"), rules_of(series).policy
    asked = {*policy.criteria, *(each.id for each in (*policy.exclusions, *policy.freezes, *policy.limit.caps))}
    values = {
        f"{name}.{value}"
        for name, attribute in policy.attributes.items()
        if attribute.type is AttributeType.CATEGORY
        for value in closed_values(attribute) or ()
    }
    assert set(words) >= asked | values


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_shipped_words_are_about_something(series: str, language: str) -> None:
    rules = rules_of(series)
    policy = rules.policy
    ids = {*policy.criteria, *(each.id for each in (*policy.exclusions, *policy.freezes, *policy.limit.caps))}
    for word in load_words(POLICIES / series, language):
        assert word in ids | set(rules.snapshot_columns) or word.partition(".")[0] in rules.names


def test_a_series_without_words_is_told_by_its_codes(tmp_path: Path) -> None:
    assert load_words(tmp_path, "zh") == {}
    assert speaker("en", {}).called("utilisation_bp") == "utilisation"
    assert speaker("zh", {}).called("utilisation_bp") == "utilisation_bp"
    asked = Condition(
        kind=ConditionKind.CRITERION,
        id="CURRENT",
        answer=Answer.FAIL,
        expression="days_past_due <= 3",
        says="Nearly nothing is overdue.",
    )
    assert speaker("en", {}).asks(asked) == "Nearly nothing is overdue."
    assert speaker("zh", {}).asks(asked) == "days_past_due不超过 3\N{NO-BREAK SPACE}天。"
    assert speaker("en").asks(asked.model_copy(update={"says": None})) == "Overdue: at most 3\N{NO-BREAK SPACE}days."


def test_a_file_of_words_that_is_wrong_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "zh.yaml").write_text('a: "b"\nc: 12\n')
    with pytest.raises(FileRefused, match=r"zh.yaml:2"):
        load_words(tmp_path, "zh")


@pytest.mark.parametrize(
    ("expression", "english", "chinese"),
    [
        ("days_past_due == 0", "overdue: 0 days", "逾期天数为 0 天"),
        ("0 == days_past_due", "overdue: 0 days", "逾期天数为 0 天"),
        ("30 < days_past_due", "overdue: above 30 days", "逾期天数高于 30 天"),
        ("worst_late_6m_months <= 1", "worst lateness in 6 months: at most 1 month", "近 6 个月最长逾期不超过 1 个月"),
        ("utilisation_bp <= 7550", "drawn share of all limits: at most 75.5 %", "全部额度使用比例不超过 75.5 %"),
        ("monthly_income_cents >= 123450", "monthly income: at least EUR 1,234.50", "月收入至少 1,234.50 欧元"),
        ("days_since(closed_on) >= 90", "day of the closing: at least 90 days ago", "关闭日距今至少 90 天"),
        ('closed_on < "2026-10-01"', "day of the closing: before 1 October 2026", "关闭日早于 2026 年 10 月 1 日"),
        ("not product_paused", "feature paused: no", "功能未暂停"),
        ("missing(default_cured_on)", "last default cured: none on record", "没有最近一次违约结清日的记录"),
        ('alert_status == "cleared"', "last alert: cleared", "最近一次预警已解除"),
        ('customer_segment != "student"', "customer group: not student", "客户类别不是学生"),
        ('customer_segment == "student"', "customer group: student", "客户类别为学生"),
        ("product_paused == false", "feature paused: no", "功能未暂停"),
        ("product_paused != false", "feature paused: yes", "功能已暂停"),
        ("not missing(restructured_on)", "last debt restructured: on record", "有最近一次债务重组日的记录"),
        ("hard_enquiries_6m_count == 0", "applications in 6 months: none", "近 6 个月信贷申请次数为 0"),
        ('alert_status != "open"', "last alert: not open", "没有未解除的预警"),
        (
            'employment in ["full_time", "part_time", "retired"]',
            "employment: full time, part time or retired",
            "就业情况为全职、兼职或退休",
        ),
        (
            "days_past_due == 0 and (product_paused or deceased)",
            "overdue: 0 days and (feature paused: yes, or account holder has died: yes)",
            "逾期天数为 0 天且（功能已暂停，或账户持有人已故）",
        ),
        ("not (days_past_due > 30)", "overdue: at most 30 days", "逾期天数不超过 30 天"),
        ("not (deceased or charged_off)", None, None),
        (
            "other_debt_cents + 10000 > monthly_income_cents * 6",
            "debt at other lenders + EUR 100: above monthly income × 6",
            "其他机构欠款 + 100 欧元高于月收入 × 6",
        ),
    ],
)
def test_an_expression_in_words(expression: str, english: str | None, chinese: str | None) -> None:
    if english is None:
        assert needed(expression).startswith("not (")
        return
    assert needed(expression) == english
    assert needed(expression, "zh") == chinese


def test_what_would_close_a_line_is_needed_the_other_way_round() -> None:
    assert needed("days_past_due > 30", kind=ConditionKind.PROBATION) == "overdue: at most 30 days"


@pytest.mark.parametrize(
    ("expression", "english"),
    [
        ("monthly_income_cents * 6 - other_debt_cents", "monthly income × 6 − debt at other lenders"),
        ("(monthly_income_cents - other_debt_cents) * 3", "(monthly income − debt at other lenders) × 3"),
        ("monthly_income_cents / (bureau_score * 2)", "monthly income / (bureau score × 2)"),
        ("-(monthly_income_cents + 100)", "−(monthly income + EUR 1)"),
        ("monthly_income_cents * 2 - 50000", "monthly income × 2 − EUR 500"),
        ("monthly_income_cents / other_debt_cents + 2", "monthly income / debt at other lenders + 2"),
    ],
)
def test_a_cap_in_words_keeps_its_brackets(expression: str, english: str) -> None:
    assert speaker("en").computed(expression).replace("\N{NO-BREAK SPACE}", " ") == english


def test_a_date_says_how_long_ago_it_was() -> None:
    found = Value(name="closed_on", type=AttributeType.DATE, value="2026-11-07")
    assert speaker("en").value(found).replace("\N{NO-BREAK SPACE}", " ") == "7 November 2026 (1 day ago)"
    assert speaker("zh").value(found).replace("\N{NO-BREAK SPACE}", " ") == "2026 年 11 月 7 日（1 天前）"


def test_a_step_of_the_score_names_its_edges_or_its_values() -> None:
    both = ScoreStep(attribute="utilisation_bp", gain=5, at_least=2000.0, below=3000.0)
    some = ScoreStep(attribute="employment", gain=5, values=("full_time", "retired"))
    none = ScoreStep(attribute="hard_enquiries_6m_count", gain=5, below=1.0)
    few = ScoreStep(attribute="hard_enquiries_6m_count", gain=5, below=3.0)
    one = ScoreStep(attribute="worst_late_6m_months", gain=5, at_least=1.0, below=2.0)
    truth = ScoreStep(attribute="product_paused", gain=5, values=("false",))
    said = [speaker("en").step(each).replace("\N{NO-BREAK SPACE}", " ") for each in (both, some, truth, none, few, one)]
    assert said == [
        "drawn share of all limits: from 20 % to below 30 %",
        "employment: full time or retired",
        "feature paused: no",
        "applications in 6 months: none",
        "applications in 6 months: at most 2",
        "worst lateness in 6 months: 1 month",
    ]


def test_lines_are_broken_at_spaces_and_between_chinese_signs() -> None:
    assert laid_out("- one two three four", 10) == "- one two\n  three\n  four\n"
    assert laid_out("one two three", 7) == "one two\nthree\n"
    assert laid_out("- 一二三四五六", 8) == "- 一二三\n  四五六\n"


def test_a_closing_sign_never_begins_a_line_and_an_opening_one_never_ends_it() -> None:
    assert laid_out("一二三。四", 6) == "一二\n三。四\n"
    assert laid_out("一二（三四", 6) == "一二\n（三四\n"


def test_what_belongs_together_is_not_broken() -> None:
    assert laid_out("ends on 5\N{NO-BREAK SPACE}May\N{NO-BREAK SPACE}2026", 12) == "ends on\n5 May 2026\n"
    assert laid_out("于 5\N{NO-BREAK SPACE}月\N{NO-BREAK SPACE}7\N{NO-BREAK SPACE}日", 10) == "于\n5 月 7 日\n"


def test_a_chinese_sign_is_two_columns_wide() -> None:
    assert width("额度 a") == 6
    assert padded("额度", 6, to_the_right=True) == "  额度"
    assert padded("额度", 6) == "额度  "
