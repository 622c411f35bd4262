"""What an explanation says is so: nothing unknown is told as a fact, no date is promised that cannot be."""

# ruff: noqa: RUF001 - Chinese signs are meant

import datetime
from typing import Any

import pytest

from schemas.explanation import Explanation, LineState
from tests.explaining.told import explained, good_line, reopening, shipped, told
from tests.factories import NIGHT, days_ago, policy_dict, probation_line, temporary_line
from tests.factories import line as small_line

DAY = datetime.timedelta(days=1)
FELL = ("turnover of your business fell", "经营收入与一年前相比有所下降")


def both(found: Explanation, **more: Any) -> tuple[str, str]:
    return told(found, "en", **more), told(found, "zh", **more)


# ---- What is not known


@pytest.mark.parametrize("observed_on", [None, days_ago(400)], ids=["undated", "too old"])
def test_an_unknown_criterion_is_told_as_lacking_and_not_as_a_fact(observed_on: datetime.date | None) -> None:
    row = good_line(customer_segment="micro_enterprise", turnover_change_bp=855, turnover_observed_on=observed_on)
    found = explained(row)
    assert (found.verdict.decision, found.verdict.reasons) == ("refer", ("turnover_fell",))
    assert (found.verdict.reasons_found, found.verdict.not_known) == ((), ("turnover_change_bp",))
    english, chinese = both(found)
    assert FELL[0] not in english
    assert FELL[1] not in chinese
    assert "We do not know, or have no recent figure for: change of turnover in a year." in english
    assert "我们不清楚以下信息，或没有近期数据：营业额年度变化。" in chinese


def test_an_unknown_cap_names_what_it_lacks() -> None:
    found = explained(good_line(other_debt_cents=None, ledger_recoverable_nights_count=1))
    assert (found.verdict.decision, found.verdict.step) == ("refer", "limit")
    assert (found.verdict.reasons_found, found.verdict.not_known) == ((), ("other_debt_cents",))
    english, chinese = both(found)
    assert "We do not know, or have no recent figure for: debt at other lenders." in english
    assert "such as your income" not in english
    assert "没有近期数据：其他机构欠款。" in chinese


def test_points_lost_by_what_is_unknown_are_lacking_beside_what_was_found() -> None:
    short = {"on_time_streak_months": 0, "utilisation_bp": 9000, "worst_late_24m_months": 3, "employment": "none"}
    row = good_line(days_past_due=5, bureau_score=None, **short)
    verdict = explained(row).verdict
    assert verdict.decision == "keep_closed"
    assert "bureau_score_low" in verdict.reasons
    assert verdict.reasons_found == tuple(code for code in verdict.reasons if code != "bureau_score_low")
    assert verdict.not_known == ("bureau_score",)


def test_a_reason_that_something_found_gives_too_is_told() -> None:
    criteria = {"CURRENT": {"require": "days_past_due == 0", "reason": "utilisation_high"}}
    policy = policy_dict(criteria=criteria)
    verdict = explained(small_line(days_past_due=5, utilisation_ratio=None), policy).verdict
    assert (verdict.reasons, verdict.reasons_found) == (("utilisation_high",), ("utilisation_high",))


def test_what_cannot_be_worked_out_though_all_is_known_is_no_fact_either() -> None:
    policy = policy_dict(criteria={"UTILISATION": {"require": "utilisation_ratio / days_past_due < 1"}})
    found = explained(small_line(), policy)
    assert (found.verdict.decision, found.verdict.reasons_found, found.verdict.not_known) == ("refer", (), ())
    assert "What we know does not answer what is asked." in told(found, policy=policy)


@pytest.mark.parametrize(("name", "english"), [("insolvency_open", "insolvency proceedings open: not known")])
def test_an_unknown_exclusion_is_not_known_and_not_none(name: str, english: str) -> None:
    text, chinese = both(explained(good_line(**{name: None})))
    assert english in text
    assert f"{english.split(':', maxsplit=1)[0]}: none on record" not in text
    assert "破产程序进行中：不明" in chinese
    assert "in words for the customer" not in text
    assert "Not known whether this holds: Insolvency proceedings are open." in text


