"""`python -m tests.bench.nightly`: our night against the same night in DuckDB, side by side.

Both sides read the same Parquet with the same number of threads, what they find is compared row by row, and the run
ends with 1 where a bar is missed or a row differs. See the README beside this file.
"""

import datetime
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import click
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tasks.sample_data.synthetic import synthesize
from tests.bench.agreement import Disagreement, agree_on_evidence, agree_on_night
from tests.bench.child import BOOKS

DATE = datetime.date(2026, 10, 26)
SIDES = ("ours", "peer")
THREADS = (1, 2)
SMALL_LINES = 20_000
QUICK_LINES = 200_000
LARGER = 4
"""How many times as many lines the second measurement of memory has."""
JUDGING_RATIO_MIN = 1.0
NIGHT_RATIO_MAX = 2.0
MEMORY_RATIO_MAX = 1.3
MIB = 2**20

Times = list[tuple[float, float]]


@dataclass
class Row:
    """One comparison: times of both sides, and how many rows each of their runs judged."""

    what: str
    threads: int
    rows: int = 0
    times: dict[str, Times] = field(default_factory=lambda: {side: [] for side in SIDES})

    def best(self, side: str) -> float:
        return min(wall for wall, _ in self.times[side])

    @property
    def speed_ratio(self) -> float:
        """How many times as fast as the peer we are, by the best run of each."""
        return self.best("peer") / self.best("ours")

    @property
    def median_ratio(self) -> float:
        ours, peer = (statistics.median(wall for wall, _ in self.times[side]) for side in SIDES)
        return peer / ours

    @property
    def processor_ratio(self) -> float:
        """The same by processor time, which other work on the machine does not lengthen."""
        ours, peer = (min(processor for _, processor in self.times[side]) for side in SIDES)
        return peer / ours


