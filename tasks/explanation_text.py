"""An explanation as a text that a clerk can read aloud, in English or Chinese: `templates/explain/line.*.txt.j2`."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas.errors import ConfigurationError
from schemas.explanation import Condition, Explanation, Points, Value, Verdict
from schemas.reasons import Reason, ReasonText
from schemas.vocabulary import REASON_CAUSE_NOT_COVERED, Answer, Route, Step
from tasks.decisioning.rules import Rules
from tasks.explanation_words import VOCABULARIES
from tasks.speaking import Speaker
from tasks.terminal_lines import laid_out, padded
from tasks.wording import words

ORDER = (Answer.FAIL, Answer.UNKNOWN, Answer.PASS)
"""Conditions are told in this order: what is in the way first."""


def write_explanation(
    explanation: Explanation,
    rules: Rules,
    reasons: Mapping[str, Reason],
    own_words: Mapping[str, str],
    language: str,
    templates: Path,
) -> str:
    """Write an explanation for people, at most 80 columns wide.

    Args:
        explanation: one line of one night.
        rules: the policy of that night.
        reasons: the texts of the series' reasons.
        own_words: the series' words for its names and ids in `language`.
        language: `en` or `zh`.
        templates: the folder that holds `explain/`.

    Raises:
        ConfigurationError: a template that is missing or wrong.
    """
    speaker = Speaker(language, explanation.currency, rules, own_words, explanation.business_date)
    name = f"explain/line.{language}.txt.j2"
    try:
        text = _environment(templates.resolve()).get_template(name).render(_said(explanation, speaker, reasons))
    except TemplateError as error:
        raise ConfigurationError(f"{templates / name}: {error.message}") from None
    return laid_out(text)


def _said(explanation: Explanation, speaker: Speaker, reasons: Mapping[str, Reason]) -> dict[str, Any]:
    """The names that the templates use."""
    verdict = explanation.verdict

    def reason(code: str) -> ReasonText | None:
        known = reasons.get(code)
        return getattr(known, speaker.language) if known else None

    barriers = verdict.barriers if verdict else ()
    return {
        "e": explanation,
        "v": verdict,
        "outcome": _outcome(verdict) if verdict else "",
        "say": speaker,
        "word": lambda kind, code: _word(speaker.language, kind, code),
        "moved": lambda code: _word(
            speaker.language, "decisions" if code in speaker.vocabulary.decisions else "by_hand", code
        ),
        "reason": reason,
        "pad": padded,
        "faults": [_fault(speaker, fault) for fault in explanation.quarantine],
        "doubtful": _without(verdict.reasons, verdict.reasons_found) if verdict else [],
        "decisive": [each for each in barriers if each.is_decisive],
        "beside": [each for each in barriers if not each.is_decisive],
        "must_fix": _to_put_right(verdict) if verdict else [],
        "conditions": _in_order(verdict.criteria) if verdict else [],
        "asked": {each.id: each for each in (*verdict.criteria, *verdict.barriers)} if verdict else {},
        "found_of": {each.value.name: each.value for each in verdict.points} if verdict else {},
        "points": sorted(verdict.points, key=_gain) if verdict else [],
        "short": lambda value: _short(speaker, value),
    }


def _outcome(verdict: Verdict) -> str:
    """The key of the headline."""
    outcome = f"{verdict.decision}/{verdict.step}"
    if verdict.step == Step.BUDGET and verdict.passed_over and verdict.passed_over.route == Route.CAMPAIGN:
        return f"{outcome}/campaign"
    return f"{outcome}/not_covered" if REASON_CAUSE_NOT_COVERED in verdict.reasons else outcome


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    taken = set(others)
    return [name for name in names if name not in taken]


def _to_put_right(verdict: Verdict) -> list[str]:
    """The criteria of `must_fix` that do not pass by themselves once earlier reopenings no longer count."""
    if verdict.path is None or verdict.outlook is None:
        return []
    return _without(verdict.path.must_fix, (wait.criterion for wait in verdict.outlook.ledger_waits))


def _in_order(criteria: tuple[Condition, ...]) -> list[Condition]:
    return sorted(criteria, key=lambda each: ORDER.index(each.answer))


def _gain(points: Points) -> int:
    """Most points lost first, ties in the scorecard's order."""
    return points.points - points.best


def _short(speaker: Speaker, value: Value) -> str | None:
    """A value for a table, None where it is unknown."""
    return None if value.unknown else speaker.exactly(value.name, value.value)


def _word(language: str, kind: str, code: str) -> str:
    known: Mapping[str, str] = getattr(VOCABULARIES[language], kind, {})
    return words(code, known) if language == "en" else known.get(code, code)


def _fault(speaker: Speaker, fault: str) -> str:
    """What was wrong with a row: `column: what`, as the contract names it."""
    column, _, what = fault.partition(": ")
    return speaker.phrase("found", left=speaker.called(column), right=speaker.vocabulary.faults.get(what, what))


@lru_cache(maxsize=4)
def _environment(templates: Path) -> ImmutableSandboxedEnvironment:
    """Plain text, so nothing is escaped."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(templates),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
