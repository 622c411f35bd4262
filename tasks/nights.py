"""Opening a night: which one, on what, under which policy, and whether it may run at all."""

import datetime
import hashlib
import shutil
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.errors import FileRefused, NightRefused, ReinstateError
from schemas.handles import NightResult, Run, Settled
from schemas.portfolio import Portfolio
from schemas.reasons import Reason
from tasks.calendars import check_in_window, due_dates
from tasks.decisioning.rules import Rules
from tasks.policy_files import check_reasons, load_policy, load_reasons, policy_in_force
from tasks.portfolio_files import load_portfolio
from tasks.settings import settings
from tasks.store import Store, open_store

FIRST_REVISION = 1
SETTLED_NAME = "night.json"
_stores: dict[tuple[str, str], Store] = {}


def store_of(portfolio: str) -> Store:
    """The store, as one portfolio sees it."""
    key = (settings().store, portfolio)
    if key not in _stores:
        _stores[key] = open_store(*key, settings().deployments / "migrations")
    return _stores[key]


def close_stores() -> None:
    """Let go of every connection of this process."""
    while _stores:
        _stores.popitem()[1].close()


def portfolio_of(name: str) -> Portfolio:
    """The portfolio file of that name.

    Raises:
        ConfigurationError: there is none, or it is wrong.
    """
    return load_portfolio(name, settings().deployments)


def rules_of(run: Run) -> Rules:
    """The policy that a run decides under, from the run's own copy of it."""
    return _rules(run.policy_file, run.policy_hash)


def reasons_of(portfolio: Portfolio) -> dict[str, Reason]:
    """The texts of the reason codes of the portfolio's policy series."""
    return load_reasons(settings().deployments / "policies" / portfolio.policy)


def today_in(portfolio: Portfolio) -> datetime.date:
    """Today in the portfolio's time zone: only ever a bound of the window, never a business date."""
    return datetime.datetime.now(ZoneInfo(portfolio.time_zone)).date()


def nights_due(name: str, read_secret: Callable[[str], str] | None = None) -> list[datetime.date]:
    """The business dates that are due, oldest first.

    Args:
        name: the portfolio.
        read_secret: reads a secret block, for a source whose address is kept in one.
    """
    from tasks.sources.opening import open_source

    portfolio = portfolio_of(name)
    delivered = open_source(portfolio, settings().data_directory, read_secret).dates()
    due = due_dates(portfolio, store_of(name).last_published(), delivered)
    return [date for date in due if date <= today_in(portfolio)]


def nights_to_run(name: str, read_secret: Callable[[str], str] | None = None) -> list[datetime.date]:
    """The nights that are due, oldest first, and before them the last one published if it is not finished."""
    unfinished = unfinished_night(name)
    return [*([unfinished] if unfinished else []), *nights_due(name, read_secret)]


def result_of(portfolio: str, business_date: datetime.date) -> NightResult | None:
    """How a night that was published ended, None for any other."""
    known = store_of(portfolio).run(business_date)
    if known is None or known["status"] != "published":
        return None
    directory = run_directory(portfolio, business_date, is_dry_run=False)
    return NightResult(
        portfolio=portfolio,
        business_date=business_date,
        status="published before, nothing was written",
        report=directory / "report.html",
        counts=known["counts"],
    )


def unfinished_night(name: str) -> datetime.date | None:
    """The last night published, if it has not delivered all that it owes or has no report yet."""
    store = store_of(name)
    last = store.last_published()
    if last is None:
        return None
    reported = (run_directory(name, last, is_dry_run=False) / "report.html").exists()
    waiting = store.select_mine("notices", "notice_id", is_accepted=False)
    return None if reported and not waiting else last


def recall(name: str, business_date: datetime.date) -> Settled:
    """What a published night set down before it was published.

    Raises:
        NightRefused: its files are gone.
    """
    path = run_directory(name, business_date, is_dry_run=False) / SETTLED_NAME
    if not path.exists():
        raise NightRefused(f"{business_date} has been published, but {path} is gone; its report cannot be made again")
    return Settled.model_validate_json(path.read_text(encoding="utf-8"))


