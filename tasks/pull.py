"""Stage: open a night and take a private copy of its snapshot."""

import datetime

from prefect.blocks.system import Secret

from schemas.handles import Run, Snapshot
from tasks import nights, opening
from tasks.progress import StageBegins, tell
from tasks.settings import settings
from tasks.sources.opening import open_source
from tasks.stages import stage


def read_secret_block(name: str) -> str:
    """The value of a Prefect Secret block."""
    return str(Secret.load(name).get())  # type: ignore[union-attr]


@stage
def open_night(portfolio: str, business_date: datetime.date, is_dry_run: bool) -> Run:
    """Check that the night may run and set down what it runs on."""
    tell(StageBegins("open"))
    return opening.open_run(portfolio, business_date, is_dry_run=is_dry_run)


@stage
def pull(run: Run) -> Snapshot:
    """Take the night's snapshot from the portfolio's source, whole or not at all."""
    tell(StageBegins("pull"))
    portfolio, rules = nights.portfolio_of(run.portfolio), nights.rules_of(run)
    source = open_source(portfolio, settings().data_directory, read_secret_block)
    return source.take(run.business_date, rules.snapshot_columns, run.directory / "snapshot", portfolio.partition_rows)