@dataclass
class Bench:
    """A run of the bench in a folder of its own."""

    folder: Path
    lines: int
    repeat: int
    console: Console

    def run(self) -> list[str]:
        """Measure, compare and print everything; returns the bars that were missed."""
        for name, lines in (("small", SMALL_LINES), ("book", self.lines), ("large", self.lines * LARGER)):
            synthesize(self.folder / name, seed=7, lines=lines, nights=1, first_business_date=DATE)
        judging = [row for threads in THREADS for row in self._judging(threads)]
        nights, small_peaks = self._nights()
        large_peaks = {side: self._child(side, "night", THREADS[-1], "large")["peak_bytes"] for side in SIDES}
        self._print_judging(judging)
        self._print_nights(nights)
        memory = {side: large_peaks[side] / small_peaks[side] for side in SIDES}
        self._print_memory(small_peaks, large_peaks, memory)
        missed = [
            f"judging {row.what}, {row.threads} threads: {row.speed_ratio:.2f} times the peer's speed, "
            f"at least {JUDGING_RATIO_MIN:g} wanted"
            for row in judging
            if row.speed_ratio < JUDGING_RATIO_MIN
        ]
        missed += [
            f"whole night, {row.threads} threads: {1 / row.speed_ratio:.2f} times the peer's time, "
            f"at most {NIGHT_RATIO_MAX:g} wanted"
            for row in nights
            if 1 / row.speed_ratio > NIGHT_RATIO_MAX
        ]
        if memory["ours"] > MEMORY_RATIO_MAX:
            missed.append(f"memory grows {memory['ours']:.2f} times, at most {MEMORY_RATIO_MAX:g} wanted")
        return missed

    def _judging(self, threads: int) -> list[Row]:
        rows = {book: Row(book, threads) for book in BOOKS}
        for _ in range(max(self.repeat - 1, 1)):
            for side in SIDES:
                found = self._child(side, "judge", threads, "book")["runs"]
                for book in BOOKS:
                    rows[book].times[side] += found[book]
        for book in BOOKS:
            mine, peers = (pq.read_table(self._place(side, "judge") / f"{book}.parquet") for side in SIDES)
            rows[book].rows = agree_on_evidence(mine, peers)
        return list(rows.values())

    def _nights(self) -> tuple[list[Row], dict[str, int]]:
        """Whole nights, and the peak memory of each side with the most threads."""
        rows, peaks = [Row("whole night", threads) for threads in THREADS], dict.fromkeys(SIDES, 0)
        for left in reversed(range(self.repeat)):
            for row in rows:
                for side in SIDES:
                    found = self._child(side, "night", row.threads, "book")
                    row.times[side] += found["runs"]
                    if row.threads == THREADS[-1]:
                        peaks[side] = max(peaks[side], found["peak_bytes"])
                if not left:
                    row.rows = agree_on_night(*(self._place(side, "night") for side in SIDES))
        return rows, peaks

    def _place(self, side: str, job: str) -> Path:
        return self.folder / f"{side}-{job}"

    def _child(self, side: str, job: str, threads: int, world: str) -> dict:
        place = self._place(side, job)
        for before in (place, place.with_name(f"{place.name}-first")):
            shutil.rmtree(before, ignore_errors=True)
        command = [sys.executable, "-m", "tests.bench.child", side, job, str(threads)]
        command += [str(self.folder / world), str(place), DATE.isoformat(), str(self.repeat)]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    def _print_judging(self, rows: list[Row]) -> None:
        table = _table("Judging from memory", "lines judged", "ours, rows/s", "peer, rows/s")
        for row in rows:
            speeds = [f"{row.rows / row.best(side):,.0f}" for side in SIDES]
            _add(table, row, f"{row.rows:,}", *speeds)
        self.console.print(table)

    def _print_nights(self, rows: list[Row]) -> None:
        table = _table("From the source to the plan", "lines", "ours, s", "peer, s")
        for row in rows:
            _add(table, row, f"{self.lines:,}", *(f"{row.best(side):.2f}" for side in SIDES))
        self.console.print(table)

    def _print_memory(self, small: dict[str, int], large: dict[str, int], ratios: dict[str, float]) -> None:
        table = Table(title=f"Peak memory of a night, {THREADS[-1]} threads", title_justify="left")
        for name in ("", f"{self.lines:,} lines, MiB", f"{self.lines * LARGER:,} lines, MiB", "ratio"):
            table.add_column(name, justify="right" if name else "left")
        for side in SIDES:
            table.add_row(side, f"{small[side] / MIB:,.0f}", f"{large[side] / MIB:,.0f}", f"{ratios[side]:.2f}")
        self.console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    ratios = ("speed of ours to the peer's", "by medians", "by processor time")
    for name in ("threads", *columns, *ratios):
        table.add_column(name, justify="right")
    return table


def _add(table: Table, row: Row, *cells: str) -> None:
    what = {"book": "a book with its open lines", "closed": "closed lines only"}.get(row.what, row.what)
    ratios = (row.speed_ratio, row.median_ratio, row.processor_ratio)
    table.add_row(what, str(row.threads), *cells, *(f"{ratio:.2f}" for ratio in ratios))


@click.command()
@click.option("--lines", default=1_000_000, show_default=True, help="How many lines the book has, open and closed.")
@click.option("--repeat", default=3, show_default=True, help="How often each side runs; the best run counts.")
@click.option(
    "--quick", is_flag=True, help=f"One run of {QUICK_LINES:,} lines: rows are compared, bars are not judged."
)
def main(lines: int, repeat: int, quick: bool) -> None:
    """Measure judging, a whole night and its memory against DuckDB, and compare every row."""
    if quick:
        lines, repeat = QUICK_LINES, 1
    console = Console()
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
        try:
            missed = Bench(Path(folder), lines, repeat, console).run()
        except Disagreement as found:
            console.print(f"[red]The two sides differ[/red]\n{found}")
            sys.exit(1)
    console.print("Every row of both sides is the same.")
    if quick:
        return
    for bar in missed:
        console.print(f"[red]Bar missed[/red]: {bar}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
