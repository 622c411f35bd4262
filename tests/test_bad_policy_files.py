"""One bad policy file for every way to be wrong: refused with file, line and words, and nothing in it is ever executed."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from schemas.errors import FileRefused
from schemas.policy import Place
from tasks.policy_files import load_policy
from tests.decisioning.bad_policies import ILL_SHAPED, REFUSED, Changes, edited
from tests.factories import policy_dict
from tests.judging.files import write_policy

ILL_WORDS = {
    "an unknown key": "unknown key 'flor_cents'; did you mean 'floor_cents'?",
    "an unknown section": "unknown key 'exceptions'; did you mean 'exclusions'?",
    "an expression that is a YAML boolean": "expected text, found the boolean false; quote it if it is meant as text",
    "an expression that is a YAML number": "expected text, found the whole number 500; quote it if it is meant as text",
    "an empty expression": "is empty",
    "a freeze without from": "is missing",
    "a campaign without an end": "is missing",
    "a campaign that ends never": "expected a date, found null",
    "a date as text": "expected a date, found the text '2026-10-01'; write it without quotes",
    "points that are no whole number": "expected a whole number, found the number 2.5",
    "points that are a boolean": "expected a whole number, found the boolean true",
    "money that is no whole number": "expected a whole number, found the number 500.0",
    "money below zero": "must be at least 0, found the whole number -1",
    "money beyond the largest amount": "must be at most 10000000000000, found the whole number 10000000000001",
    "a number that is not finite": "found .inf; it is not a finite number",
    "an edge that is not finite": "found .nan; it is not a finite number",
    "an unknown type": "found the text 'bool'; did you mean 'boolean'?",
    "no score_min, not even null": "is missing",
    "no bins at all": "is empty",
    "no points for missing": "is missing",
    "a campaign for no cause": "is empty",
    "confirmation on no night": "must be at least 1, found the whole number 0",
    "rounding to nothing": "must be at least 1, found the whole number 0",
    "a reason code with capitals": "expected a small letter, then at most 63 small letters, digits or _",
    "an id with a dash": "expected a letter, then at most 63 letters, digits or _, found the text 'EX-1'",
}
WORDS: dict[str, tuple[Changes, Place, str]] = {
    **REFUSED,
    **{name: (*ILL_SHAPED[name], words) for name, words in ILL_WORDS.items()},
}
BROKEN: dict[str, tuple[str, str, int, str]] = {
    "a key that stands twice": ("confirm_nights: 1\n", "confirm_nights: 1\nconfirm_nights: 2\n", 1, "confirm_nights"),
    "an alias": ("  base_points: 500\n", "  base_points: &five 500\n", 0, "anchor"),
    "a tag that would run code": ("confirm_nights: 1\n", "confirm_nights: !!python/object/apply:os.system [ls]\n", 0, "tag"),
    "a word that YAML 1.1 takes for a boolean": ("policy: small\n", "policy: no\n", 0, "found no; some programs read it as true or false"),
    "a number with a leading zero": ("confirm_nights: 1\n", "confirm_nights: 010\n", 0, "010"),
    "a time of day that YAML 1.1 takes for a number": ("confirm_nights: 1\n", "confirm_nights: 12:30\n", 0, "12:30"),
    "a value that is left out": ("confirm_nights: 1\n", "confirm_nights:\n", 0, "found nothing where a value stands"),
}  # fmt: skip


def refusal(path: Path) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        load_policy(path)
    return refused.value


def line_of(path: Path, place: Place) -> int:
    """The line on which a place stands; of what is not there, the line of what it should stand in."""
    node: Any = YAML().load(path.read_text(encoding="utf-8"))
    line = 0
    for way in place:
        if isinstance(way, int):
            line, node = node.lc.item(way)[0], node[way]
        elif isinstance(node, dict) and way in node:
            line, node = node.lc.key(way)[0], node[way]
    return line + 1


@pytest.mark.parametrize("name", WORDS)
def test_a_bad_policy_file_is_refused_in_words_on_its_line(name: str, tmp_path: Path) -> None:
    changes, place, words = WORDS[name]
    path = write_policy(tmp_path / "2026-10.yaml", edited(changes))
    found = [finding for finding in refusal(path).findings if words in finding.message]
    assert found, refusal(path)
    assert all(finding.file == str(path) for finding in found)
    near = line_of(path, place)
    assert any(near - 1 <= finding.line <= near + 2 for finding in found), (found, near)


def test_every_ill_shaped_part_has_its_words() -> None:
    assert set(ILL_WORDS) == set(ILL_SHAPED)


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_could_be_read_in_two_ways_is_refused_on_its_line(name: str, tmp_path: Path) -> None:
    before, after, further, words = BROKEN[name]
    path = write_policy(tmp_path / "2026-10.yaml", policy_dict())
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    line = text[: text.index(before)].count("\n") + 1 + further
    assert any(finding.line == line and words in finding.message for finding in refusal(path).findings), refusal(path)


def test_problems_of_words_shape_and_sense_are_told_together(tmp_path: Path) -> None:
    changed = policy_dict(limit={"flor_cents": 3}, criteria={"CURRENT": {"require": "dais_past_due == 0"}})
    changed["causes"]["credit_assessment"]["score_min"] = 9_999
    path = write_policy(tmp_path / "2026-10.yaml", changed)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("confirm_nights: 1\n", "confirm_nights: 1\nconfirm_nights: 2\n"), encoding="utf-8")
    messages = [finding.message for finding in refusal(path).findings]
    for words in ("twice", "unknown key 'flor_cents'", "'dais_past_due' is not declared", "no line could reach 9999"):
        assert any(words in message for message in messages), (words, messages)
    assert len(messages) == 4


def test_a_value_that_could_be_read_in_two_ways_hides_no_problem_of_shape(tmp_path: Path) -> None:
    path = write_policy(tmp_path / "2026-10.yaml", policy_dict(probation={"days": -1}))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("confirm_nights: 1\n", "confirm_nights: 1_000\n"), encoding="utf-8")
    messages = [finding.message for finding in refusal(path).findings]
    assert len(messages) == 2
    assert any("1_000" in message for message in messages)
    assert any("must be at least 0, found the whole number -1" in message for message in messages)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.77, 0.98])
def test_a_half_written_file_is_refused(share: float, tmp_path: Path) -> None:
    path = write_policy(tmp_path / "2026-10.yaml", policy_dict())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert refusal(path).findings


def test_a_thousand_criteria_end_in_a_message(tmp_path: Path) -> None:
    many = {f"C{number}": {"require": "days_past_due == 0", "reason": "payment_overdue"} for number in range(1_000)}
    changed = policy_dict(criteria=many, causes={"product_operation": {"criteria": list(many)}})
    path = write_policy(tmp_path / "2026-10.yaml", changed)
    assert any("at most 200" in finding.message for finding in refusal(path).findings)


@pytest.mark.parametrize(
    "deep", ["(" * 1_000 + "deceased" + ")" * 1_000, "not " * 1_000 + "deceased", "-" * 1_000 + "1 < 2"]
)
def test_an_expression_nested_a_thousand_deep_ends_in_a_message(deep: str, tmp_path: Path) -> None:
    path = write_policy(tmp_path / "2026-10.yaml", policy_dict(criteria={"CURRENT": {"require": deep}}))
    assert any("deep" in finding.message for finding in refusal(path).findings)


@pytest.mark.parametrize(
    "attempt",
    [
        "__import__('os').system('touch ran') == 0",
        "deceased.__class__ == 1",
        "[x for x in deceased]",
        "lambda: deceased",
        "open('ran') == 1",
        "exec('1')",
    ],
)
def test_nothing_in_a_policy_is_executed(attempt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_policy(tmp_path / "2026-10.yaml", policy_dict(criteria={"CURRENT": {"require": attempt}}))
    assert refusal(path).findings
    assert not (tmp_path / "ran").exists()