def test_only_an_absence_that_the_policy_reads_as_none_is_none_on_record() -> None:
    text, chinese = both(explained(good_line(debt_service_to_income_bp=None)))
    assert "last default cured: none on record" in text.split("DEFAULT_CURED_92D")[1]
    assert "最近一次违约结清日：没有记录" in chinese
    assert "debt service as a share of income: not known" in text
    assert "change of turnover in a year: not known" in text
    assert "change of turnover in a year: none" not in text


@pytest.mark.parametrize(
    ("question", "is_none"),
    [
        ("missing(alert_cleared_on) or days_since(alert_cleared_on) >= 5", True),
        ("days_past_due == 9 or (missing(alert_cleared_on) and days_past_due == 0)", True),
        ("not (not missing(alert_cleared_on) and days_since(alert_cleared_on) < 5)", True),
        ("not missing(alert_cleared_on) or days_past_due == 0", False),
        ("days_since(alert_cleared_on) >= 5", False),
    ],
)
def test_absence_means_none_where_it_answers_for_the_line(question: str, *, is_none: bool) -> None:
    policy = policy_dict(criteria={"CURRENT": {"require": question}})
    asked = {each.id: each for each in explained(small_line(), policy).verdict.criteria}
    (value,) = [each for each in asked["CURRENT"].values if each.name == "alert_cleared_on"]
    assert value.is_none is is_none


def test_what_is_unknown_to_probation_is_not_met() -> None:
    asked = {each.id: each.answer for each in explained(good_line(days_past_due=None)).verdict.criteria}
    assert asked["PROBATION"] == "unknown"


# ---- Dates


def test_a_reopening_that_counts_says_when_it_no_longer_does() -> None:
    reopened = days_ago(3)
    row = good_line(closed_on=days_ago(60), ledger_reopens_365d_count=1, ledger_reopens_1825d_count=1)
    found = explained(row, entries=[reopening(reopened)])
    falls = reopened + 366 * DAY
    assert found.verdict.path.must_fix == ("REOPENED_1Y",)
    assert found.verdict.path.earliest_on == days_ago(60) + 90 * DAY
    assert [wait.model_dump() for wait in found.verdict.outlook.ledger_waits] == [
        {"criterion": "REOPENED_1Y", "passes_on": falls}
    ]
    assert found.verdict.outlook.earliest_on == falls
    english, chinese = both(found)
    assert f"From {falls.day} {falls:%B} {falls.year} at the earliest, if nothing else changes." in english
    assert "Has to become true" not in english
    assert f"等到 {falls.year} 年 {falls.month} 月 {falls.day} 日，届时以前的恢复不再计入" in chinese


def test_of_two_reopenings_in_five_years_the_older_one_frees_the_line() -> None:
    old, new = days_ago(1000), days_ago(500)
    entries = [reopening(old), reopening(new, sequence=2, entry_id="b")]
    found = explained(good_line(ledger_reopens_1825d_count=2), entries=entries)
    assert found.verdict.path.must_fix == ("REOPENED_5Y",)
    assert found.verdict.outlook.earliest_on == old + 1826 * DAY


def test_a_reopening_that_was_taken_back_does_not_count() -> None:
    entries = [
        reopening(days_ago(300)),
        reopening(days_ago(9), sequence=2, entry_id="b"),
        reopening(days_ago(9), sequence=3, entry_id="c", decision="reverse", reverses="b"),
    ]
    row = good_line(ledger_reopens_365d_count=1, ledger_reopens_1825d_count=1)
    assert explained(row, entries=entries).verdict.outlook.earliest_on == days_ago(300) + 366 * DAY


def test_without_the_entries_that_were_counted_no_date_is_promised() -> None:
    found = explained(good_line(ledger_reopens_365d_count=1, ledger_reopens_1825d_count=1))
    assert found.verdict.path.earliest_on == NIGHT
    assert found.verdict.outlook.earliest_on is None
    assert "No date can be named" in told(found)


def test_a_line_without_counted_reopenings_has_the_paths_own_date() -> None:
    verdict = explained(good_line(closed_on=days_ago(60))).verdict
    assert (verdict.outlook.earliest_on, verdict.outlook.ledger_waits) == (verdict.path.earliest_on, ())


