"""Section 3 of the policy manual: what an expression may say, and what it answers."""

import datetime
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.decisioning.expressions import (
    DEPTH_MAX,
    TERMS_MAX,
    parse_question,
    unallowed_values,
)
from tasks.decisioning.tree import DaysSince, moves_with_calendar, names_in, walk
from tests.decisioning.questions import NAMES, ask, asked, computed, refusal
from tests.factories import NIGHT, days_ago

THREE = (True, None, False)
WORD = {True: "pass", None: "unknown", False: "fail"}


@pytest.mark.parametrize("left", THREE)
@pytest.mark.parametrize("right", THREE)
def test_and_fails_if_any_side_fails_else_is_unknown_if_any_is(left: bool | None, right: bool | None) -> None:
    expected = False if False in (left, right) else None if None in (left, right) else True
    assert ask("flagged and verified", flagged=left, verified=right) == WORD[expected]


@pytest.mark.parametrize("left", THREE)
@pytest.mark.parametrize("right", THREE)
def test_or_passes_if_any_side_passes_else_is_unknown_if_any_is(left: bool | None, right: bool | None) -> None:
    expected = True if True in (left, right) else None if None in (left, right) else False
    assert ask("flagged or verified", flagged=left, verified=right) == WORD[expected]


def test_not_swaps_pass_and_fail_and_keeps_unknown() -> None:
    assert asked("not flagged", flagged=[True, None, False]) == ["fail", "unknown", "pass"]


def test_a_bare_boolean_is_itself() -> None:
    assert asked("flagged", flagged=[True, None, False]) == ["pass", "unknown", "fail"]


def test_true_and_false_are_questions_of_their_own() -> None:
    assert [ask("true"), ask("false"), ask("not false")] == ["pass", "fail", "pass"]


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("flagged or verified and late_days == 0", "flagged or (verified and late_days == 0)"),
        ("not flagged and verified", "(not flagged) and verified"),
        ("not flagged == verified", "not (flagged == verified)"),
        ("not not flagged", "flagged"),
        ("late_days + debt_cents * 2 == 5", "late_days + (debt_cents * 2) == 5"),
        ("late_days - debt_cents - 1 == 0", "(late_days - debt_cents) - 1 == 0"),
        ("late_days / debt_cents / 2 == 1", "(late_days / debt_cents) / 2 == 1"),
        ("-late_days * debt_cents == -2", "(-late_days) * debt_cents == -2"),
        ("late_days not in [1, 2]", "not (late_days in [1, 2])"),
        ("--late_days == 1", "late_days == 1.0"),
    ],
)
def test_words_and_signs_bind_as_in_python(text: str, same_as: str) -> None:
    rows = {
        "flagged": [True, True, False, False] * 2,
        "verified": [True, False, True, False] * 2,
        "late_days": [0, 1, 2, 3, 4, 0, 2, 2],
        "debt_cents": [1, 2, 1, 2, 2, 3, 2, 0],
    }
    assert asked(text, **rows) == asked(same_as, **rows)


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("other", ["late_days", "used_ratio", "3", "3.5", "late_days + 1"])
def test_a_comparison_with_something_unknown_is_unknown(sign: str, other: str) -> None:
    assert ask(f"growth {sign} {other}", growth=None, late_days=3, used_ratio=0.5) == "unknown"
    assert ask(f"{other} {sign} growth", growth=None, late_days=3, used_ratio=0.5) == "unknown"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_a_number_that_is_not_finite_is_unknown(value: float | None) -> None:
    assert ask("used_ratio >= -1e308", used_ratio=value) == "unknown"
    assert ask("used_ratio != 1", used_ratio=value) == "unknown"
    assert ask("missing(used_ratio)", used_ratio=value) == "pass"


@pytest.mark.parametrize(
    "text", ["late_days + 1 > 0", "1 - late_days > 0", "late_days * 0 == 0", "0 / late_days == 0", "-late_days < 1"]
)
def test_arithmetic_with_something_unknown_is_unknown(text: str) -> None:
    assert ask(text, late_days=None) == "unknown"


