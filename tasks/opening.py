"""Opening a night: whether it may run at all, on what, and under which policy."""

import datetime
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from schemas.errors import FileRefused, NightRefused, ReinstateError, StageFailed
from schemas.handles import Run
from schemas.portfolio import Portfolio
from schemas.vocabulary import RunStatus
from tasks.calendars import check_in_window
from tasks.decisioning.rules import Rules
from tasks.locks import try_lock
from tasks.nights import (
    FIRST_REVISION,
    SETTLED_NAME,
    portfolio_of,
    run_directory,
    store_of,
    today_in,
    writer_of,
    writing,
)
from tasks.policy_files import LoadedPolicy, check_reasons, policy_in_force
from tasks.provenance import code_version, libraries, schema_hash
from tasks.runs import end_run, refuse_planned, start_run
from tasks.settings import settings
from tasks.store import Store, canonical_json
from tasks.whole_files import write_text, write_whole
from tasks.writers import DRY_RUN

DECISION_FIELDS = ("portfolio", "currency", "policy", "columns", "quarantined_share_max_bp", "caps")
"""The part of a portfolio file that has a say in what a night decides; who may release it has none."""


def open_run(
    name: str,
    business_date: datetime.date,
    *,
    is_dry_run: bool,
    revision: int = FIRST_REVISION,
    revised: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Check that a night may run, and set down what it runs on: policy, portfolio, and what the ledger knows.

    Args:
        name: the portfolio.
        business_date: the night.
        is_dry_run: whether nothing is to be written to the store.
        revision: a higher one than the first judges a published night anew, on what the ledger knew then.
        revised: for such a one, `revised_by` and `revised_because`.

    Raises:
        NightRefused: the date is outside the portfolio's window, not after the last one settled, or an older one waits.
        ConfigurationError: the portfolio, the policy, its reason texts or the validation cannot be used.
    """
    from tasks.contract import prove_gate_bites

    portfolio, store = portfolio_of(name), store_of(name)
    check_in_window(portfolio, business_date, today_in(portfolio))
    _refuse_unsettled(store)
    if revision == FIRST_REVISION:
        _refuse_past(store, business_date)
    policy = policy_in_force(portfolio.policy, business_date, settings().deployments)
    if findings := check_reasons(settings().deployments / "policies" / portfolio.policy):
        raise FileRefused(findings)
    prove_gate_bites(policy.rules, business_date)
    run = _run(name, business_date, policy, portfolio, is_dry_run=is_dry_run or bool(store.pause()), revision=revision)
    run = run.model_copy(update={"is_paused": not is_dry_run and run.is_dry_run})
    if not run.is_dry_run:
        refuse_planned(writer_of(name), run)
    _empty(run.directory)
    write_text(run.policy_file, policy.document.text)
    write_text(run.directory / "portfolio.json", decision_part(portfolio))
    run = run.model_copy(update={"ledger_hash": _set_down_ledger(run, store)})
    if not run.is_dry_run:
        start_run(
            writer_of(name),
            {**_record(run), **revised},
            _policy_record(policy.rules, policy.document.text, run.policy_hash),
        )
    return run


@contextmanager
def dry_run_alone(name: str, *, is_dry_run: bool) -> Iterator[None]:
    """Keep other dry runs out of this one's folder until it has its page; a night of a paused portfolio is a dry run too.

    Raises:
        NightRefused: another dry run of the portfolio is at work.
    """
    store = store_of(name)
    if not is_dry_run and not store.pause():
        yield
        return
    lock = try_lock(store.engine, name + DRY_RUN)
    if lock is None:
        raise NightRefused(
            f"{name}: another dry run of it is at work, or a night of it while it is paused; they share a folder. Nothing was "
            "written: run this one again when that has ended"
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def attempt(name: str, business_date: datetime.date, *, is_dry_run: bool) -> Iterator[None]:
    """Be the one who works on a night, and record it if it comes to nothing; a dry run writes nothing and asks nobody.

    Raises:
        NightRefused: another process is at work on the portfolio.
    """
    if is_dry_run:
        yield
        return
    with writing(name), recorded(name, business_date):
        yield


@contextmanager
def recorded(name: str, business_date: datetime.date, revision: int = FIRST_REVISION) -> Iterator[None]:
    """Record in the store that a night came to nothing before it had a plan, and why; whoever calls is the writer."""
    try:
        yield
    except ReinstateError as error:
        status = RunStatus.FAILED if isinstance(error, StageFailed) else RunStatus.REFUSED
        with suppress(ReinstateError):
            end_run(writer_of(name), {"business_date": business_date, "revision": revision}, status, str(error))
        raise


def decision_part(portfolio: Portfolio) -> str:
    """What in a portfolio file has a say in what a night decides, as canonical JSON."""
    part = portfolio.model_dump(
        mode="json", include=set(DECISION_FIELDS), exclude={"caps": {"people", "people_proven"}}
    )
    return canonical_json(part)


def decision_hash(portfolio: Portfolio) -> str:
    """SHA-256 over `decision_part`."""
    return hashlib.sha256(decision_part(portfolio).encode()).hexdigest()


def _run(
    name: str,
    business_date: datetime.date,
    policy: LoadedPolicy,
    portfolio: Portfolio,
    *,
    is_dry_run: bool,
    revision: int,
) -> Run:
    directory = run_directory(name, business_date, is_dry_run=is_dry_run, revision=revision)
    return Run(
        portfolio=name,
        business_date=business_date,
        revision=revision,
        is_dry_run=is_dry_run,
        is_paused=False,
        directory=directory,
        policy_file=directory / "policy.yaml",
        policy_hash=policy.document.sha256,
        portfolio_hash=decision_hash(portfolio),
        ledger_hash="",
        schema_hash=schema_hash(policy.rules),
        code_version=code_version(),
        libraries=libraries(),
    )


def _refuse_unsettled(store: Store) -> None:
    for waiting in store.unsettled():
        words = "is held" if waiting["status"] == RunStatus.HELD else "is planned and not wholly published"
        raise NightRefused(
            f"{waiting['business_date']} {words}: it comes first. "
            + ("`reinstate held` says what it waits for." if waiting["status"] == RunStatus.HELD else "Run it again.")
        )


def _refuse_past(store: Store, business_date: datetime.date) -> None:
    last = store.last_settled()
    if last is not None and business_date <= last:
        raise NightRefused(
            f"{business_date} is not after {last}, the last business date settled: nights only move forward. "
            "Nothing was changed; `reinstate replay` shows a past night again, `reinstate revise` corrects the last one."
        )


def _set_down_ledger(run: Run, store: Store) -> str:
    """Write what the ledger knows before the night; a revision judges on what the first one knew. Returns its SHA-256."""
    from tasks.evidence import write_table
    from tasks.ledger import ledger_columns
    from tasks.sources.private_copy import file_hash

    target = run.directory / "ledger.parquet"
    if run.revision == FIRST_REVISION:
        write_table(ledger_columns(store, run.business_date), target)
        return file_hash(target)
    first = run_directory(run.portfolio, run.business_date) / target.name
    if not first.exists():
        raise NightRefused(f"{first} is gone: what the ledger knew before {run.business_date} cannot be had again")
    with first.open("rb") as known:
        write_whole(target, lambda sink: shutil.copyfileobj(known, sink))
    recorded, found = store.run(run.business_date, revision=FIRST_REVISION), file_hash(target)
    if recorded is not None and recorded["ledger_hash"] not in (None, found):
        raise NightRefused(
            f"{first} is not what the ledger knew before {run.business_date}: its SHA-256 is {found}, recorded is "
            f"{recorded['ledger_hash']}. Put the file back from a backup; nothing was changed"
        )
    return found


def _record(run: Run) -> dict[str, object]:
    return {
        "business_date": run.business_date,
        "revision": run.revision,
        "policy_hash": run.policy_hash,
        "portfolio_hash": run.portfolio_hash,
        "ledger_hash": run.ledger_hash,
        "schema_hash": run.schema_hash,
        "code_version": run.code_version,
        "libraries": run.libraries,
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
    """Clear what an earlier attempt left, its copy of the snapshot too: the source may have been put right since."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / SETTLED_NAME).unlink(missing_ok=True)
    for found in directory.iterdir():
        shutil.rmtree(found) if found.is_dir() else found.unlink()
    for name in ("quarantine", "evidence", "candidates"):
        (directory / name).mkdir()