def test_what_takes_time_itself_is_not_promised_at_once() -> None:
    row = good_line(closure_cause="abnormal_behaviour", alert_status="open", on_time_streak_months=0)
    found = explained(row)
    assert found.verdict.path.must_show == ("ALERT_QUIET_180D",)
    english, chinese = both(found)
    assert "it depends on when all of this is so, and some of it may take time" in english
    assert "nothing to wait for" not in english
    assert "无需再等待" not in chinese
    assert "取决于以下各项何时全部符合" in chinese


def test_the_least_that_closes_the_gap_is_told_beside_the_best() -> None:
    late = {"on_time_streak_months": 1, "worst_late_24m_months": 3, "worst_late_6m_months": 2, "bureau_score": 500}
    found = explained(good_line(**late, debt_service_to_income_bp=3600, hard_enquiries_6m_count=2))
    path, least = found.verdict.path, found.verdict.outlook.enough
    assert path.score_gap == 20
    assert [step.attribute for step in path.score_steps] == ["on_time_streak_months"]
    assert (least.at_least, least.below, least.values, least.gain) == (6.0, None, None, 30)
    english, chinese = both(found)
    assert "The score is 20 points short of 640. At its best this would be enough:" in english
    assert (
        "paid on time in a row: at least 24 months (+50 points) Enough paid on time in a row: at least 6 months "
        "(+30 points) Found paid on time in a row: 1 month" in english
    )
    assert "连续按时还款至少 24 个月（+50 分） 足够 连续按时还款至少 6 个月（+30 分）" in chinese


def test_several_steps_are_enough_together_and_the_last_one_may_be_less() -> None:
    late = {"on_time_streak_months": 1, "worst_late_24m_months": 3, "worst_late_6m_months": 2, "bureau_score": 500}
    found = explained(good_line(**late, debt_service_to_income_bp=4600, utilisation_bp=7600))
    path, least = found.verdict.path, found.verdict.outlook.enough
    assert [step.attribute for step in path.score_steps] == ["on_time_streak_months", "utilisation_bp"]
    assert (path.score_gap, least.attribute, least.below, least.gain) == (60, "utilisation_bp", 7500.0, 10)
    assert "Enough drawn share of all limits: below 75 % (+10 points), with the others at their best" in told(found)


def test_the_least_category_that_closes_the_gap_is_told_with_all_that_do() -> None:
    card = {"attributes": {"on_time_streak_months": {"missing": 0, "bins": [{"points": 25}]}}}
    needed = {"credit_assessment": (535, 520), "abnormal_behaviour": (540, 530)}
    causes = {name: {"score_min": most, "keep_open_score_min": least} for name, (most, least) in needed.items()}
    policy = policy_dict(scorecard=card, causes=causes)
    verdict = explained(small_line(employment="none"), policy).verdict
    assert (verdict.path.score_gap, verdict.score) == (5, 530)
    assert verdict.path.score_steps[0].values == ("full_time",)
    assert verdict.outlook.enough.values == ("full_time", "part_time")
    assert verdict.outlook.enough.gain == 5


# ---- What decided it, and what would have been


def test_a_campaigns_line_passed_over_did_not_earn_a_reopening() -> None:
    policy = policy_dict(nightly_budget={"lines": 0})
    found = explained(small_line(campaign_code="SPRING", closed_on=days_ago(10)), policy)
    verdict = found.verdict
    assert (verdict.step, verdict.route, verdict.campaign, verdict.valid_until) == ("budget", None, None, None)
    assert (verdict.passed_over.route, verdict.passed_over.campaign) == ("campaign", "SPRING")
    last = verdict.passed_over.valid_until - DAY
    english, chinese = both(found, policy=policy)
    assert "earned a reopening" not in english
    assert "it does not yet meet what is asked" in english
    assert f"SPRING would have opened EUR 2,000, until and including {last.day} {last:%B} {last.year}." in english
    assert "活动 SPRING 本可恢复 2,000 欧元额度" in chinese
    assert "已达到恢复要求" not in chinese


def test_a_line_passed_over_that_met_everything_says_so() -> None:
    policy = policy_dict(nightly_budget={"lines": 0})
    found = explained(small_line(), policy)
    assert (found.verdict.route, found.verdict.passed_over.route) == (None, "reevaluation")
    assert "it met everything that is asked" in told(found, policy=policy)