@pytest.mark.parametrize("zero", ["0", "0.0", "-0.0", "late_days", "(late_days - late_days)"])
def test_a_division_by_zero_is_unknown(zero: str) -> None:
    assert asked(f"debt_cents / {zero} != 1", debt_cents=[5, 0, -5], late_days=[0, 0, 0]) == ["unknown"] * 3


def test_a_result_that_no_double_holds_is_unknown() -> None:
    assert computed("used_ratio * 10", used_ratio=1e308) is None
    assert computed("used_ratio - growth", used_ratio=-1e308, growth=1e308) is None


def test_membership_of_something_unknown_is_unknown_and_so_is_its_opposite() -> None:
    for name, members in (
        ("late_days", "[1]"),
        ("status", '["red"]'),
        ("flagged", "[true]"),
        ("cured_on", '["2026-01-01"]'),
    ):
        assert ask(f"{name} in {members}") == "unknown"
        assert ask(f"{name} not in {members}") == "unknown"


def test_missing_is_never_unknown() -> None:
    for name in NAMES:
        assert ask(f"missing({name})") == "pass"
    assert ask("missing(late_days)", late_days=0) == "fail"
    assert ask("missing(flagged)", flagged=False) == "fail"


def test_whole_numbers_compare_exactly_beyond_what_a_double_tells_apart() -> None:
    assert ask("debt_cents == 9007199254740992", debt_cents=2**53 + 1) == "fail"
    assert ask("debt_cents > late_days", debt_cents=2**53 + 1, late_days=2**53) == "pass"
    assert ask("debt_cents in [9007199254740992]", debt_cents=2**53 + 1) == "fail"
    assert ask("100000000000000001 != 100000000000000000") == "pass"


def test_a_whole_number_beside_a_double_is_a_double() -> None:
    assert ask("debt_cents == 9007199254740992.0", debt_cents=2**53 + 1) == "pass"
    assert ask("debt_cents == used_ratio", debt_cents=2**53 + 1, used_ratio=float(2**53)) == "pass"
    assert ask("debt_cents + 0 == 9007199254740992", debt_cents=2**53 + 1) == "pass"
    assert ask("late_days == 2.5", late_days=2) == "fail"
    assert ask("late_days < 2.5", late_days=2) == "pass"


def test_arithmetic_is_in_doubles() -> None:
    assert computed("late_days / 2", late_days=5) == 2.5
    assert ask("0.1 + 0.2 == 0.3") == "fail"
    assert computed("debt_cents * 3 - late_days", debt_cents=10, late_days=4) == 26.0


def test_a_literal_below_zero_is_a_whole_number() -> None:
    assert ask("days_since(cured_on) >= -30", cured_on=days_ago(-30)) == "pass"
    assert ask("late_days in [-1, - 2]", late_days=-2) == "pass"


def test_days_since_counts_whole_days_to_the_business_date_and_may_be_negative() -> None:
    assert ask("days_since(cured_on) == 0", cured_on=NIGHT) == "pass"
    assert ask("days_since(cured_on) == 90", cured_on=days_ago(90)) == "pass"
    assert ask("days_since(cured_on) == -1", cured_on=days_ago(-1)) == "pass"
    assert ask("late_days < days_since(cured_on)", cured_on=days_ago(90), late_days=89) == "pass"
    assert ask("days_since(cured_on) >= 0", cured_on=None) == "unknown"


def test_dates_compare_with_dates_and_with_quoted_dates_on_either_side() -> None:
    before, after = datetime.date(2026, 9, 30), datetime.date(2026, 10, 1)
    assert asked('cured_on < "2026-10-01"', cured_on=[before, after]) == ["pass", "fail"]
    assert asked("'2026-10-01' <= cured_on", cured_on=[before, after]) == ["fail", "pass"]
    assert asked("cured_on < closed_on", cured_on=[before, after], closed_on=[after, before]) == ["pass", "fail"]
    assert asked('cured_on in ["2026-10-01", "2026-01-01"]', cured_on=[before, after]) == ["fail", "pass"]


