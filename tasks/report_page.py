"""The page and the short artifact of a night's report, rendered from its shape and nothing else."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from schemas.report import Breakdown, Report, Tally
from schemas.vocabulary import Decision
from tasks import wording
from tasks.report_charts import Chart, Segment, bar, course_chart, score_chart, stack
from tasks.report_sentences import (
    attention,
    decided,
    ended_unseen,
    headline,
    refuse_unless_adding_up,
    reopened,
    standfirst,
)
from tasks.wording import counted, day, money, number, share, words

PAGE: Final = "report.html.j2"
ARTIFACT: Final = "report.md.j2"
OPEN_ROWS_MOST: Final = 50
"""More transitions than these are folded away on the page; they are all there."""

TONES: Final[dict[str, str]] = {
    Decision.REOPEN: "reopened",
    Decision.REOPEN_TEMPORARILY: "for-a-time",
    Decision.KEEP_CLOSED: "kept",
    Decision.REFER: "referred",
    Decision.EXPIRE: "ended",
    Decision.RECLOSE: "closed-again",
    Decision.KEEP_TEMPORARY: "temporary",
    Decision.KEEP_OPEN: "open",
}
"""The colour of each decision, by its name in the style sheet; the order is that of bars and tables."""

MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:@/$^=?])")
PLAIN_ADDRESS: Final = re.compile(r"https?://[\w.~:/?#@!$&+,;=%-]+", re.ASCII)


@dataclass(frozen=True)
class DecisionRow:
    """A decision with its colour, its words and its lines."""

    code: str
    tone: str
    words: str
    lines: int


@dataclass(frozen=True)
class BarRow:
    """A row of a table of tallies: what it says, the code behind it, and its bar."""

    words: str
    code: str | None
    lines: int
    share: str
    bar: tuple[Segment, ...]


@dataclass(frozen=True)
class BreakdownRow:
    """A row of a table of decisions by some value; `live` are the lines that were open before the night."""

    words: str
    judged: int
    reopened: int
    kept_closed: int
    referred: int
    live: int
    share: str
    bar: tuple[Segment, ...]


def render_page(report: Report, templates: Path) -> str:
    """Write a night's report as one HTML page that needs nothing but itself.

    Args:
        report: the night.
        templates: the folder that holds `report.html.j2`.

    Raises:
        ReinstateError: the counts do not add up.
    """
    return _environment(templates.resolve(), markdown=False).get_template(PAGE).render(_view(report))


def render_artifact(report: Report, templates: Path, location: str) -> str:
    """Write the short form of a night's report in Markdown.

    Args:
        report: the night.
        templates: the folder that holds `report.md.j2`.
        location: where the whole report is; a plain web address becomes a link.

    Raises:
        ReinstateError: the counts do not add up.
    """
    is_plain = PLAIN_ADDRESS.fullmatch(location) is not None
    address = Markup(f"<{location}>") if is_plain else location  # noqa: S704 - nothing in it is markup
    return (
        _environment(templates.resolve(), markdown=True).get_template(ARTIFACT).render(_view(report), location=address)
    )


@lru_cache(maxsize=8)
def _environment(templates: Path, *, markdown: bool) -> Environment:
    """Everything is escaped for HTML, and in Markdown also made free of markup."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=inert_markdown if markdown else None,
    )
    environment.filters |= {
        "number": number,
        "day": day,
        "short_day": wording.short_day,
        "words": words,
        "capitalize_first": capitalize_first,
    }
    return environment


def capitalize_first(words: str) -> str:
    """A sentence's first letter large, the others as they are."""
    return words[:1].upper() + words[1:]