def test_an_exclusion_that_closes_a_line_on_probation_decided_it() -> None:
    policy = policy_dict()
    found = explained(probation_line(deceased=True, appeal_status="refused"), policy)
    assert (found.verdict.decision, found.verdict.step) == ("reclose", "probation")
    text = told(found, policy=policy)
    assert text.index("What decided it") < text.index("[EX_DECEASED]") < text.index("Also on record")
    assert text.index("Also on record") < text.index("The customer's appeal was refused.")


def test_a_refused_appeal_did_not_decide_an_exclusion() -> None:
    text, chinese = both(
        explained(good_line(charged_off=True, appeal_status="refused", appeal_decided_on=days_ago(20)))
    )
    assert text.index("[EX_CHARGED_OFF]") < text.index("Also on record") < text.index("appeal was refused")
    assert chinese.index("[EX_CHARGED_OFF]") < chinese.index("其他记录") < chinese.index("客户的申诉未通过")


def test_an_exclusion_unknown_on_an_open_line_is_for_a_person_and_changes_nothing() -> None:
    policy = policy_dict()
    for row in (probation_line(deceased=None), temporary_line(deceased=None, on_time_streak_months=0)):
        found = explained(row, policy)
        assert found.state in (LineState.PROBATION, LineState.TEMPORARY)
        assert "the line stays open, and a person has to look at it" in told(found, policy=policy)


def test_a_cause_without_rules_is_told_apart_from_what_is_not_known() -> None:
    uncovered = told(explained(good_line(closure_cause="merger")))
    lacking = told(explained(good_line(debt_service_to_income_bp=None)))
    assert "Waits for a person: no rules cover a closing for this cause." in uncovered
    assert "something that has to be known to decide is missing or out of date" in lacking
    assert "没有适用于该关闭原因的规则" in told(explained(good_line(closure_cause="merger")), "zh")


# ---- Words


def test_history_gives_the_reason_in_words() -> None:
    closed = reopening(days_ago(5), decision="reclose", route=None, limit_cents=None, reasons=["payment_overdue"])
    text, chinese = both(explained(good_line(), entries=[closed]))
    assert "closed again. Why A payment of yours is overdue. [payment_overdue]" in text
    assert "再次关闭。 原因 您有一笔款项已逾期。[payment_overdue]" in chinese


def test_a_reason_without_a_text_is_named_once() -> None:
    text = told(explained(good_line(charged_off=True)), reasons={})
    assert "- Debt charged off" in text
    assert "debt_charged_off [debt_charged_off]" not in text


def test_chinese_without_the_series_words_says_the_question_and_no_id_twice() -> None:
    words = {"charged_off": "欠款已核销"}
    text = told(explained(good_line(charged_off=True)), "zh", words=words)
    assert "成立：欠款已核销。[EX_CHARGED_OFF]" in text
    assert "EX_CHARGED_OFF[EX_CHARGED_OFF]" not in text


def test_chinese_says_what_people_say() -> None:
    found = explained(good_line(days_past_due=3))
    text = told(found, "zh")
    for unsaid in ("不为", "为否", "为是", "最近一次预警为"):
        assert unsaid not in text
    for said in ("要求 没有未解除的预警", "要求 功能未暂停", "客户类别不是小微企业"):
        assert said in text


def test_no_sentence_of_the_shipped_policy_speaks_of_tonights() -> None:
    text = told(explained(good_line()))
    assert "With tonight's" not in text
    assert "The nightly check has not reopened this line within the last 12 months." in text


def test_every_reason_that_an_unknown_value_may_give_says_that_it_may_be_unknown() -> None:
    """Letters of a line closed again tell reasons by points lost, and points are lost by what is unknown too."""
    from tasks.policy_files import load_reasons
    from tests.explaining.told import SERIES

    reasons = load_reasons(SERIES)
    lost = {scored.shape.reason for scored in shipped().scorecard if scored.shape.missing < scored.best}
    assert lost
    for code in lost:
        assert any(word in reasons[code].en.means for word in ("we have no", "We have no", "we do not know", "we lack"))
        assert "我们没有" in reasons[code].zh.means or "我们不清楚" in reasons[code].zh.means