def test_categories_compare_with_words_and_with_each_other() -> None:
    assert asked('status == "red"', status=["red", "green", None]) == ["pass", "fail", "unknown"]
    assert asked('"red" != status', status=["red", "green", None]) == ["fail", "pass", "unknown"]
    assert asked("status == region", status=["red", "red", None], region=["red", "blue", "red"]) == [
        "pass",
        "fail",
        "unknown",
    ]
    assert asked("status != region", status=["red", "red"], region=["elsewhere", None]) == ["pass", "unknown"]
    assert asked('status in ["red", "blue"]', status=["red", "green", "blue"]) == ["pass", "fail", "pass"]


def test_booleans_compare_with_truths_with_questions_and_in_lists() -> None:
    assert asked("flagged == true", flagged=[True, False, None]) == ["pass", "fail", "unknown"]
    assert asked("flagged != verified", flagged=[True, True], verified=[False, None]) == ["pass", "unknown"]
    assert asked("(late_days > 1) == flagged", late_days=[2, 2], flagged=[True, False]) == ["pass", "fail"]
    assert asked("flagged in [false]", flagged=[True, False]) == ["fail", "pass"]


def test_quotes_of_one_kind_hold_the_other() -> None:
    assert ask("""region == 'say "no"'""", region='say "no"') == "pass"
    assert ask('''region == "it's"''', region="it's") == "pass"


def test_an_amount_may_be_a_name_a_literal_or_arithmetic() -> None:
    assert computed("debt_cents", debt_cents=7) == 7
    assert computed("50_000") == 50_000
    assert computed("-used_ratio", used_ratio=0.5) == -0.5
    assert computed("1e3 * (late_days + 1)", late_days=1) == 2000.0