def inert_markdown(value: object) -> object:
    """Escape what Markdown or HTML would act on, and fold line breaks; markup of our own passes."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    one_line = " ".join(value.split()) if any(ord(sign) < ord(" ") for sign in value) else value
    return Markup(escape(MARKDOWN.sub(r"\\\1", one_line)))  # noqa: S704 - both languages escaped just here


def _view(report: Report) -> dict[str, Any]:
    """Everything that the templates say, worked out; they only lay it out."""
    refuse_unless_adding_up(report)
    texts = report.reason_texts
    opened = reopened(report)
    return {
        "report": report,
        "unpublished_words": wording.OUTCOMES[report.outcome],
        "wording": wording,
        "tones": TONES,
        "headline": headline(report),
        "standfirst": standfirst(report),
        "attention": attention(report),
        "decisions": _decisions(report),
        "decided": partial(decided, report),
        "reopened": opened,
        "average_limit_cents": wording.rounded(report.reopened_limit_cents // max(1, opened), report.currency),
        "ended": decided(report, Decision.EXPIRE) + ended_unseen(report),
        "ended_unseen": ended_unseen(report),
        "rows_bar": stack(_rows_parts(report)),
        "decisions_bar": stack((row.tone, row.lines) for row in _decisions(report)),
        "breakdowns": _breakdowns(report),
        "steps": _tallies(report.steps, report.counts.judged, "open", wording.STEPS),
        "reasons": _tallies(report.reasons, decided(report, Decision.KEEP_CLOSED), "kept", texts),
        "review_queue": _tallies(report.review_queue, decided(report, Decision.REFER), "referred", texts),
        "quarantine": _checks(report),
        "exceptions": _exceptions(report),
        "scores": _score_charts(report),
        "course": course_chart(report.nights),
        "open_rows_most": OPEN_ROWS_MOST,
        "money": partial(money, currency=report.currency),
        "share": share,
        "bar": bar,
        "counted": counted,
    }


def _decisions(report: Report) -> list[DecisionRow]:
    """Every decision that was made, in the order of the colours, and any that has none at the end."""
    made = report.counts.decisions
    order = [*TONES, *(code for code in made if code not in TONES)]
    return [
        DecisionRow(code, TONES.get(code, "kept"), words(code, wording.DECISIONS), made[code])
        for code in order
        if made.get(code)
    ]


def _rows_parts(report: Report) -> list[tuple[str, int]]:
    counts = report.counts
    return [("judged", counts.judged), ("outside", counts.not_up_for_judgement), ("quarantined", counts.quarantined)]


def _breakdowns(report: Report) -> list[tuple[str, list[BreakdownRow]]]:
    return [
        ("Cause of closure", [_breakdown(row, wording.CAUSES) for row in report.by_cause]),
        ("Customer segment", [_breakdown(row, {}) for row in report.by_segment]),
        ("Product", [_breakdown(row, {}) for row in report.by_product]),
    ]


def _breakdown(row: Breakdown, known: Any) -> BreakdownRow:
    live = row.judged - row.reopened - row.kept_closed - row.referred
    parts = (("reopened", row.reopened), ("referred", row.referred), ("kept", row.kept_closed), ("open", live))
    return BreakdownRow(
        words=words(row.word, known),
        judged=row.judged,
        reopened=row.reopened,
        kept_closed=row.kept_closed,
        referred=row.referred,
        live=live,
        share=share(row.reopened, row.judged - live),
        bar=stack(parts),
    )


def _tallies(tallies: Iterable[Tally], whole: int, tone: str, known: Any) -> list[BarRow]:
    """Rows with bars against the longest of them and shares of `whole` lines."""
    rows = sorted(tallies, key=lambda tally: -tally.lines)
    most = max((row.lines for row in rows), default=0)
    return [
        BarRow(
            words=(said := words(row.word, known)),
            code=row.word if said != row.word else None,
            lines=row.lines,
            share=share(row.lines, whole),
            bar=bar(tone, row.lines, most),
        )
        for row in rows
    ]


def _score_charts(report: Report) -> list[tuple[str, int, Chart | None]]:
    """Lines reopened and lines not, each on its own scale: few are reopened on an ordinary night."""
    kinds = (("Reopened", "reopened", "reopened"), ("Not reopened", "not_reopened", "kept"))
    return [
        (said, sum(map(attrgetter(name), report.scores)), score_chart(report.scores, tone, attrgetter(name)))
        for said, name, tone in kinds
        if report.scores
    ]


def _exceptions(report: Report) -> list[BarRow]:
    rows = _tallies(report.exceptions, 0, "referred", {})
    return [replace(row, words=_sentence(row.words)) for row in rows]


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:]


def _checks(report: Report) -> list[BarRow]:
    """Failed checks, with the column that they are about, where one is named, as the code."""
    rows = _tallies(report.quarantine, report.counts.quarantined, "quarantined", {})
    halves = ((row, *row.words.partition(": ")) for row in rows)
    return [replace(row, words=wrong, code=column) if wrong else row for row, column, _, wrong in halves]
