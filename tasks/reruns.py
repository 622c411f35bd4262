"""Running a night again that was published: the same inputs bring back the same report, other inputs are refused."""

import datetime
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import RowMapping

from schemas.errors import NightRefused, SnapshotRefused
from schemas.handles import NightResult
from schemas.portfolio import Portfolio
from schemas.vocabulary import Outcome, RunStatus
from tasks.decisioning.rules import Rules
from tasks.fingerprints import content_hash, fingerprint
from tasks.nights import portfolio_of, rules_of_content, run_directory, store_of
from tasks.opening import decision_hash
from tasks.outbox import outstanding
from tasks.partitions import read_partition
from tasks.policy_files import policy_in_force
from tasks.settings import settings
from tasks.sources.opening import open_source


def published_before(
    name: str, business_date: datetime.date, read_secret: Callable[[str], str] | None = None
) -> NightResult | None:
    """How a night that was published ended, if it would be judged on the same inputs again; None for any other night.

    Nothing is written.

    Raises:
        NightRefused: the snapshot, the policy or the portfolio file is another one now.
    """
    store = store_of(name)
    known = store.run(business_date, RunStatus.PUBLISHED)
    if known is None:
        return None
    newest = store.run(business_date)
    if newest is not None and newest["status"] == RunStatus.HELD:
        raise NightRefused(
            f"revision {newest['revision']} of {business_date} is held: `reinstate held` says what it waits for. Nothing was "
            "written"
        )
    portfolio = portfolio_of(name)
    changes = list(_changed(portfolio, known, read_secret))
    if changes:
        last = (
            "`reinstate revise` with a reason corrects it"
            if business_date == store.last_published()
            else "nothing changes it any more; `reinstate replay` shows it again"
        )
        raise NightRefused(
            f"{business_date} has been published on other inputs: {'; '.join(changes)}. Nothing was decided on these; {last}."
        )
    why = "nothing is sent for a night that is only brought back"
    return NightResult(
        portfolio=name,
        business_date=business_date,
        outcome=Outcome.PUBLISHED_BEFORE,
        message="published before, nothing was written",
        report=run_directory(name, business_date, revision=known["revision"]) / "report.html",
        counts=known["counts"],
        outstanding=outstanding(store, why),
    )


def _changed(portfolio: Portfolio, known: RowMapping, read_secret: Callable[[str], str] | None) -> list[str]:
    changes = []
    policy = policy_in_force(portfolio.policy, known["business_date"], settings().deployments)
    before = rules_of_content(store_of(portfolio.portfolio), known["policy_hash"])
    if policy.rules.policy != before.policy:
        changes.append(f"the policy's hash was {known['policy_hash']}, it is {policy.content_hash}")
    if decision_hash(portfolio) != known["portfolio_hash"]:
        changes.append(f"the portfolio file's hash was {known['portfolio_hash']}, it is {decision_hash(portfolio)}")
    found = _content_hash(portfolio, known["business_date"], before, read_secret)
    if found is not None and found != known["snapshot_hash"]:
        changes.append(f"the snapshot's hash was {known['snapshot_hash']}, it is {found}")
    return changes


def _content_hash(
    portfolio: Portfolio, business_date: datetime.date, rules: Rules, read_secret: Callable[[str], str] | None
) -> str | None:
    """The hash of what the source holds for a date now; None where it holds nothing any more."""
    source = open_source(portfolio, settings().data_directory, read_secret)
    dates = source.dates()
    if dates and business_date not in dates:
        return None
    with tempfile.TemporaryDirectory(prefix="reinstate-") as scratch:
        target = Path(scratch) / "snapshot"
        try:
            snapshot = source.take(business_date, rules.snapshot_columns, target, portfolio.partition_rows)
        except SnapshotRefused:
            return "none, as the snapshot is refused"
        tables = (read_partition(each, rules.snapshot_columns, portfolio.columns) for each in snapshot.partitions)
        return content_hash((fingerprint(table) for table in tables), rules.snapshot_columns)
