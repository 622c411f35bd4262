"""Running a case: its lines through core and oracle, its files through the readers, its nights through a store."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import FileRefused
from tasks import nights, opening, publishing
from tasks.contract import REPEATED, check_partition
from tasks.judging import judge_book, read_book
from tasks.planning import evidence_tables
from tasks.policy_files import load_policy
from tasks.settings import CHECKOUT
from tests import oracle
from tests.factories import frame, judge, rules
from tests.judging.files import write_policy, write_snapshot
from tests.plain_nights import plan_plainly, use_home
from tests.recount import differences
from tests.specifications.cases import NIGHT, OUTCOMES, Case, Judged, base, changed

Found = dict[str, dict[str, Any]]
"""What was found, by the name of each line."""
TEXTS = "{code}:\n  en: {{means: m, helps: h}}\n  zh: {{means: m, helps: h}}\n"


def judged(case: Case) -> Found:
    """What the core says of every line of a case: its evidence, or why its row was refused."""
    (night,) = case.nights
    compiled = rules(case.policy)
    rows = list(night.rows.values())
    table = frame(rows, compiled)
    own = table[["account_id", *compiled.snapshot_columns]]
    refused: dict[int, list[str]] = {}
    for reason, mask in check_partition(own, compiled, night.on).failures.items():
        for place in mask.nonzero()[0]:
            refused.setdefault(int(place), []).append(reason)
    ids = [row["account_id"] for row in rows]
    for place, name in enumerate(ids):
        if ids.count(name) > 1:
            refused.setdefault(place, []).append(REPEATED)
    clean = [row for place, row in enumerate(rows) if place not in refused]
    found = judge(compiled, clean, night.on)
    _hold_against(oracle.judge_night(case.policy, clean, night.on), found)
    places = {place: {"quarantined": reasons} for place, reasons in refused.items()}
    return {
        name: places.get(place) or found.get(row["account_id"], {"not_judged": True})
        for place, (name, row) in enumerate(night.rows.items())
    }


def judged_as_delivered(case: Case, folder: Path) -> Found:
    """The same of lines that come as a file.

    Raises:
        SnapshotRefused: the file cannot be judged.
    """
    (night,), compiled = case.nights, rules(case.policy)
    book = judge_book(read_book([_delivery(case, folder)], [compiled], night.on), compiled)
    found = {line["account_id"]: line for line in book.evidence.to_pylist()}
    refused = {line["account_id"]: {"quarantined": line["reasons"]} for line in book.quarantine.to_pylist()}
    clean = [row for row in night.rows.values() if row["account_id"] not in refused]
    _hold_against(oracle.judge_night(case.policy, clean, night.on), found)
    return {name: (found | refused)[row["account_id"]] for name, row in night.rows.items()}


def refusals(case: Case, folder: Path) -> list[str]:
    """All that is found wrong with the policy of a case, written to a file."""
    path = write_policy(folder / "2026-10.yaml", case.policy)
    text = path.read_text(encoding="utf-8")
    for there, instead in case.files.get("written", {}).items():
        assert text.count(f"{there}\n") == 1, there
        text = text.replace(f"{there}\n", f"{instead}\n")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileRefused) as refused:
        load_policy(path)
    return [finding.message for finding in refused.value.findings]


def run_night(case: Case, night: Judged) -> Found:
    """One night of several in the home that the settings name, held against the oracle.

    Raises:
        ReinstateError: the night is refused.
    """
    drop = nights.settings().data_directory / "drops" / f"{night.on}.parquet"
    write_snapshot(drop, case.policy, night.rows.values(), with_ledger=False)
    with opening.attempt("small", night.on, is_dry_run=False):
        settled = plan_plainly("small", night.on)
        published = publishing.publish_plan(settled, nights.portfolio_of("small"))
    run, plan = settled.run, settled.plan
    assert differences(run, published, night.on) == []
    found = {row["account_id"]: row for table in evidence_tables(run, plan, None) for row in table.to_pylist()}
    gone = {row["account_id"]: row for row in pq.read_table(plan.path).to_pylist() if row["account_id"] not in found}
    said = {"policy_version": nights.rules_of(run).policy.version, "exceptions": plan.exceptions}
    return {NIGHT: said} | {
        name: (found | gone).get(account, {"not_judged": True}) for name, account in case.accounts.items()
    }


def make_home(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home with one portfolio, the policy files of a case, and a text for every reason that these give."""
    deployments, series = folder / "deployments", folder / "deployments" / "policies" / "small"
    series.mkdir(parents=True)
    for name in ("templates", "migrations"):
        (deployments / name).symlink_to(CHECKOUT / "deployments" / name)
    (folder / "data" / "drops").mkdir(parents=True)
    versions = [
        changed(case.policy, {"version": name, **each}) for name, each in case.files.get("versions", {}).items()
    ] or [case.policy]
    for version in versions:
        write_policy(series / f"{version['version']}.yaml", version)
    texts = case.files.get("texts", {})
    codes = {*_reasons_in(versions), texts.get("more")} - {None, texts.get("without")}
    (series / "reasons.yaml").write_text("".join(TEXTS.format(code=code) for code in sorted(codes)))
    (deployments / "portfolios").mkdir()
    portfolio = {
        **base()["portfolio"],
        "source": {"kind": "folder", "path": "drops"},
        **case.files.get("portfolio", {}),
    }
    write_policy(deployments / "portfolios" / "small.yaml", portfolio)
    use_home(monkeypatch, folder / "data", folder)


def plain(value: Any) -> Any:
    """Steps without what does not apply to them, truths in the words of the policy language."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict) and "attribute" in value:
        if value.get("values") is None:
            return {name: each for name, each in value.items() if name != "values"}
        words = [str(each).lower() if isinstance(each, bool) else each for each in value["values"]]
        return {**{name: each for name, each in value.items() if name not in ("at_least", "below")}, "values": words}
    return value


def _hold_against(expected: Found, found: Found) -> None:
    assert set(found) == set(expected)
    for account, result in expected.items():
        for name in OUTCOMES:
            assert plain(found[account][name]) == plain(result[name]), name


def _delivery(case: Case, folder: Path) -> Path:
    """The lines of a case as a file, with what is said of it."""
    said, (night,) = case.files["delivered"], case.nights
    path = folder / f"{night.on}.{'csv' if said.get('as') == 'text' else 'parquet'}"
    write_snapshot(path, case.policy, night.rows.values())
    if more := said.get("with"):
        table = pq.read_table(path)
        for name, text in more.items():
            table = table.drop_columns([name] if name in table.column_names else [])
            table = table.append_column(name, pa.array([text] * len(table), pa.string()))
        pq.write_table(table, path)
    if "without" in said:
        pq.write_table(pq.read_table(path).drop_columns([said["without"]]), path)
    return path


def _reasons_in(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["reason"]} if isinstance(part.get("reason"), str) else set()
        return own.union(*(_reasons_in(each) for each in part.values()))
    return set().union(*(_reasons_in(each) for each in part)) if isinstance(part, list) else set()
