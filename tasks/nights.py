"""Nights by name and date: their portfolio, store and files, which of them are due, and what they set down."""

import datetime
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import RowMapping

from schemas.errors import NightRefused, ReinstateError
from schemas.handles import Run, Settled
from schemas.portfolio import Portfolio
from schemas.reasons import Reason
from schemas.vocabulary import RunStatus
from tasks.calendars import due_dates
from tasks.decisioning.rules import Rules
from tasks.policy_files import load_policy, load_reasons
from tasks.portfolio_files import load_portfolio, portfolio_path
from tasks.settings import settings
from tasks.store import Store, open_store
from tasks.writers import Writer, take_writer

FIRST_REVISION = 1
SETTLED_NAME = "night.json"
PAGE_NAME = "report.html"
_stores: dict[tuple[str, str], Store] = {}
_writers: dict[tuple[str, str], Writer] = {}


def store_of(portfolio: str) -> Store:
    """The store, as one portfolio sees it.

    Raises:
        ConfigurationError: there is no such portfolio; its file may be wrong.
        StoreError: the store cannot be used.
    """
    key = (settings().store, portfolio)
    if key not in _stores:
        portfolio_path(portfolio, settings().deployments)
        _stores[key] = open_store(*key, settings().deployments / "migrations")
    return _stores[key]


@contextmanager
def writing(portfolio: str) -> Iterator[Writer]:
    """Be the one process that changes lines of a portfolio, at the latest until the end of the block.

    Raises:
        NightRefused: another process is, or another thread of this one.
    """
    writer = take_writer(store_of(portfolio))
    key = (settings().store, portfolio)
    _writers[key] = writer
    try:
        yield writer
    finally:
        _writers.pop(key, None)
        writer.release()


def writer_of(portfolio: str) -> Writer:
    """This process's writer of a portfolio; see `writing`."""
    return _writers[settings().store, portfolio]


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


def rules_of_content(store: Store, policy_hash: str) -> Rules:
    """The policy that the store keeps under a hash.

    Raises:
        NightRefused: the store has none, or what it has is not it.
    """
    kept = store.policy(policy_hash)
    if kept is None or hashlib.sha256(kept.encode()).hexdigest() != policy_hash:
        raise NightRefused(f"the store does not hold the policy with the hash {policy_hash}")
    with tempfile.TemporaryDirectory(prefix="reinstate-") as folder:
        file = Path(folder) / "policy.yaml"
        file.write_text(kept, encoding="utf-8", newline="")
        return load_policy(file).rules


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
    due = due_dates(portfolio, store_of(name).last_settled(), delivered)
    return [date for date in due if date <= today_in(portfolio)]


def nights_to_run(name: str, read_secret: Callable[[str], str] | None = None) -> list[datetime.date]:
    """The nights that are due, oldest first, and before them the one that is planned or published but not finished.

    Of a paused portfolio only the newest that is due: it publishes nothing, so that they all stay due.
    """
    unfinished, due = unfinished_night(name), nights_due(name, read_secret)
    if store_of(name).pause():
        due = due[-1:]
    return [*([unfinished] if unfinished else []), *(date for date in due if date != unfinished)]


def unfinished_night(name: str) -> datetime.date | None:
    """The night that is not wholly published, or held or published last and without a page, or owing something."""
    store = store_of(name)
    for run in store.unsettled():
        if run["status"] == RunStatus.PLANNED or not _has_page(run):
            return run["business_date"]  # type: ignore[no-any-return]
    last = store.last_published()
    known = store.run(last, RunStatus.PUBLISHED) if last else None
    if known is None:
        return None
    waiting = store.select_mine("notices", "notice_id", is_accepted=False)
    if _has_page(known) and not waiting:
        return None
    try:
        recall(name, known["business_date"], RunStatus.PUBLISHED)
    except NightRefused:  # its page cannot be made again, and what waits goes out with any other run
        return None
    return last


def recall(name: str, business_date: datetime.date, *statuses: RunStatus) -> Settled:
    """What the newest revision of a night that has a plan set down before it was published.

    Args:
        name: the portfolio.
        business_date: the night.
        statuses: of the revision; any that is held, planned or published if left out.

    Raises:
        NightRefused: there is none, or its files are gone.
    """
    wanted = statuses or (RunStatus.HELD, RunStatus.PLANNED, RunStatus.PUBLISHED)
    known = store_of(name).run(business_date, *wanted)
    if known is None:
        raise NightRefused(f"the store knows no plan of {name} for {business_date}")
    path = run_directory(name, business_date, revision=known["revision"]) / SETTLED_NAME
    if not path.exists():
        raise NightRefused(
            f"{business_date} has been planned, but {path} is gone: put the night's folder back from a backup, or, if nothing of "
            f"its plan was published yet, settle the night without any effect by `reinstate discard {known['plan_hash']}`"
        )
    try:
        return Settled.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError:
        pass
    raise NightRefused(
        f"{path} is not as this program sets it down: put it back from a backup if it was altered, or go on with the program "
        f"that set it down, {known['code_version']}"
    )


def run_directory(
    portfolio: str, business_date: datetime.date, *, is_dry_run: bool = False, revision: int = FIRST_REVISION
) -> Path:
    """Where a night keeps its files."""
    name = f"{business_date}" if revision == FIRST_REVISION else f"{business_date}-revision-{revision}"
    return settings().data_directory / "nights" / portfolio / (f"{name}-dry-run" if is_dry_run else name)


def _has_page(run: RowMapping) -> bool:
    return (run_directory(run["portfolio"], run["business_date"], revision=run["revision"]) / PAGE_NAME).exists()


@lru_cache(maxsize=8)
def _rules(policy_file: Path, policy_hash: str) -> Rules:
    loaded = load_policy(policy_file)
    if loaded.document.sha256 != policy_hash:
        raise ReinstateError(f"{policy_file} is not the policy that the night was opened with; run the night again")
    return loaded.rules
