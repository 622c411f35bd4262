"""`reinstate explain` of real nights on a real store."""

# ruff: noqa: RUF001 - Chinese signs and the signs of sums are meant

import datetime
import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from flows.commands.explain import explain as command
from schemas.errors import ConfigurationError, NightRefused
from schemas.explanation import ConditionKind, Explanation, LineState, Unknown
from schemas.vocabulary import Answer
from tasks import nights
from tasks.explaining import explain
from tasks.explanation_text import write_explanation
from tasks.settings import settings
from tasks.terminal_lines import width
from tests.explaining.conftest import DAY, NIGHTS, Book, quarantined
from tests.small_book import FIRST_NIGHT

OUTCOMES = [
    ("closed", "keep_closed", "initiator"),
    ("closed", "keep_closed", "exclusion"),
    ("closed", "keep_closed", "freeze"),
    ("closed", "keep_closed", "cause"),
    ("closed", "keep_closed", "confirmation"),
    ("closed", "keep_closed", "budget"),
    ("closed", "keep_closed", "limit"),
    ("closed", "refer", "appeal"),
    ("closed", "refer", "cause"),
    ("closed", "refer", "limit"),
    ("closed", "reopen", "granted"),
    ("closed", "reopen_temporarily", "granted"),
    ("temporary", "keep_temporary", "temporary"),
    ("probation", "keep_open", "probation"),
    ("probation", "reclose", "probation"),
]


def said(account: str, date: datetime.date | None = None, language: str = "en", *more: str) -> str:
    """What the command prints."""
    day = ["--business-date", f"{date}"] if date else []
    result = CliRunner().invoke(command, [account, *day, "--language", language, *more])
    if isinstance(result.exception, SystemExit):
        raise result.exception.__cause__ or result.exception
    if result.exception:
        raise result.exception
    return result.output


