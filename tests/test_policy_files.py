"""Reading the files of a policy series."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ConfigurationError, FileRefused
from schemas.vocabulary import PROGRAM_REASONS
from tasks.policy_files import check_reasons, load_policy, load_reasons, policy_in_force

SHIPPED = Path(__file__).parents[1] / "deployments" / "policies"
NIGHT = datetime.date(2026, 10, 28)
POLICY = """\
policy: small
version: "1"
in_force: {from: 2026-10-01, until: null, review_by: 2027-09-30}
attributes:
  days_past_due: {type: integer, allowed: [0, 9999]}
  deceased: {type: boolean}
exclusions:
  - {id: EX_DECEASED, when: deceased, reason: account_holder_deceased}
criteria:
  CURRENT: {require: days_past_due == 0, reason: payment_overdue}
causes:
  credit_assessment: {criteria: [CURRENT], score_min: 500, keep_open_score_min: 480}
scorecard:
  version: "1"
  base_points: 500
  attributes:
    days_past_due: {bins: [{below: 1, points: 10}, {points: 0}], missing: 0, reason: payment_overdue}
limit:
  bands: [{score_at_least: 500, limit_bp: 10000}]
  round_down_to_cents: 100
  floor_cents: 0
  ceiling_cents: 1000000
notices: {reasons_max: 4, kept_closed_every_days: 180, quiet_days: 30, expiring_days_before: 7}
"""
TEXT = "\n  en: {means: m, helps: h}\n  zh: {means: m, helps: h}\n"
USED = ("account_holder_deceased", "payment_overdue")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "policies" / "small").mkdir(parents=True)
    return tmp_path


def write(home: Path, name: str = "1.yaml", **changes: str) -> Path:
    """Put a version into the series, with some of its lines put otherwise."""
    text = POLICY
    for section, line in changes.items():
        (old,) = [each for each in POLICY.splitlines() if each.startswith(f"{section}:")]
        text = text.replace(f"{old}\n", f"{line}\n" if line else "")
    path = home / "policies" / "small" / name
    path.write_text(text)
    return path


def write_reasons(home: Path, *codes: str) -> Path:
    """Put texts for `codes` into the series, and return its folder."""
    folder = home / "policies" / "small"
    (folder / "reasons.yaml").write_text("".join(f"{code}:{TEXT}" for code in codes))
    return folder


def findings(call: Callable[..., Any], *arguments: Any) -> list[str]:
    """The findings with which a call is refused, without their folders."""
    with pytest.raises(FileRefused) as refused:
        call(*arguments)
    return [f"{Path(each.file).name}:{each.line}: {each.message}" for each in refused.value.findings]


def version(from_: str, until: str = "null") -> str:
    """A line that says when a version is in force."""
    return f"in_force: {{from: {from_}, until: {until}}}"


@pytest.mark.parametrize("series", sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
def test_a_shipped_series_compiles_and_has_the_texts_that_it_uses(series: str) -> None:
    for path in (SHIPPED / series).glob("2*.yaml"):
        assert load_policy(path).policy.policy == series
    assert check_reasons(SHIPPED / series) == []


def test_a_policy_comes_with_its_file_and_its_hash(home: Path) -> None:
    path = write(home)
    loaded = load_policy(path)
    assert list(loaded.rules.criteria) == ["CURRENT"]
    assert loaded.document.text == path.read_text()
    assert loaded.content_hash == loaded.document.sha256


def test_a_policy_cut_off_anywhere_is_refused(home: Path) -> None:
    path = write(home)
    ends = {position + 1 for position, character in enumerate(POLICY[:-1]) if character == "\n"}
    for cut in sorted({*ends, *range(0, len(POLICY), 11)}):
        path.write_text(POLICY[:cut])
        with pytest.raises(FileRefused):
            load_policy(path)


def test_what_is_wrong_between_fields_is_found_at_its_line(home: Path) -> None:
    path = write(home)
    path.write_text(path.read_text().replace("when: deceased", "when: decased").replace("[CURRENT]", "[CURENT]"))
    found = findings(load_policy, path)
    assert any(each.startswith("1.yaml:8: exclusions[entry 1].when: ") and "decased" in each for each in found)
    assert (
        "1.yaml:12: causes.credit_assessment.criteria[entry 1]: 'CURENT' is not a criterion; did you mean 'CURRENT'?"
        in found
    )


@pytest.mark.parametrize("value", ["true", "5", "2026-10-01", "1.5"])
def test_an_expression_that_yaml_reads_otherwise_is_refused(home: Path, value: str) -> None:
    path = write(home)
    path.write_text(path.read_text().replace("when: deceased", f"when: {value}"))
    (found,) = findings(load_policy, path)
    assert found.startswith("1.yaml:8: exclusions[entry 1].when: expected text, found the ")
    assert found.endswith("quote it if it is meant as text")


def test_the_one_version_in_force_decides(home: Path) -> None:
    write(home, "1.yaml", in_force=version("2026-10-01", "2026-11-01"))
    write(home, "2.yaml", in_force=version("2026-11-01"), version='version: "2"')
    assert policy_in_force("small", datetime.date(2026, 10, 31), home).policy.version == "1"
    assert policy_in_force("small", datetime.date(2026, 11, 1), home).policy.version == "2"


def test_no_version_in_force_is_refused_with_the_spans_that_there_are(home: Path) -> None:
    write(home, "1.yaml", in_force=version("2026-10-01", "2026-10-20"))
    with pytest.raises(ConfigurationError) as refused:
        policy_in_force("small", NIGHT, home)
    assert "no version of policy 'small' in force on 2026-10-28" in str(refused.value)
    assert "found 1, from 2026-10-01 until 2026-10-20, in 1.yaml" in str(refused.value)


def test_two_versions_in_force_are_refused_with_their_spans(home: Path) -> None:
    write(home, "1.yaml", in_force=version("2026-10-01"))
    write(home, "2.yaml", in_force=version("2026-10-20"), version='version: "2"')
    with pytest.raises(ConfigurationError) as refused:
        policy_in_force("small", NIGHT, home)
    assert "2 versions of policy 'small' in force" in str(refused.value)
    assert "1, from 2026-10-01 on, in 1.yaml; 2, from 2026-10-20 on, in 2.yaml" in str(refused.value)


def test_a_series_without_versions_is_refused(home: Path) -> None:
    write_reasons(home, *USED)
    with pytest.raises(ConfigurationError, match="found no file"):
        policy_in_force("small", NIGHT, home)


def test_a_version_that_is_not_in_force_need_not_compile(home: Path) -> None:
    write(home)
    write(home, "2.yaml", in_force=version("2027-01-01"), version='version: "2"', scorecard="scorecards:", notices="")
    write(home, "1.yaml", in_force=version("2026-10-01", "2027-01-01"))
    assert policy_in_force("small", NIGHT, home).policy.version == "1"


def test_the_version_in_force_must_compile(home: Path) -> None:
    write(home, notices="")
    assert findings(policy_in_force, "small", NIGHT, home) == ["1.yaml:1: notices: is missing"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("in_force: {from: 2027-13-01}", "2.yaml:3: found 2027-13-01, which is not a day of any calendar"),
        ("in_force: {from: soon}", "2.yaml:3: in_force.from: expected a date, found the text 'soon'"),
        ("in_force: {until: 2027-01-01}", "2.yaml:3: in_force.from: is missing"),
        ("", "2.yaml:1: in_force: is missing"),
    ],
)
def test_every_file_of_a_series_must_say_when_it_is_in_force(home: Path, line: str, words: str) -> None:
    write(home)
    write(home, "2.yaml", in_force=line, version='version: "2"')
    (found,) = findings(policy_in_force, "small", NIGHT, home)
    assert found.startswith(words)


def test_a_file_of_another_series_is_refused(home: Path) -> None:
    write(home, policy="policy: smell")
    assert findings(policy_in_force, "small", NIGHT, home) == [
        "1.yaml:1: policy: found 'smell' in the folder of 'small'; the two names are the same"
    ]


def test_two_files_with_the_name_of_one_version_are_refused(home: Path) -> None:
    write(home, in_force=version("2026-10-01", "2026-11-01"))
    write(home, "2.yaml", in_force=version("2026-11-01"))
    (found,) = findings(policy_in_force, "small", NIGHT, home)
    assert found.startswith("2.yaml:2: version: '1' stands in another file too")


def test_a_file_that_would_be_overlooked_is_refused(home: Path) -> None:
    write(home).with_name("2.yml").touch()
    assert findings(policy_in_force, "small", NIGHT, home) == ["2.yml:1: name it .yaml, or it would not be read"]


def test_what_an_editor_leaves_is_no_version(home: Path) -> None:
    write(home).with_name(".1.yaml.swp").touch()
    (home / "policies" / "small" / ".#1.yaml").touch()
    (home / "policies" / "small" / "README.md").touch()
    assert policy_in_force("small", NIGHT, home).policy.version == "1"


def test_a_policy_whose_review_is_overdue_does_not_decide(home: Path) -> None:
    write(home)
    assert policy_in_force("small", datetime.date(2027, 9, 30), home).policy.version == "1"
    (found,) = findings(policy_in_force, "small", datetime.date(2027, 10, 1), home)
    assert found.startswith("1.yaml:3: in_force.review_by: the review was due by 2027-09-30 and 2027-10-01 is later")


@pytest.mark.parametrize("name", ["../small", "small/..", "", "Small", "small\n", ".", "/etc"])
def test_a_series_is_a_name_and_not_a_path(home: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="the name of a policy series is small letters"):
        policy_in_force(name, NIGHT, home)


def test_a_series_that_is_not_there_is_named_with_one_that_is(home: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no policy series 'smal' in .*; did you mean 'small'\?"):
        policy_in_force("smal", NIGHT, home)


def test_reasons_have_texts_in_both_languages(home: Path) -> None:
    folder = write_reasons(home, "payment_overdue")
    reasons = load_reasons(folder)
    assert reasons["payment_overdue"].en.means == "m"
    assert reasons["payment_overdue"].zh.helps == "h"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  en: {means: m, helps: h}\n", ["reasons.yaml:1: a.zh: is missing"]),
        ("a:\n  en: {means: m}\n  zh: {means: m, helps: h}\n", ["reasons.yaml:2: a.en.helps: is missing"]),
        (
            "a:\n  en: {means: m, helps: ' '}\n  zh: {means: '', helps: h}\n",
            [
                "reasons.yaml:2: a.en.helps: expected text that is not blank, found the text ''",
                "reasons.yaml:3: a.zh.means: expected text that is not blank, found the text ''",
            ],
        ),
        (
            "a:\n  en: {means: m, helps: h, help: x}\n  zh: {means: m, helps: h}\n",
            ["reasons.yaml:2: a.en.help: unknown key 'help'; did you mean 'helps'?"],
        ),
        ("a:\n  en: {means: m, helps: h}\n  zh: {means: m, helps: h}\n  de: {means: m, helps: h}\n", ["reasons.yaml:4: a.de: unknown key 'de'"]),
        ("a:\n  en: {means: true, helps: h}\n  zh: {means: m, helps: h}\n", ["reasons.yaml:2: a.en.means: expected text, found the boolean true; quote it if it is meant as text"]),
    ],
)  # fmt: skip
def test_a_reason_without_a_whole_text_is_refused(home: Path, text: str, words: list[str]) -> None:
    folder = home / "policies" / "small"
    (folder / "reasons.yaml").write_text(text)
    assert findings(load_reasons, folder) == words


def test_a_code_is_a_word_of_small_letters(home: Path) -> None:
    (found,) = findings(load_reasons, write_reasons(home, "Overdue payment"))
    assert "expected a small letter, then at most 63 small letters, digits or _" in found


def test_a_series_without_texts_is_refused(home: Path) -> None:
    (found,) = findings(load_reasons, home / "policies" / "small")
    assert found == "reasons.yaml:1: cannot be read: No such file or directory"


def test_a_series_whose_reasons_and_texts_fit_has_no_findings(home: Path) -> None:
    write(home)
    assert check_reasons(write_reasons(home, *USED)) == []


def test_a_reason_that_any_version_gives_needs_a_text(home: Path) -> None:
    write(home)
    later = write(home, "2.yaml", in_force=version("2027-01-01"), version='version: "2"', notices="")
    later.write_text(later.read_text().replace("reason: account_holder_deceased", "reason: account_holder_dead"))
    (finding,) = check_reasons(write_reasons(home, *USED))
    assert (Path(finding.file).name, finding.line) == ("2.yaml", 8)
    assert finding.message == (
        "exclusions[entry 1].reason: 'account_holder_dead' has no text in reasons.yaml; did you mean 'account_holder_deceased'?"
    )


def test_the_reasons_of_the_program_have_texts_which_a_series_may_say_in_its_own_words(home: Path) -> None:
    write(home)
    folder = write_reasons(home, *USED, "confirming")
    assert check_reasons(folder) == []
    texts = load_reasons(folder)
    assert set(texts) == {*USED, *PROGRAM_REASONS}
    assert texts["confirming"].en.means == "m"
    assert texts["nightly_budget_spent"].en.means.startswith("We open only so many lines")


def test_a_text_that_no_version_gives_is_found_at_its_line(home: Path) -> None:
    write(home)
    (finding,) = check_reasons(write_reasons(home, *USED, "left_over"))
    assert (Path(finding.file).name, finding.line) == ("reasons.yaml", 3 * len(USED) + 1)
    assert finding.message == "left_over: no version of the series gives this reason; remove its text"
