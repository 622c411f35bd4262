"""The report as a real browser shows it: whole, legible and alone, on a telephone, a screen and paper."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from schemas.report import Report
from tasks.report_page import render_page
from tests.report_factory import bare_report, extreme_report, rich_report

pytestmark = pytest.mark.browser

TEMPLATES = Path(__file__).parents[1] / "deployments" / "templates"
WIDTHS = (400, 720, 900, 1100, 1440)
REPORTS: dict[str, Callable[[], Report]] = {
    "rich": rich_report,
    "bare": bare_report,
    "extreme": extreme_report,
    "dry": lambda: rich_report(outcome="dry_run"),
}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CONTRAST_LEAST = 4.5
"""What the Web Content Accessibility Guidelines ask of small text (1.4.3, level AA)."""

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(each => !each.closest(".quiet") && each.getClientRects().length)
  .filter(each => { const box = each.getBoundingClientRect(); return box.right > innerWidth + 0.5 || box.left < -0.5; })
  .map(each => `${each.tagName}.${each.getAttribute("class")}: ${each.textContent.trim().slice(0, 40)}`)"""

OVERLAPPING = """() => [...document.querySelectorAll(".chart svg")].flatMap(svg => {
  const boxes = [...svg.querySelectorAll("text")].map(each => [each.textContent, each.getBoundingClientRect()]);
  return boxes.flatMap(([word, box], at) => boxes.slice(at + 1)
    .filter(([, other]) => box.left < other.right && other.left < box.right && box.top < other.bottom - 3 && other.top < box.bottom - 3)
    .map(([other]) => `${word} / ${other}`)); })"""

CLIPPED = """() => [...document.querySelectorAll("th, td, dd, dt, .term")]
  .filter(each => !each.closest(".quiet, .wide thead") && each.clientWidth && each.scrollWidth > each.clientWidth + 1)
  .map(each => each.textContent.trim().slice(0, 40))"""

FAINT = """least => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([red, green, blue]) => [red, green, blue].map(each => each / 255)
    .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = each => { for (; each; each = each.parentElement) {
    const colour = numbers(getComputedStyle(each).backgroundColor); if (colour.length < 4 || colour[3] > 0) return colour; }
    return [255, 255, 255]; };
  const own = each => [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll("body *")].filter(each => own(each) && !each.closest("title, desc")).map(each => {
    const style = getComputedStyle(each), word = each.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [dark, bright] = [light(numbers(word)), light(ground(each))].sort((one, other) => one - other);
    return [(bright + 0.05) / (dark + 0.05), each.textContent.trim().slice(0, 40)];
  }).filter(([ratio]) => ratio < least); }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = os.environ.get("REINSTATE_CHROMIUM") or shutil.which("chromium")
    if not path or not Path(path).exists():
        pytest.fail("no browser: install chromium, or name its executable in REINSTATE_CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    return {name: _written(make(), folder / f"{name}.html") for name, make in REPORTS.items()}


def _written(report: Report, path: Path) -> str:
    path.write_text(render_page(report, TEMPLATES), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Browser, pages: dict[str, str]) -> Iterator["Opened"]:
    context = browser.new_context()
    yield Opened(context.new_page(), pages)
    context.close()


class Opened:
    """A page in a browser that remembers what it complained of and asked for."""

    def __init__(self, page: Page, pages: dict[str, str]) -> None:
        self.page, self.pages = page, pages
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def show(self, name: str, width: int = 1200, *, unfolded: bool = False) -> Page:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(self.pages[name])
        if unfolded:
            self.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        return self.page


@pytest.mark.parametrize("unfolded", [False, True], ids=["folded", "unfolded"])
@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_wider_than_the_window_or_its_cell(opened: Opened, name: str, *, unfolded: bool) -> None:
    page = opened.show(name, unfolded=unfolded)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = {each: page.evaluate(each) for each in (TOO_WIDE, CLIPPED, OVERLAPPING)}
        assert not any(found.values()), (width, found.values())


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_fetched_and_nothing_complained_of(opened: Opened, name: str) -> None:
    opened.show(name, unfolded=True)
    assert opened.complaints == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [opened.pages[name]]


@pytest.mark.parametrize("name", REPORTS)
def test_every_section_is_seen(opened: Opened, name: str) -> None:
    page = opened.show(name, 400)
    sections = page.locator("section, header, footer, main")
    assert sections.count() == 12 + 3
    for at in range(sections.count()):
        assert sections.nth(at).is_visible()
        assert sections.nth(at).inner_text().strip()


def test_folded_transitions_open_and_hold_every_row(opened: Opened) -> None:
    page = opened.show("rich")
    last = page.get_by_role("rowheader", name="20844")
    assert not last.is_visible()
    page.get_by_text("All 427 transitions").click()
    assert last.is_visible()


def test_paper_shows_what_is_folded(opened: Opened) -> None:
    page = opened.show("rich")
    page.emulate_media(media="print")
    assert page.locator(".transitions tbody tr").last.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["rich", "dry"])
def test_text_stands_out_from_its_ground(opened: Opened, name: str, scheme: str) -> None:
    opened.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page = opened.show(name, unfolded=True)
    assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)") == (
        scheme == "light"
    )
    assert page.evaluate(FAINT, CONTRAST_LEAST) == []


@pytest.mark.parametrize("width", [400, 1440])
def test_tables_stay_tables_for_those_who_listen(opened: Opened, width: int) -> None:
    page = opened.show("rich", width)
    table = page.get_by_role("table", name="Decisions by cause of closure")
    assert table.get_by_role("row").count() == 7
    assert table.get_by_role("rowheader", name="Policy tightening").is_visible()
    assert page.get_by_role("img", name="Not reopened, by score").is_visible()
