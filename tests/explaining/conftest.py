"""A book whose nights were run once, and what lines of each outcome are in it."""

import datetime
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.handles import Run
from tasks.planning import laid_over, plain_texts
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, make_world, stand_in

DAY = datetime.timedelta(days=1)
NIGHTS = 6


@dataclass(frozen=True)
class Book:
    """Some nights of one portfolio and all their evidence."""

    nights: list[Run]
    evidence: list[list[dict[str, Any]]]

    def lines(self, **wanted: object) -> list[tuple[datetime.date, dict[str, Any]]]:
        """The lines of every night whose evidence has these values, each with its night."""
        return [
            (run.business_date, row)
            for run, rows in zip(self.nights, self.evidence, strict=True)
            for row in rows
            if all(row[name] == value for name, value in wanted.items())
        ]


def run_nights(count: int) -> Book:
    nights = [run_plainly("small", FIRST_NIGHT + number * DAY)[0] for number in range(count)]
    evidence = [
        [
            row
            for path in sorted((run.directory / "evidence").glob("*.parquet"))
            for row in laid_over(
                plain_texts(pq.read_table(path)), pq.read_table(run.directory / "overlay.parquet")
            ).to_pylist()
        ]
        for run in nights
    ]
    return Book(nights, evidence)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("explained") / "small", lines=3_000, nights=NIGHTS)


@pytest.fixture(scope="package")
def book(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Six nights in two partitions, under a budget that passes lines over."""
    folder = tmp_path_factory.mktemp("explained-book")
    home = make_home(folder / "home", stand_in(world), rows=2_000)
    policies = home / "deployments" / "policies"
    shipped = policies.resolve()
    policies.unlink()
    shutil.copytree(shipped, policies)
    policy = policies / "consumer-revolving" / "2026-10.yaml"
    policy.write_text(policy.read_text().replace("  lines: 400", "  lines: 20"))
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, folder / "data", home)
        yield run_nights(NIGHTS)
    forget()


def quarantined(book: Book) -> Iterator[tuple[datetime.date, str, list[str]]]:
    """Every row that was set aside: its night, its account if it has one, and what is wrong with it."""
    for run in book.nights:
        for path in sorted((run.directory / "quarantine").glob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                yield run.business_date, row["account_id"], row["reasons"]
