"""A small sample book and homes in which its nights can be run."""

import datetime
from pathlib import Path

from tasks.sample_data.synthetic import synthesize
from tasks.settings import CHECKOUT

DAY = datetime.timedelta(days=1)
FIRST_NIGHT = datetime.date(2026, 10, 26)

PORTFOLIO = """\
portfolio: small
title: Small Lender
currency: EUR
time_zone: Europe/Berlin
policy: consumer-revolving
calendar: daily
first_business_date: 2026-10-26
source: {source}
quarantined_share_max_bp: {share}
kept_closed_notices_from: 2026-10-26
partition_rows: {rows}
"""


def make_world(folder: Path, *, lines: int = 5_000, nights: int = 9) -> Path:
    """Generate a book; nine nights from 26 October see a campaign's lines open and end."""
    synthesize(folder, seed=7, lines=lines, nights=nights, first_business_date=FIRST_NIGHT)
    return folder


def make_home(folder: Path, source: str, *, rows: int = 250_000, share: int = 300, more: str = "") -> Path:
    """A home whose only portfolio is `small`; policies, templates and migrations are the project's own.

    Args:
        folder: where to make it.
        source: the portfolio's source, as YAML.
        rows: rows a partition.
        share: the most of them that may be quarantined, in basis points.
        more: further keys, as YAML.
    """
    deployments = folder / "deployments"
    (deployments / "portfolios").mkdir(parents=True)
    for name in ("policies", "templates", "migrations"):
        (deployments / name).symlink_to(CHECKOUT / "deployments" / name)
    text = PORTFOLIO.format(source=source, share=share, rows=rows)
    (deployments / "portfolios" / "small.yaml").write_text(text + more)
    return folder


def stand_in(world: Path) -> str:
    """The source of a portfolio that is a sample world."""
    return f"{{kind: stand_in, world: {world}}}"
