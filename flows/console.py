"""Nights on a terminal: a bar while they run, a table when they are done."""

import datetime
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from schemas.handles import NightResult
from schemas.vocabulary import Decision, Outcome
from tasks import progress

PLAIN_WIDTH = 110
STAGE_WEIGHTS = {
    "open": 4,
    "pull": 8,
    "validate": 10,
    "rescore": 20,
    "decide": 2,
    "audit": 1,
    "publish": 10,
    "notify": 5,
    "report": 15,
}
"""Roughly how long the stages of a night take beside each other, so that the time left is a fair guess."""
STAGE_WORDS = {
    "open": "opening the night",
    "pull": "pulling the snapshot",
    "validate": "validating",
    "rescore": "re-scoring",
    "decide": "deciding",
    "audit": "adding up",
    "publish": "publishing",
    "notify": "sending notices",
    "report": "writing the report",
}


@contextmanager
def watch_nights(portfolio: str, due: list[datetime.date]) -> Iterator[None]:
    """Show how far the nights are, and at the end, even a bad one, what the finished ones decided."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    watcher = _Watcher(console, portfolio, len(due))
    progress.listen(watcher.hear)
    spelt = f"{due[0]}" if len(due) == 1 else f"{due[0]} to {due[-1]}"
    console.print(
        f"{portfolio}: {len(due)} {'night' if len(due) == 1 else 'nights'} due, {spelt}. Starting Prefect ..."
    )
    try:
        with watcher.bars:
            yield
    finally:
        if watcher.results:
            console.print(_summary(watcher.results))
            for result in (result for result in watcher.results if result.outcome is not Outcome.PUBLISHED):
                console.print(f"{result.business_date}: {result.message}.")
            for result in watcher.results:
                for warning in result.warnings:
                    console.print(f"{result.business_date}: warning: {warning}", markup=False)
            for result in watcher.results[-1:]:
                if result.outstanding:
                    console.print(f"{result.business_date}: warning: {result.outstanding}", markup=False)
                console.print(f"Reports: {_shared(watcher.results)}", soft_wrap=True)
                console.print(f"Newest:  {result.report}", soft_wrap=True)


class _Watcher:
    """Turns events, which come from several threads, into one bar over all nights."""

    def __init__(self, console: Console, portfolio: str, total: int) -> None:
        self.console = console
        self.results: list[NightResult] = []
        self._lock = threading.Lock()
        self._night_weight = sum(STAGE_WEIGHTS.values())
        self._stage_start = 0.0
        self._stage, self._lines, self._done_lines = "open", 0, 0
        self._number = 0
        self._date: datetime.date | None = None
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar: TaskID = self.bars.add_task(portfolio, total=total * self._night_weight)

    def hear(self, event: progress.Event) -> None:
        with self._lock:
            match event:
                case progress.NightBegins(business_date=date, number=number):
                    self._date, self._number = date, number
                    self._begin("open", 0)
                case progress.StageBegins(stage=stage, lines=lines):
                    self._begin(stage, lines or 0)
                case progress.LinesDone(lines=lines):
                    self._done_lines += lines
                    self._move()
                case progress.NightEnds(result=result):
                    self.results.append(result)
                    if not self.console.is_terminal:
                        self.console.print(
                            f"{result.business_date}: {result.counts['rows']:,} lines, {_reopened(result):,} reopened; {result.message}."
                        )

    def _begin(self, stage: str, lines: int) -> None:
        self._stage, self._lines, self._done_lines = stage, lines, 0
        names = list(STAGE_WEIGHTS)
        before = sum(STAGE_WEIGHTS[name] for name in names[: names.index(stage)])
        self._stage_start = max(self._number - 1, 0) * self._night_weight + before
        self._move()

    def _move(self) -> None:
        share = self._done_lines / self._lines if self._lines else 0
        words = f"{self._date} {STAGE_WORDS[self._stage]}"
        if self._lines:
            words += f" {self._done_lines:,} of {self._lines:,} lines"
        self.bars.update(self._bar, completed=self._stage_start + share * STAGE_WEIGHTS[self._stage], description=words)


def _reopened(result: NightResult) -> int:
    return sum(result.counts.get(decision, 0) for decision in (Decision.REOPEN, Decision.REOPEN_TEMPORARILY))


def _summary(results: list[NightResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("night", no_wrap=True)
    for name in ("lines", "judged", "reopened", "closed\nagain", "kept\nclosed", "referred", "quarantined"):
        table.add_column(name, justify="right", vertical="bottom", no_wrap=True)
    for result in results:
        counts = result.counts
        closed_again = counts.get(Decision.RECLOSE, 0) + counts.get(Decision.EXPIRE, 0)
        figures = (
            counts["rows"], counts["judged"], _reopened(result), closed_again, counts.get(Decision.KEEP_CLOSED, 0),
            counts.get(Decision.REFER, 0), counts["quarantined"],
        )  # fmt: skip
        table.add_row(str(result.business_date), *(f"{figure:,}" for figure in figures))
    return table


def _shared(results: list[NightResult]) -> str:
    reports = [result.report for result in results if result.report]
    return f"{reports[-1].parent.parent}/<night>/report.html" if reports else "none"
