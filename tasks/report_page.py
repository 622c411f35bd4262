"""The page and the short artifact of a night's report, rendered from its shape and nothing else."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from schemas.errors import ReinstateError
from schemas.report import Breakdown, Report, Tally
from schemas.vocabulary import TRANSITIONS, Decision
from tasks import wording
from tasks.report_charts import Segment, bar, course_chart, score_chart, stack
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
    return _environment(templates, markdown=False).get_template(PAGE).render(_view(report))


def render_artifact(report: Report, templates: Path, location: str) -> str:
    """Write the short form of a night's report in Markdown.

    Args:
        report: the night.
        templates: the folder that holds `report.md.j2`.
        location: where the whole report is; a plain web address becomes a link.

    Raises:
        ReinstateError: the counts do not add up.
    """
    address = Markup(f"<{location}>") if PLAIN_ADDRESS.fullmatch(location) else location
    return _environment(templates, markdown=True).get_template(ARTIFACT).render(_view(report), location=address)


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
    environment.filters |= {"number": number, "day": day, "short_day": wording.short_day, "words": words}
    return environment


def inert_markdown(value: object) -> object:
    """Escape what Markdown or HTML would act on, and fold line breaks; markup of our own passes."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    one_line = " ".join(value.split()) if any(ord(sign) < ord(" ") for sign in value) else value
    return Markup(escape(MARKDOWN.sub(r"\\\1", one_line)))  # noqa: S704 - both languages escaped just here


def _view(report: Report) -> dict[str, Any]:
    """Everything that the templates say, worked out; they only lay it out."""
    refuse_unless_adding_up(report)
    decided = partial(_decided, report)
    texts = report.reason_texts
    kept = decided(Decision.KEEP_CLOSED)
    return {
        "report": report,
        "wording": wording,
        "tones": TONES,
        "headline": headline(report),
        "standfirst": standfirst(report),
        "attention": attention(report),
        "decisions": _decisions(report),
        "decided": decided,
        "reopened": _reopened(report),
        "average_limit_cents": wording.rounded(report.reopened_limit_cents // max(1, _reopened(report)), report.currency),
        "closed_again": decided(Decision.EXPIRE, Decision.RECLOSE),
        "rows_bar": stack(_rows_parts(report)),
        "decisions_bar": stack((row.tone, row.lines) for row in _decisions(report)),
        "breakdowns": _breakdowns(report),
        "steps": _tallies(report.steps, report.counts.judged, "open", wording.STEPS),
        "reasons": _tallies(report.reasons, kept, "kept", texts),
        "review_queue": _tallies(report.review_queue, decided(Decision.REFER), "referred", texts),
        "quarantine": _checks(report),
        "exceptions": _exceptions(report),
        "scores": score_chart(report.scores),
        "course": course_chart(report.nights),
        "outstanding": _outstanding(report),
        "open_rows_most": OPEN_ROWS_MOST,
        "money": partial(money, currency=report.currency),
        "share": share,
        "bar": bar,
        "counted": counted,
    }


def refuse_unless_adding_up(report: Report) -> None:
    """Stop where the rows, the decisions or the transitions of a report do not add up.

    Raises:
        ReinstateError: with what was expected and what was found.
    """
    counts = report.counts
    parts = counts.judged + counts.not_up_for_judgement + counts.quarantined
    transitions = _decided(report, *TRANSITIONS)
    for what, whole, found in (
        ("rows are judged, not up for judgement or quarantined", counts.rows, parts),
        ("lines judged have a decision", counts.judged, sum(counts.decisions.values())),
        ("decisions that change a line are listed as transitions", transitions, len(report.transitions)),
    ):
        if whole != found:
            night = f"{report.portfolio}, {report.business_date}, revision {report.revision}"
            raise ReinstateError(f"report of {night}: {found} of {whole} {what}; nothing was written")


def headline(report: Report) -> str:
    """Say in one sentence what the night did, or for a dry run would have done."""
    reopened, closed = _reopened(report), _decided(report, Decision.KEEP_CLOSED, Decision.REFER)
    date = day(report.business_date)
    if not report.counts.judged:
        return f"On {date}, no line was up for judgement."
    if report.is_dry_run:
        return f"On {date}, {counted(reopened, 'line', 'lines')} would be reopened, and {number(closed)} would stay closed."
    were = "was" if reopened == 1 else "were"
    return f"On {date}, {counted(reopened, 'line', 'lines')} {were} reopened, and {number(closed)} stay closed."


def standfirst(report: Report) -> tuple[str, ...]:
    """Add to the headline, in sentences: limits, lines that wait for a person, lines that were open before."""
    said = []
    if _reopened(report):
        verb = "would come" if report.is_dry_run else "come"
        said.append(f"The limits opened {verb} to {money(report.reopened_limit_cents, report.currency)}.")
    live = _decided(report, Decision.KEEP_OPEN, Decision.KEEP_TEMPORARY, Decision.EXPIRE, Decision.RECLOSE)
    if live:
        stay = _decided(report, Decision.KEEP_OPEN, Decision.KEEP_TEMPORARY)
        ended, again = _decided(report, Decision.EXPIRE), _decided(report, Decision.RECLOSE)
        said.append(
            f"Of {counted(live, 'line', 'lines')} reopened before and still watched, {number(stay)} stay open, "
            f"{number(again)} {'would be' if report.is_dry_run else 'were'} closed again "
            f"and {number(ended)} {'would reach' if report.is_dry_run else 'reached'} the end of their time."
        )
    return tuple(said)


def attention(report: Report) -> tuple[str, ...]:
    """Say what waits for a person or for another system; empty when nothing does."""
    waiting = (
        (_decided(report, Decision.REFER), "line waits for a person", "lines wait for a person"),
        (sum(each.lines for each in report.exceptions), "line is an exception", "lines are exceptions"),
        (report.counts.quarantined, "row is in quarantine", "rows are in quarantine"),
        (_outstanding(report), "notice or request is not accepted yet", "notices and requests are not accepted yet"),
    )
    return tuple(counted(count, one, many) for count, one, many in waiting if count)


def _decided(report: Report, *decisions: Decision) -> int:
    return sum(report.counts.decisions.get(decision, 0) for decision in decisions)


def _reopened(report: Report) -> int:
    return _decided(report, Decision.REOPEN, Decision.REOPEN_TEMPORARILY)


def _outstanding(report: Report) -> int:
    return sum(delivery.owed - delivery.accepted for delivery in report.deliveries)


def _decisions(report: Report) -> list[DecisionRow]:
    """Every decision that was made, in the order of the colours, and any that has none at the end."""
    made = report.counts.decisions
    order = [*TONES, *(code for code in made if code not in TONES)]
    rows = (DecisionRow(code, TONES.get(code, "kept"), words(code, wording.DECISIONS), made.get(code, 0)) for code in order)
    return [row for row in rows if row.lines]


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


def _exceptions(report: Report) -> list[BarRow]:
    rows = _tallies(report.exceptions, 0, "referred", {})
    return [replace(row, words=_sentence(row.words)) for row in rows]


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:]


def _checks(report: Report) -> list[BarRow]:
    """Failed checks, with the column, where one is named, as the code."""
    rows = _tallies(report.quarantine, report.counts.quarantined, "quarantined", {})
    halves = ((row, *row.words.partition(": ")) for row in rows)
    return [
        replace(row, words=_sentence(wrong), code=column) if wrong else row
        for row, column, _, wrong in halves
    ]