QUESTION_REFUSALS = {
    "": "the expression is empty (at character 1)",
    "   ": "the expression is empty (at character 1)",
    "late_dais == 0": "'late_dais' is not declared; did you mean 'late_days'? (at character 1)",
    "flagged and elephant": "'elephant' is not declared (at character 13)",
    "line_status == 'open'": "'line_status' may not be named in an expression: leave it out; where a question stands says "
    "which lines it is asked of (at character 1)",
    "account_id == 'x'": "'account_id' may not be named in an expression: leave it out; a rule is for every line alike",
    "business_date == '2026-01-01'": "'business_date' may not be named in an expression: days_since(..) counts from it, and "
    "in_force says when a policy holds",
    "late_days": "expected a question that answers yes or no, found a whole number; compare it with something",
    "used_ratio + 1": "expected a question that answers yes or no, found a number",
    "'red'": "expected a question that answers yes or no, found a category",
    "cured_on": "expected a question that answers yes or no, found a date",
    "flagged and late_days": "'and' joins questions, found a whole number (at character 13)",
    "status or flagged": "'or' joins questions, found a category (at character 1)",
    "not cured_on": "'not' joins questions, found a date (at character 5)",
    "1 < late_days < 3": "comparisons do not chain; join two with 'and' (at character 15)",
    "late_days in [1] == true": "comparisons do not chain; join two with 'and'",
    "late_days = 3": "found '=', to compare write '==' (at character 11)",
    "late_days == 3)": "expected the end of the expression, found ')' (at character 15)",
    "(late_days == 3": "expected ')', found the end of the expression (at character 16)",
    "late_days ==": "expected a value or a name, found the end of the expression (at character 13)",
    "late_days == and": "expected a value or a name, found 'and'",
    "flagged verified": "expected the end of the expression, found 'verified'",
    "late_days not == 3": "expected 'in', found '=='",
    "late_days == 3 ; true": "found ';', which is not part of the language (at character 16)",
    "late_days ** 2 == 4": "expected a value or a name, found '*'",
    "late_days % 2 == 0": "found '%', which is not part of the language",
    "flagged & verified": "found '&', which is not part of the language",
    "late_days == 007": "found '007': a whole number does not start with 0 (at character 14)",
    "late_days == 12days": "found a number that does not read as one; write it like 12, 0.5 or 1e6",
    "used_ratio == .5": "found a number that does not read as one; write it like 12, 0.5 or 1e6",
    "late_days == \u0663": "found a number that does not read as one",
    "closed_on == 2026-10-01": 'found 2026-10-01, a date is quoted like "2026-10-01" (at character 14)',
    f"{'x' * 9_000} == 3": "x..' is not declared",
    "used_ratio == 5.": "found a number that does not read as one; write it like 12, 0.5 or 1e6",
    "used_ratio == 1e400": "found '1e400', which is not a finite number",
    "debt_cents == 1000000000000000000": "found '1000000000000000000': whole numbers have at most 18 digits",
    'status == "red': "a quoted text that does not end, or holds a backslash or a line break (at character 11)",
    'status == "r\\u0065d"': "a quoted text that does not end, or holds a backslash or a line break",
    "status == 'red\n'": "a quoted text that does not end, or holds a backslash or a line break",
    "late_days in []": "a list holds numbers, quoted texts, true or false, and at least one (at character 15)",
    "late_days in [debt_cents]": "a list holds numbers, quoted texts, true or false, and at least one",
    "late_days in [1 + 1]": "expected ']', found '+'",
    "late_days in [-'red']": "a list holds numbers, quoted texts, true or false, and at least one",
    "late_days in 3": "expected '[', found '3'",
    "late_days in [1, 'red']": "the values of a list must be of one type",
    "late_days in ['red']": "'in' cannot compare a whole number with a category",
    "status in [1]": "'in' cannot compare a category with a whole number",
    "flagged in [1]": "'in' cannot compare a yes-or-no answer with a whole number",
    "late_days == 'red'": "'==' cannot compare a whole number with a category (at character 14)",
    "late_days == flagged": "'==' cannot compare a whole number with a yes-or-no answer",
    "flagged == 1": "'==' cannot compare a yes-or-no answer with a whole number",
    "cured_on == 20260101": "'==' cannot compare a date with a whole number",
    "cured_on == status": "'==' cannot compare a date with a category",
    "status < 'red'": "a category is compared only by '==', '!=' and 'in'",
    "flagged >= verified": "a yes-or-no answer is compared only by '==', '!=' and 'in'",
    'cured_on == "1.10.2026"': 'found "1.10.2026", a date is quoted like "2026-10-01" (at character 13)',
    'cured_on in ["2026-02-30"]': 'found "2026-02-30", a date is quoted like "2026-10-01"',
    'cured_on == "20261001"': 'found "20261001", a date is quoted like "2026-10-01"',
    "status + 1 == 2": "'+' is for numbers, found a category",
    "-flagged == 1": "'-' is for numbers, found a yes-or-no answer",
    "cured_on - closed_on == 3": "'-' is for numbers, found a date",
    "days_since(late_days) == 3": "days_since(..) takes a date, 'late_days' is a whole number (at character 12)",
    "days_since(cured_in) == 3": "'cured_in' is not declared; did you mean 'cured_on'?",
    "days_since() == 3": "days_since(..) takes one name, found ')'",
    "days_since cured_on == 3": "expected '(', found 'cured_on'",
    "missing(late_days == 3)": "expected ')', found '=='",
    "missing(true)": "missing(..) takes one name, found 'true'",
    "days_since(cured_on)": "expected a question that answers yes or no, found a whole number",
    "days_since(cured_on) + 1 >= 30": "days_since(..) stands alone on one side of a comparison with a whole number",
    "-days_since(cured_on) >= 30": "days_since(..) stands alone on one side of a comparison with a whole number",
    "days_since(cured_on) >= 30.5": "days_since(..) stands alone on one side of a comparison with a whole number",
    "days_since(cured_on) >= used_ratio": "days_since(..) stands alone on one side of a comparison with a whole number",
    "days_since(cured_on) >= late_days + 1": "days_since(..) stands alone on one side of a comparison",
    "days_since(cured_on) >= days_since(closed_on)": "days_since(..) stands alone on one side of a comparison",
    "days_since(cured_on) in [30]": "days_since(..) stands alone on one side of a comparison with a whole number",
    "max(late_days, 3) == 3": "there is no function 'max'; the language has days_since(..) and missing(..)",
    "late_days.real == 3": "found '.', which is not part of the language",
    "lambda: true": "found ':', which is not part of the language",
    "__import__('os') == 'x'": "'__import__'",
}


