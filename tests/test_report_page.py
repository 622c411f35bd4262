import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from schemas.errors import ReinstateError
from schemas.report import Breakdown, Counts, DeliveryTally, Report, Tally
from tasks import wording
from tasks.report_page import TONES, inert_markdown, render_artifact, render_page
from tasks.report_sentences import headline
from tests.report_factory import EMPTY, TEXTS, bare_report, rich_report

TEMPLATES = Path(__file__).parents[1] / "deployments" / "templates"
SECTIONS = (
    "adding-up", "budget", "breakdowns", "steps", "reasons", "review", "quarantine", "exceptions", "scores", "course",
    "notices", "transitions",
)  # fmt: skip
VOID = {"meta", "link", "br", "line", "rect"}


class Page(HTMLParser):
    """The elements, the text and the well-formedness of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace(wording.NO_BREAK, " ").split())

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def page(report: Report) -> Page:
    return Page(render_page(report, TEMPLATES))


def counts_of(**decisions: int) -> Counts:
    judged = sum(decisions.values())
    rest = {"not_up_for_judgement": 0, "quarantined": 0, "pending_activation": 0}
    return Counts(rows=judged, judged=judged, decisions=decisions, **rest)


def plain(text: str) -> str:
    return text.replace(wording.NO_BREAK, " ")


# ---- the page ----------------------------------------------------------------------------------------------------


def test_every_colour_is_in_the_style_sheet_for_light_and_dark() -> None:
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    for tone in {*TONES.values(), "judged", "outside", "quarantined", "reopened-before"}:
        assert f".t-{tone} {{ fill: var(--{tone}); }}" in style
        assert style.count(f"--{tone}: #") == 2, tone


@pytest.mark.parametrize("report", [rich_report(), bare_report()], ids=["rich", "bare"])
def test_the_page_is_whole_and_needs_nothing_else(report: Report) -> None:
    shown = page(report)
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(SECTIONS) <= set(ids)
    assert shown.count("h1") == 1
    assert shown.count("script") == shown.count("img") == shown.count("iframe") == 0
    assert shown.count("table") == shown.count("caption")
    for tag, attributes in shown.elements:
        assert not any(name.startswith("on") or name in {"src", "srcset", "action", "style"} for name in attributes), (
            tag
        )
        assert attributes.get("href", "data:,") == "data:,"
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_charts_and_bars_are_named_or_hidden_for_those_who_cannot_see_them() -> None:
    shown = page(rich_report())
    for tag, attributes in shown.elements:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes["role"] == "img", attributes
            assert "aria-hidden" in attributes or "aria-label" in attributes or "aria-labelledby" in attributes


def test_the_headline_says_what_happened() -> None:
    assert plain(headline(rich_report())) == "On 5 November 2026, 412 lines were reopened, and 5,601 stay closed."
    assert plain(headline(bare_report())) == "On 28 February 2026, no line was up for judgement."
    dry = plain(headline(rich_report(outcome="dry_run")))
    assert dry == "On 5 November 2026, 412 lines would be reopened, and 5,601 would stay closed."


def test_one_line_is_said_in_the_singular() -> None:
    counts = counts_of(reopen=1, refer=1)
    report = rich_report(counts=counts, transitions=rich_report().transitions[:1])
    assert plain(headline(report)) == "On 5 November 2026, 1 line was reopened, and 1 stays closed."


def test_the_numbers_are_there_with_separators_and_currency() -> None:
    text = page(rich_report()).text
    for said in ("19,000 rows in the snapshot", "= 7,377", "+ 11,600", "+ 23", "CNY 3,716,000", "40,000,000", "73.1 %"):
        assert said in text
    for said in ("Credit assessment", "Reopened for a time", "Legacy import", "MERCHANT-24", "Request to close a line"):
        assert said in text
    for said in (TEXTS["bureau_score_low"] + " bureau_score_low", "bureau_score is outside what is allowed"):
        assert said in text


def test_what_waits_is_said_first() -> None:
    text = page(rich_report()).text
    assert "211 lines wait for a person 3 lines are exceptions 23 rows are in quarantine" in text
    assert "4 notices and requests were not accepted" in text
    assert "Nothing waits for a person." in page(bare_report()).text


def test_all_transitions_are_on_the_page_folded_only_when_many() -> None:
    rich = rich_report()
    whole = render_page(rich, TEMPLATES)
    assert all(f">{row.sequence}</th>" in whole for row in rich.transitions)
    assert "All 427 transitions" in Page(whole).text
    shown = page(rich_report(counts=counts_of(reopen=50, keep_closed=1), transitions=rich.transitions[:50]))
    assert "transitions" not in shown.text
    assert shown.count("details") == 2


def test_the_identity_is_at_the_foot() -> None:
    report = rich_report()
    text = page(report).text
    for value in (report.policy_hash, report.snapshot_hash, report.plan_hash, report.ledger_head, report.code_version):
        assert value in text.partition("What this report rests on")[2]


def test_a_section_without_content_says_so_in_a_sentence() -> None:
    shown = page(bare_report())
    assert shown.count("table") == 0
    for said in ("The policy sets no budget for a night.", "Every row passed every check.", "No line was scored.",
                 "There are not two published nights yet to compare.", "No line changed its state."):  # fmt: skip
        assert said in shown.text


@pytest.mark.parametrize("name", EMPTY)
def test_any_section_may_be_empty_alone(name: str) -> None:
    report = rich_report(**{"counts": counts_of(refer=9), "transitions": (), name: ()})
    assert 'class="empty"' in render_page(report, TEMPLATES)


def test_a_dry_run_is_marked_and_a_published_night_is_not() -> None:
    dry = page(rich_report(outcome="dry_run", deliveries=()))
    assert dry.text.startswith("Dry run: Harbour Bank")
    assert "Dry run: nothing was published." in dry.text
    assert "What is not published owes nobody a notice." in dry.text
    assert "were reopened" not in dry.text
    assert "ry run" not in page(rich_report()).text


def test_a_temporary_line_that_the_snapshot_lacks_ends_and_is_counted_beside_the_decisions() -> None:
    text = page(rich_report()).text
    assert "1 temporary line without a row in the snapshot ended as well" in text
    assert "No longer open 15 9 closed again, 6 ended" in text
    assert "watched, 1,350 stay open, 9 were closed again and 6 ended on their date" in text


@pytest.mark.parametrize("missing", ["rows", "decisions", "transitions"])
def test_numbers_that_do_not_add_up_are_not_reported(missing: str) -> None:
    good = rich_report()
    counts = good.counts.model_copy(update={"rows": good.counts.rows + 1} if missing == "rows" else {})
    if missing == "decisions":
        counts = good.counts.model_copy(update={"decisions": {**good.counts.decisions, "refer": 212}})
    rows = good.transitions[1:] if missing == "transitions" else good.transitions
    with pytest.raises(ReinstateError, match="consumer-revolving, 2026-11-05, revision 1"):
        render_page(rich_report(counts=counts, transitions=rows), TEMPLATES)


def test_the_same_report_gives_the_same_page() -> None:
    assert render_page(rich_report(), TEMPLATES) == render_page(rich_report(), TEMPLATES)


def test_a_name_that_a_template_does_not_get_stops_it(tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text("{{ report.title }}{{ no_such_name }}", encoding="utf-8")
    with pytest.raises(UndefinedError):
        render_page(bare_report(), tmp_path)


# ---- injection ---------------------------------------------------------------------------------------------------

HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"' {{ 7 * 7 }}{% raw %} | **b** [l](http://evil.example)"


def hostile_report() -> Report:
    tallies = (
        Tally(word=HOSTILE, lines=3),
        Tally(word=f"a: {HOSTILE}", lines=2),
        Tally(word="payment_overdue", lines=1),
    )
    rows = tuple(
        row.model_copy(update={"reasons": ("payment_overdue",), "cause": HOSTILE}) for row in rich_report().transitions
    )
    broken = (Breakdown(word=HOSTILE, judged=4, reopened=1, kept_closed=2, referred=1),)
    names = ("title", "portfolio", "policy", "policy_version", "code_version", "ledger_head", "plan_hash")
    return rich_report(
        **dict.fromkeys(names, HOSTILE),
        **dict.fromkeys(("steps", "reasons", "review_queue", "quarantine", "exceptions"), tallies),
        **dict.fromkeys(("by_cause", "by_segment", "by_product"), broken),
        deliveries=(DeliveryTally(audience=HOSTILE, kind=HOSTILE, owed=1, accepted=1),),
        transitions=rows,
        reason_texts={"payment_overdue": HOSTILE},
    )


def test_markup_and_template_syntax_in_data_are_inert_on_the_page() -> None:
    source = render_page(hostile_report(), TEMPLATES)
    shown = Page(source)
    assert shown.count("script") == shown.count("img") == 0
    assert shown.count("style") == source.count("<title>") - source.count("<g><title>") == 1
    assert "{{ 7 * 7 }}{% raw %}" in shown.text
    assert "49{%" not in shown.text
    assert not any(name.startswith("on") for _, attributes in shown.elements for name in attributes)


def test_markup_in_data_is_inert_in_the_artifact() -> None:
    text = render_artifact(hostile_report(), TEMPLATES, "</x> `a` [b](http://evil.example)\n# c")
    bare = re.sub(r"\\.", "", html.unescape(text.replace("&lt;", "")))
    for sign in ("<", "`", "[", "](", "{{", "http://", "\n# c"):
        assert sign not in bare, sign


def test_inert_markdown_folds_lines_and_leaves_our_own_markup() -> None:
    assert inert_markdown("a\r\nb | *c*") == r"a b \| \*c\*"
    assert inert_markdown("<&") == "&lt;&amp;"
    assert inert_markdown(7) == 7


# ---- the artifact ------------------------------------------------------------------------------------------------


def test_the_artifact_has_headline_counts_and_the_way_to_the_page() -> None:
    text = plain(render_artifact(rich_report(), TEMPLATES, "https://reports.example/2026-11-05.html")).replace("\\", "")
    assert text.startswith("## On 5 November 2026, 412 lines were reopened, and 5,601 stay closed.\n")
    assert "| Kept closed | 5,390 | 73.1 % |" in text
    assert "| **Rows in the snapshot** | **19,000** | |" in text
    assert "Full report: <https://reports.example/2026-11-05.html>" in text
    assert len(text) < 3000


@pytest.mark.parametrize(
    "location", ["/reports/first light/report.html", "javascript:alert(1)", "https://a.example/x y"]
)
def test_a_location_that_is_no_plain_web_address_is_no_link(location: str) -> None:
    text = render_artifact(bare_report(), TEMPLATES, location)
    assert "<" not in text
    assert location in text.replace("\\", "")


def test_a_dry_run_above_its_caps_says_that_it_would_be_held_and_of_no_plan_to_release() -> None:
    dry = page(rich_report(outcome="dry_run", deliveries=(), findings=("lines reopened: 5, the cap is 1",)))
    assert "Lines reopened: 5, the cap is 1." in dry.text
    assert "Above these caps the night would be held for people." in dry.text
    assert "reinstate release" not in dry.text
    assert "once people release it" not in dry.text


def test_the_artifact_of_a_dry_run_says_so() -> None:
    assert "**Dry run: nothing was published.**" in render_artifact(bare_report(), TEMPLATES, "x")
    assert "Dry run" not in render_artifact(rich_report(), TEMPLATES, "x")


def test_the_artifact_has_no_lines_that_break_its_table() -> None:
    lines = render_artifact(rich_report(), TEMPLATES, "x").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert all(line.count("|") == 4 for line in table)
    places = [at for at, line in enumerate(lines) if line.startswith("|")]
    assert places == list(range(places[0], places[-1] + 1))
