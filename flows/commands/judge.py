"""`reinstate judge`: a snapshot under a policy, and under two policies side by side; nothing is changed anywhere."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.commands.options import ISO_DATE
from schemas.errors import ReinstateError

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.decisioning.rules import Rules
    from tasks.policy_files import LoadedPolicy

WRITTEN = (".parquet", ".csv", ".jsonl")
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--policy", "policy_file", required=True, type=FILE, help="The policy file to judge under.")
@click.option("--snapshot", "snapshots", required=True, multiple=True, type=FILE, help="Parquet or CSV; one or more.")
@click.argument("more", nargs=-1, type=FILE, metavar="[MORE SNAPSHOT FILES]...")
@click.option("--business-date", required=True, type=ISO_DATE, help="The date that the snapshot stands for.")
@click.option("--against", type=FILE, help="Another policy file: who would be decided differently, and why.")
@click.option("--out", type=FILE, help="Write one row per line judged: .parquet, .csv or .jsonl.")
@click.option("--quarantine", type=FILE, help="Write the rows refused, with what is wrong: .parquet, .csv or .jsonl.")
def judge(
    policy_file: Path,
    snapshots: tuple[Path, ...],
    more: tuple[Path, ...],
    business_date: datetime.datetime,
    against: Path | None,
    out: Path | None,
    quarantine: Path | None,
) -> None:
    """Judge snapshot files under a policy, without a store; nothing is published and nobody is told.

    What the ledger knows of a line may stand in the snapshot, in columns called ledger_state, ledger_since and so on.
    """
    files = (*snapshots, *more)
    _refuse_unusable(files, [policy_file, *([against] if against else [])], [out, quarantine])
    loaded = _loaded(policy_file, business_date.date())
    other = _loaded(against, business_date.date()) if against else None

    from flows import judge_screen
    from tasks import comparing, judging
    from tasks.judged_rows import COLUMNS

    policies = [loaded.rules, *([other.rules] if other else [])]
    book = judging.read_book(files, policies, business_date.date())
    judged = judging.judge_book(book, loaded.rules)
    rows = judged.evidence.select(COLUMNS)
    if other is None:
        judge_screen.show(judged, _title(loaded), business_date.date())
    else:
        compared = comparing.compare(book, judging.judge_book(book, other.rules), judged)
        judge_screen.show_compared(compared, (_title(other), _title(loaded)), business_date.date())
        rows = compared.rows
    for path, table in ((out, rows), (quarantine, judged.quarantine)):
        if path is not None:
            _write(table, path, loaded.rules)
            click.echo(f"{path}: {len(table):,} rows")


def _loaded(path: Path, business_date: datetime.date) -> "LoadedPolicy":
    """The policy of a file, with warnings where a night would refuse what may still be tried out."""
    from tasks.policy_files import load_policy, warnings_of

    loaded = load_policy(path)
    for warning in warnings_of(loaded, business_date):
        click.echo(f"Warning: {warning}", err=True)
    return loaded


def _write(table: "pa.Table", path: Path, rules: "Rules") -> None:
    """Write rows, or say which file could not be written and why."""
    from tasks.judged_rows import write_rows

    try:
        write_rows(table, path, rules)
    except OSError as error:
        raise ReinstateError(f"{path} cannot be written: {error.strerror or error}") from error


def _title(loaded: "LoadedPolicy") -> str:
    return f"{loaded.policy.policy} {loaded.policy.version} ({loaded.document.path})"


def _refuse_unusable(files: tuple[Path, ...], policies: list[Path], written: list[Path | None]) -> None:
    """Refuse, before anything is read, formats that nobody can read or write and outputs that would destroy an input."""
    suffixes = {file.suffix for file in files}
    if suffixes not in ({".parquet"}, {".csv"}):
        raise click.UsageError("snapshot files are all .parquet or all .csv")
    outputs = [path for path in written if path is not None]
    for path in outputs:
        if path.suffix not in WRITTEN:
            raise click.UsageError(f"{path}: rows can be written as {', '.join(WRITTEN)}; name the file so")
        if not path.parent.is_dir():
            raise click.UsageError(f"there is no folder {path.parent} to write {path.name} to")
    named = [path.resolve() for path in [*files, *policies, *outputs]]
    for path in outputs:
        if named.count(path.resolve()) > 1:
            raise click.UsageError(f"{path} is named twice; name a file of its own to write to")
