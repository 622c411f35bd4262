"""The smallest book under a retention, for tests of what its nights give up and who misses it."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.handles import NightResult, Run
from tasks import finishing, nights, opening, publishing
from tasks.nights import run_directory
from tests.crashes.book import NAME, NIGHTS, make_home
from tests.plain_nights import plan_plainly, use_home

FIRST, SECOND, THIRD, FOURTH, FIFTH, _ = NIGHTS
STAYS = {"report.html", "report.json", "night.json", "policy.yaml", "portfolio.json"}
EVERYTHING = STAYS | {
    "snapshot", "ledger.parquet", "evidence", "candidates", "quarantine", "plan.parquet", "overlay.parquet",
    "recoverable.parquet", "transitions.csv",
}  # fmt: skip
JUDGED, SET_ASIDE = "overdue-1", "bad"
"""A line that every night judges, and one whose row is wrong."""


def book(root: Path, patch: pytest.MonkeyPatch, keeps: str = "") -> None:
    """Work on the smallest book, without caps, in `root`."""
    home = make_home(root / "home")
    use_home(patch, root / "data", home)
    keep(keeps)


def keep(keeps: str) -> None:
    """Write the retention into the portfolio file, or leave it out."""
    [path] = (nights.settings().deployments / "portfolios").glob("*.yaml")
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("retention:", "caps:"))]
    path.write_text("\n".join([*lines, f"retention: {keeps}" if keeps else "", ""]))


def night(number: int) -> NightResult:
    """The night of that number from 1, to its end."""
    with opening.attempt(NAME, NIGHTS[number - 1], is_dry_run=False):
        settled = plan_plainly(NAME, NIGHTS[number - 1])
        published = publishing.publish_plan(settled, nights.portfolio_of(NAME))
    return finishing.wrap_up(settled, published)


def run_of(number: int) -> Run:
    return nights.recall(NAME, NIGHTS[number - 1]).run


def found(date: Any, **which: Any) -> set[str]:
    """The names in the folder of a night."""
    return {path.name for path in run_directory(NAME, date, **which).iterdir()}


def command(*words: str) -> Result:
    return CliRunner().invoke(commands, [*words, "--portfolio", NAME])


def refusal(*words: str) -> str:
    refused = command(*words)
    assert refused.exit_code == 1, refused.output
    return refused.output if isinstance(refused.exception, SystemExit) else str(refused.exception)