def flat(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def english_in(text: str) -> list[str]:
    """English words of a Chinese text that are neither codes nor names."""
    codes = r"\[[a-zA-Z0-9_, ]+\]|Small Lender|AUTUMN_SAVER|consumer-revolving 2026-10（[0-9a-f]{12}）"
    return re.findall("[A-Za-z]+", re.sub(codes, "", flat(text)))


def a_line(book: Book, **wanted: object) -> tuple[datetime.date, dict]:
    return book.lines(**wanted)[0]


@pytest.mark.parametrize(("kind", "decision", "step"), OUTCOMES)
def test_what_is_explained_is_what_the_night_wrote_down(book: Book, kind: str, decision: str, step: str) -> None:
    for date, row in book.lines(line_kind=kind, decision=decision, step=step)[:2]:
        found = explain(row["account_id"], "small", date)
        verdict = found.verdict
        assert found.state == kind
        assert (verdict.decision, verdict.step, verdict.score) == (decision, step, row["score"])
        assert list(verdict.reasons) == row["reasons"]
        assert (verdict.limit_cents, verdict.valid_until) == (row["limit_cents"], row["valid_until"])
        assert verdict.score == verdict.base_points + sum(each.points for each in verdict.points)


@pytest.mark.parametrize(("kind", "decision", "step"), OUTCOMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_outcome_fits_a_terminal_of_80_columns(
    book: Book, kind: str, decision: str, step: str, language: str
) -> None:
    for date, row in book.lines(line_kind=kind, decision=decision, step=step)[:1]:
        text = said(row["account_id"], date, language)
        assert max(width(line) for line in text.splitlines()) <= 80
        assert row["account_id"] in text.splitlines()[0]
        assert not re.search(r"\n\n\n|[ \t]\n|None|\{[{%]|\N{NO-BREAK SPACE}", text)


@pytest.mark.parametrize(("kind", "decision", "step"), OUTCOMES)
def test_no_english_is_left_in_chinese_but_codes_and_names(book: Book, kind: str, decision: str, step: str) -> None:
    for date, row in book.lines(line_kind=kind, decision=decision, step=step)[:2]:
        assert english_in(said(row["account_id"], date, "zh")) == []


def test_a_line_kept_closed_is_told_its_way_back(book: Book) -> None:
    date, row = next(
        (date, row)
        for date, row in book.lines(step="cause", decision="keep_closed")
        if row["must_wait"] and row["must_fix"]
    )
    path = explain(row["account_id"], "small", date).verdict.path
    assert [each.model_dump() for each in path.must_wait] == row["must_wait"]
    assert list(path.must_fix) == row["must_fix"]
    assert path.earliest_on == row["earliest_on"]
    text = flat(said(row["account_id"], date))
    waits = row["must_wait"][0]["passes_on"]
    assert f"Wait until {waits.day} {waits:%B} {waits.year}:" in text
    assert "Has to become true:" in text
    assert f"等到 {waits.year} 年 {waits.month} 月 {waits.day} 日" in flat(said(row["account_id"], date, "zh"))


def test_a_short_score_is_told_its_gap_and_the_steps_that_close_it(book: Book) -> None:
    date, row = next(
        (date, row) for date, row in book.lines(step="cause", decision="keep_closed") if row["score_steps"]
    )
    text = flat(said(row["account_id"], date))
    assert f"The score is {row['score_gap']} points short of {row['score'] + row['score_gap']}." in text
    assert all(f"(+{step['gain']} points)" in text for step in row["score_steps"])


def test_failed_criteria_give_the_reasons_of_a_line_kept_closed(book: Book) -> None:
    for date, row in book.lines(step="cause", decision="keep_closed")[:40:4]:
        verdict = explain(row["account_id"], "small", date).verdict
        failed = list(dict.fromkeys(each.reason for each in verdict.criteria if each.answer is Answer.FAIL))
        assert list(verdict.reasons[: len(failed)]) == failed


def test_every_criterion_has_what_was_found_and_what_is_needed(book: Book) -> None:
    date, row = next(
        (date, row)
        for date, row in book.lines(step="cause", decision="keep_closed", cause="credit_assessment")
        if row["criterion.UTILISATION"] == "fail"
    )
    asked = {each.id: each for each in explain(row["account_id"], "small", date).verdict.criteria}
    assert len(asked) == 18
    share = asked["UTILISATION"].values[0].value
    assert share > 7500
    text = flat(said(row["account_id"], date))
    assert (
        "Not met: At most 75 % of the limits of all revolving lines is drawn. [UTILISATION] Needed drawn share of all "
        f"limits: at most 75 % Found drawn share of all limits: {share / 100:g} %" in text
    )


def test_a_value_that_has_grown_old_is_unknown_and_says_since_when(book: Book) -> None:
    date, value = next(
        (date, value)
        for date, row in book.lines(decision="refer", step="limit") + book.lines(decision="refer", step="cause")
        for value in (each.value for each in explain(row["account_id"], "small", date).verdict.points)
        if value.unknown is Unknown.TOO_OLD
    )
    assert value.value is not None
    assert value.unknown_since == value.observed_on + (value.max_age_days + 1) * DAY
    assert value.unknown_since <= date


def test_a_line_referred_for_what_is_unknown_names_it(book: Book) -> None:
    date, row = a_line(book, decision="refer", step="cause")
    found = explain(row["account_id"], "small", date)
    assert {each.id for each in found.verdict.criteria if each.answer is Answer.UNKNOWN} >= set(row["unknown"])
    text = said(row["account_id"], date)
    assert text.splitlines()[2].startswith("Waits for a person:")
    assert "What is not known\n" in text
    assert f"[{row['unknown'][0]}]" in text


def test_a_reason_that_nobody_knows_is_not_told_as_a_fact(book: Book) -> None:
    lines = book.lines(decision="refer", step="exclusion")
    for date, row in lines:
        text = said(row["account_id"], date)
        assert "in words for the customer" not in text
        assert "- Not known whether this holds: " in text


def test_a_cap_that_is_unknown_is_named_with_what_it_lacks(book: Book) -> None:
    date, row = a_line(book, decision="refer", step="limit")
    limit = explain(row["account_id"], "small", date).verdict.limit
    assert limit.limit_cents is None
    assert [cap.id for cap in limit.caps if cap.at_most_cents is None] == row["unknown"]
    assert "From    monthly income × 6 − debt at other lenders" in said(row["account_id"], date)


@pytest.mark.parametrize("decision", ["reopen", "reopen_temporarily"])
def test_a_granted_limit_is_computed_again_to_the_cent(book: Book, decision: str) -> None:
    lines = book.lines(decision=decision, step="granted")
    assert lines
    for date, row in lines[::5]:
        verdict = explain(row["account_id"], "small", date).verdict
        assert verdict.limit.limit_cents == verdict.limit_cents == row["limit_cents"]
        assert verdict.route == row["route"]


def test_a_reopening_stands_in_the_history_with_its_limit(book: Book) -> None:
    date, row = a_line(book, decision="reopen", route="reevaluation")
    found = explain(row["account_id"], "small", date)
    assert (found.history[-1].decision, found.history[-1].limit_cents) == ("reopen", row["limit_cents"])
    assert "reopened, by re-evaluation, limit EUR" in flat(said(row["account_id"], date))


def test_an_earlier_night_does_not_know_of_later_changes_but_says_that_there_are_some(book: Book) -> None:
    _, row = a_line(book, decision="reopen", route="reevaluation")
    found = explain(row["account_id"], "small", FIRST_NIGHT)
    assert found.history == ()
    assert found.later_transitions_count >= 1
    assert "ask for a later date" in flat(said(row["account_id"], FIRST_NIGHT))


def test_what_a_person_undid_stands_in_the_history_in_both_languages(book: Book) -> None:
    _, row = a_line(book, decision="reopen", route="reevaluation")
    found = explain(row["account_id"], "small")
    entry = found.history[-1].model_copy(
        update={
            "decision": "withdraw",
            "route": None,
            "limit_cents": None,
            "person": "A. Person",
            "person_says": "A slip",
        }
    )
    undone = found.model_copy(update={"history": (entry,)})
    rules = nights.rules_of(nights.recall("small", found.business_date).run)
    reasons = nights.reasons_of(nights.portfolio_of("small"))
    templates = settings().deployments / "templates"
    english, chinese = (write_explanation(undone, rules, reasons, {}, language, templates) for language in ("en", "zh"))
    assert ": withdrawn by a person, A. Person: A slip." in flat(english)
    assert "由工作人员撤回，A. Person：A slip。" in flat(chinese)


def test_a_line_that_the_budget_passed_over_says_what_it_would_have_got(book: Book) -> None:
    date, row = a_line(book, step="budget")
    verdict = explain(row["account_id"], "small", date).verdict
    assert verdict.budget_lines == 20
    assert (verdict.route, verdict.limit_cents) == (None, None)
    assert verdict.passed_over.limit_cents == verdict.limit.limit_cents > 0
    assert verdict.path is None
    assert "what one night may reopen was used up" in flat(said(row["account_id"], date))


def test_a_temporary_line_says_its_last_day(book: Book) -> None:
    date, row = a_line(book, line_kind="temporary", decision="keep_temporary")
    found = explain(row["account_id"], "small", date)
    last = found.held.valid_until - DAY
    assert f"until and including {last.day} {last:%B} {last.year}." in flat(said(row["account_id"], date))
    assert f"可使用至 {last.year} 年 {last.month} 月 {last.day} 日（含当日）" in flat(
        said(row["account_id"], date, "zh")
    )
    assert found.line.closure_cause == row["cause"]


def test_a_line_on_probation_says_until_when_and_which_score_it_keeps(book: Book) -> None:
    date, row = next(
        (date, row) for date, row in book.lines(decision="keep_open") if row["cause"] == "credit_assessment"
    )
    found = explain(row["account_id"], "small", date)
    assert found.held.watched_until == found.held.since + 180 * DAY
    by_appeal = found.held.route == "appeal"
    assert found.verdict.score_needed == (None if by_appeal else 600)
    assert [each.kind for each in found.verdict.criteria] == [ConditionKind.PROBATION]


def test_a_quarantined_line_says_what_was_wrong_and_nothing_of_its_values(book: Book) -> None:
    seen = set()
    for date, account, reasons in quarantined(book):
        if not account or tuple(reasons) in seen:
            continue
        seen.add(tuple(reasons))
        found = explain(account, "small", date)
        assert found.state is LineState.QUARANTINED
        assert set(found.quarantine) >= set(reasons)
        assert found.line is None
        assert found.verdict is None
        text = said(account, date)
        assert "Not judged: what the core system delivered about this account was faulty" in flat(text)
        assert english_in(said(account, date, "zh")) == []
    assert len(seen) > 2


def test_an_open_line_is_not_judged(book: Book) -> None:
    import pyarrow.parquet as pq

    run = book.nights[0]
    snapshot = pq.read_table(min((run.directory / "snapshot").glob("*.parquet")), columns=["account_id", "line_status"])
    aside = {account for date, account, _ in quarantined(book) if date == run.business_date}
    rows = snapshot.to_pylist()
    account = next(row["account_id"] for row in rows if row["line_status"] == "open" and row["account_id"] not in aside)
    found = explain(account, "small", run.business_date)
    assert (found.state, found.verdict) == (LineState.OPEN, None)
    assert "the nightly check did not reopen it" in flat(said(account, run.business_date))
    assert "不是由夜间评估恢复的" in flat(said(account, run.business_date, "zh"))


def test_an_account_that_nobody_knows_is_refused_without_being_named(book: Book) -> None:
    with pytest.raises(NightRefused, match="this account is not in the snapshot") as refused:
        said("NOBODY-4711")
    assert "4711" not in str(refused.value)
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize(
    ("language", "said_on_paper"),
    [("en", "Error: this account is not in the snapshot of small"), ("zh", "错误：small 在")],
)
def test_an_account_that_nobody_knows_is_refused_in_the_language_and_to_programs_as_json(
    book: Book, language: str, said_on_paper: str
) -> None:
    asked = ["NOBODY-4711", "--language", language]
    on_paper = CliRunner().invoke(command, asked)
    assert (on_paper.exit_code, on_paper.stdout) == (1, "")
    assert on_paper.stderr.startswith(said_on_paper)
    for_programs = CliRunner().invoke(command, [*asked, "--json"])
    assert (for_programs.exit_code, for_programs.stderr) == (1, "")
    answer = json.loads(for_programs.stdout)
    assert list(answer) == ["error"]
    assert on_paper.stderr.strip().endswith(answer["error"])
    assert "4711" not in on_paper.stderr + for_programs.stdout


def test_a_refusal_about_the_portfolio_keeps_its_exit_status(book: Book) -> None:
    later = FIRST_NIGHT + NIGHTS * DAY
    asked = ["000123", "--business-date", f"{later}", "--language", "zh"]
    result = CliRunner().invoke(command, asked)
    assert (result.exit_code, english_in(result.stderr.replace("small", ""))) == (2, [])
    result = CliRunner().invoke(command, [*asked, "--portfolio", "small", "--json"])
    assert (result.exit_code, english_in(json.loads(result.stdout)["error"].replace("small", ""))) == (1, [])


def test_a_night_that_was_not_published_says_so_and_which_was(book: Book) -> None:
    _, row = a_line(book, step="cause")
    later = FIRST_NIGHT + NIGHTS * DAY
    with pytest.raises(NightRefused, match=rf"{later} of small was never run.*{later - DAY}"):
        said(row["account_id"], later, "en", "--portfolio", "small")
    with pytest.raises(ConfigurationError, match=f"no portfolio has published the night of {later}"):
        said(row["account_id"], later)


def test_without_portfolio_and_date_the_last_night_of_the_only_book_is_explained(book: Book) -> None:
    date, row = book.lines(step="initiator")[-1]
    assert date == book.nights[-1].business_date
    assert said(row["account_id"]) == said(row["account_id"], date, "en", "--portfolio", "small")


def test_two_books_of_one_night_have_to_be_told_apart(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    portfolios = settings().deployments / "portfolios"
    other = portfolios / "twin.yaml"
    other.write_text((portfolios / "small.yaml").read_text().replace("portfolio: small", "portfolio: twin"))
    real = nights.store_of
    monkeypatch.setattr(nights, "store_of", lambda name: real("small"))
    try:
        with pytest.raises(ConfigurationError, match=r"2 portfolios have published .*: name one of small, twin"):
            said("000123", FIRST_NIGHT)
    finally:
        other.unlink()


@pytest.mark.parametrize(("kind", "decision", "step"), OUTCOMES)
def test_json_holds_the_whole_explanation(book: Book, kind: str, decision: str, step: str) -> None:
    date, row = a_line(book, line_kind=kind, decision=decision, step=step)
    text = said(row["account_id"], date, "en", "--json")
    assert Explanation.model_validate_json(text) == explain(row["account_id"], "small", date)
    assert json.loads(text)["verdict"]["decision"] == decision


def test_the_language_is_the_portfolios_if_none_is_named(book: Book) -> None:
    _, row = book.lines(step="initiator")[-1]
    result = CliRunner().invoke(command, [row["account_id"]])
    assert result.output.startswith("Account ")


def test_explaining_loads_no_prefect() -> None:
    program = (
        "import sys, flows.commands.explain, tasks.explaining, tasks.explanation_text;"
        "sys.exit(any(name in sys.modules for name in ('prefect', 'pandera')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
