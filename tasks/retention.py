"""Retention: old nights give up the files that their portfolio no longer keeps, and who misses them is told so.

Days are counted between business dates, never by a clock. What stays of a night names no account.
"""

import datetime
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

from schemas.errors import NightRefused
from schemas.handles import Run, Settled
from schemas.portfolio import Portfolio, Retention
from schemas.vocabulary import RunStatus
from tasks.nights import SETTLED_NAME, portfolio_of, run_directory, store_of
from tasks.store import Store, StoreError

KEPT_FOR_EVER: Final = frozenset({"report.html", "report.json", SETTLED_NAME, "policy.yaml", "portfolio.json"})
QUARANTINE: Final = frozenset({"quarantine"})
Key = Literal["quarantine_days", "evidence_days"]
_FOLDER = re.compile(r"(\d{4}-\d{2}-\d{2})(-revision-\d+)?(-dry-run)?")


def let_go(run: Run) -> tuple[str, ...]:
    """Remove what the portfolio no longer keeps of nights before `run`, which has just been published.

    Safe to call again, and to be killed in: the next night removes what is left.

    Returns:
        What could not be removed, in words that name no file's content; a night does not fail because of it.
    """
    retention = portfolio_of(run.portfolio).retention
    if retention == Retention():
        return ()
    try:
        folders = list(_settled_folders(run, store_of(run.portfolio)))
        left = [words for folder, days in folders for words in _remove(folder, _past(retention, days))]
    except (OSError, StoreError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return (
            f"what is past the portfolio's retention could not be looked for: {reason}; the next night tries again",
        )
    if not left:
        return ()
    more = f", and {len(left) - 1:,} more" if len(left) > 1 else ""
    return (f"past the portfolio's retention and not removed: {left[0]}{more}; the next night tries again",)


def refuse_gone(settled: Settled, portfolio: Portfolio, needed: Iterable[Path], done: str) -> None:
    """Say what is missing of a night, and why, before anything is made of it.

    Args:
        settled: the night.
        portfolio: its file, as it is now.
        needed: the files.
        done: what cannot be done without them: "replayed", "explained".

    Raises:
        NightRefused: a file is not there.
    """
    gone = sorted({str(path) for path in needed if not path.exists()})
    if gone:
        more = f", and {len(gone) - 1:,} more files" if len(gone) > 1 else ""
        why = why_gone(portfolio, settled.run.business_date, "evidence_days")
        raise NightRefused(f"{settled.run.business_date} cannot be {done}: {gone[0]} is gone{more}. {why}")


def why_gone(portfolio: Portfolio, business_date: datetime.date, key: Key) -> str:
    """Why files of a night may be gone, as far as the portfolio file says."""
    last, days = store_of(portfolio.portfolio).last_published(), getattr(portfolio.retention, key)
    if last is not None and days is not None and (last - business_date).days > days:
        return f"The retention of {portfolio.portfolio} let it go: its {key} is {days}, and {last} has been published"
    return "Either an earlier `retention` of the portfolio let it go, or the night's folder is to be had from a backup"


def _settled_folders(run: Run, store: Store) -> Iterator[tuple[Path, int]]:
    """The folders of settled dates, dry runs and revisions too, and how many days they lie before the night.

    A date that was refused is settled once a later one is: nights only move forward. So is one that was only tried.
    The newest published night is the one that people still ask about and may revise.
    """
    known, last = store.select_mine("runs", "business_date", "status"), store.last_settled()
    settled = {
        each["business_date"]
        for each in known
        if each["status"] in (RunStatus.PUBLISHED, RunStatus.DISCARDED) or (last and each["business_date"] < last)
    }
    settled -= {each["business_date"] for each in known if each["status"] in (RunStatus.PLANNED, RunStatus.HELD)}
    settled -= {store.last_published()}
    run_for = {each["business_date"] for each in known}
    for folder in sorted(run_directory(run.portfolio, run.business_date).parent.iterdir()):
        date, is_dry_run = _named(folder.name)
        if date is not None and (date in settled or (is_dry_run and date not in run_for)):
            yield folder, (run.business_date - date).days


def _named(name: str) -> tuple[datetime.date | None, bool]:
    """The business date that a folder's name says, None where it is not a night's, and whether it is a dry run's."""
    named = _FOLDER.fullmatch(name)
    if named is None:
        return None, False
    try:
        return datetime.date.fromisoformat(named[1]), named[3] is not None
    except ValueError:
        return None, False


def _past(retention: Retention, days: int) -> Key | None:
    """The wider of the two ages that a night has passed."""
    if retention.evidence_days is not None and days > retention.evidence_days:
        return "evidence_days"
    return "quarantine_days" if retention.quarantine_days is not None and days > retention.quarantine_days else None


def _remove(folder: Path, past: Key | None) -> Iterator[str]:
    """Remove what a folder no longer keeps, and say what stays; what a symbolic link leads to is not ours to remove."""
    if past is None:
        return
    if any(path.is_symlink() for path in (folder, *folder.parents[:2])):
        yield f"{folder.name} (it lies behind a symbolic link: remove it by hand)"
        return
    try:
        found = list(folder.iterdir())
    except OSError as error:
        yield f"{folder.name} ({error.strerror})"
        return
    for path in found:
        goes = path.name not in KEPT_FOR_EVER if past == "evidence_days" else path.name in QUARANTINE
        if goes and path.is_symlink():
            yield f"a symbolic link in {folder.name} (remove it by hand, with what it leads to)"
        elif goes:
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError as error:
                yield f"a file in {folder.name} ({error.strerror})"