def run_directory(portfolio: str, business_date: datetime.date, *, is_dry_run: bool) -> Path:
    """Where a night keeps its files."""
    name = f"{business_date}-dry-run" if is_dry_run else f"{business_date}"
    return settings().data_directory / "nights" / portfolio / name


def open_run(name: str, business_date: datetime.date, *, is_dry_run: bool) -> Run:
    """Check that a night may run, and set down what it runs on: policy, portfolio, and what the ledger knows.

    Raises:
        NightRefused: the date is outside the portfolio's window, or not after the last one published.
        ConfigurationError: the portfolio, the policy, its reason texts or the validation cannot be used.
    """
    from tasks.contract import prove_gate_bites
    from tasks.evidence import write_table
    from tasks.ledger import ledger_columns

    portfolio = portfolio_of(name)
    check_in_window(portfolio, business_date, today_in(portfolio))
    store = store_of(name)
    _refuse_past(store, business_date)
    policy = policy_in_force(portfolio.policy, business_date, settings().deployments)
    if findings := check_reasons(settings().deployments / "policies" / portfolio.policy):
        raise FileRefused(findings)
    prove_gate_bites(policy.rules, business_date)
    directory = run_directory(name, business_date, is_dry_run=is_dry_run)
    _empty(directory)
    run = Run(
        portfolio=name,
        business_date=business_date,
        revision=FIRST_REVISION,
        is_dry_run=is_dry_run,
        directory=directory,
        policy_file=directory / "policy.yaml",
        policy_hash=policy.document.sha256,
        portfolio_hash=hashlib.sha256(portfolio.model_dump_json().encode()).hexdigest(),
        code_version=version("reinstate"),
    )
    run.policy_file.write_text(policy.document.text, encoding="utf-8")
    write_table(ledger_columns(store, business_date), directory / "ledger.parquet")
    if not is_dry_run:
        store.start_run(_record(run), _policy_record(policy.rules, policy.document.text, run.policy_hash))
    return run


def end_badly(name: str, business_date: datetime.date, error: ReinstateError) -> None:
    """Record in the store that a night did not happen, if the store knows of it."""
    status = "refused" if not isinstance(error, StageFailed) else "failed"
    store_of(name).end_run(business_date, FIRST_REVISION, status, str(error))


class StageFailed(ReinstateError):
    """A stage broke in a way that nobody foresaw; the original error stays in its place, it may hold values."""


def _refuse_past(store: Store, business_date: datetime.date) -> None:
    last = store.last_published()
    if last is not None and business_date <= last:
        raise NightRefused(
            f"{business_date} is not after {last}, the last business date published: nights only move forward. "
            "Nothing was changed."
        )


def _record(run: Run) -> dict[str, object]:
    return {
        "business_date": run.business_date,
        "revision": run.revision,
        "policy_hash": run.policy_hash,
        "portfolio_hash": run.portfolio_hash,
        "code_version": run.code_version,
        "started_at": datetime.datetime.now(datetime.UTC),
    }


def _policy_record(rules: Rules, text: str, content_hash: str) -> dict[str, str]:
    return {
        "content_hash": content_hash,
        "policy": rules.policy.policy,
        "version": rules.policy.version,
        "content": text,
    }


def _empty(directory: Path) -> None:
    """Clear what an unfinished attempt left; its private copy of the snapshot is checked and used again."""
    directory.mkdir(parents=True, exist_ok=True)
    for found in directory.iterdir():
        if found.name != "snapshot":
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    for name in ("quarantine", "evidence", "candidates"):
        (directory / name).mkdir()


@lru_cache(maxsize=8)
def _rules(policy_file: Path, policy_hash: str) -> Rules:
    loaded = load_policy(policy_file)
    if loaded.document.sha256 != policy_hash:
        raise ReinstateError(f"{policy_file} is not the policy that the night was opened with; run the night again")
    return loaded.rules