@pytest.mark.parametrize(("text", "words"), QUESTION_REFUSALS.items())
def test_what_is_no_question_is_refused_in_words_that_help(text: str, words: str) -> None:
    assert words in refusal(text)


AMOUNT_REFUSALS = {
    "late_days == 3": "expected a number, found a yes-or-no answer (at character 1)",
    "flagged": "expected a number, found a yes-or-no answer",
    "status": "expected a number, found a category",
    "cured_on": "expected a number, found a date",
    "days_since(cured_on)": "days_since(..) stands alone on one side of a comparison with a whole number",
    "debt_cents *": "expected a value or a name, found the end of the expression",
}


@pytest.mark.parametrize(("text", "words"), AMOUNT_REFUSALS.items())
def test_what_is_no_amount_is_refused_in_words_that_help(text: str, words: str) -> None:
    assert words in refusal(text, of_amount=True)


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("not ", ""), ("not (", ")")])
def test_nesting_ends_at_a_depth_that_nobody_reads(opening: str, closing: str) -> None:
    each = opening.count("(") + opening.count("not")
    deepest = DEPTH_MAX // each
    assert ask(opening * deepest + "true" + closing * deepest) in ("pass", "fail")
    refused = refusal(opening * (deepest + 1) + "true" + closing * (deepest + 1))
    assert f"nested more than {DEPTH_MAX} deep; split it into several criteria" in refused


def test_depth_counts_what_is_inside_not_what_follows() -> None:
    assert ask(" and ".join(["(not (true == false))"] * (DEPTH_MAX + 1))) == "pass"


def test_a_long_sum_is_refused() -> None:
    assert computed(" + ".join(["1"] * (TERMS_MAX + 1))) == TERMS_MAX + 1
    refused = refusal(" + ".join(["1"] * (TERMS_MAX + 2)), of_amount=True)
    assert f"more than {TERMS_MAX} arithmetic signs; split it up" in refused


def test_very_many_nested_brackets_are_refused_like_few() -> None:
    assert "nested more than" in refusal("(" * 9_000 + "true" + ")" * 9_000)
    assert "nested more than" in refusal("-" * 9_000 + "1", of_amount=True)


def test_an_expression_tells_which_names_it_reads_and_whether_days_move_it() -> None:
    node = parse_question("missing(status) or not (late_days + debt_cents in [3]) and days_since(cured_on) > 3", NAMES)
    assert names_in(node) == {"status", "late_days", "debt_cents", "cured_on"}
    assert moves_with_calendar(node)
    assert [part.name for part in walk(node) if isinstance(part, DaysSince)] == ["cured_on"]
    assert not moves_with_calendar(parse_question('cured_on < "2026-10-01"', NAMES))


@pytest.mark.parametrize(
    "text",
    ['status == "gren"', '"gren" != status', 'status in ["red", "gren"]', 'flagged and not (status not in ["gren"])'],
)
def test_a_word_that_a_category_does_not_allow_is_found_wherever_it_stands(text: str) -> None:
    assert [message for _, message in unallowed_values(parse_question(text, NAMES), NAMES)] == [
        "'status' does not allow \"gren\"; did you mean 'green'?"
    ]


def test_a_category_without_a_list_allows_every_word() -> None:
    assert not list(unallowed_values(parse_question('region == "anywhere"', NAMES), NAMES))


PIECES = st.sampled_from(
    [*NAMES, *"()[],+-*/", "==", "!=", "<", ">=", "and", "or", "not", "in", "true", "missing", "days_since", "1", "2.5",
     '"red"', "'2026-01-01'", "late_days == 1", "days_since(cured_on)", "\n", "\x00", "!", '"', "\u0661", "1e999"]
)  # fmt: skip


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(pieces=st.lists(PIECES, max_size=12))
def test_any_text_is_either_an_expression_or_refused_at_a_character_of_it(pieces: list[str]) -> None:
    text = " ".join(pieces)
    for of_amount in (False, True):
        words = refusal(text, of_amount=of_amount)
        place = re.search(r"\(at character (\d+)\)$", words)
        assert not words or (place and 1 <= int(place.group(1)) <= len(text) + 1)
