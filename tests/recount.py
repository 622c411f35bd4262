"""An independent recount of a night: the scalar oracle on the private copy of its snapshot, row by row."""

import datetime
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from schemas.handles import Partition, Published, Run, Snapshot
from schemas.vocabulary import LEDGER_COLUMNS
from tasks.planning import evidence_tables
from tests import oracle

COMPARED = (
    "decision", "step", "cause", "score", "reasons", "unknown", "recoverable", "route", "limit_cents", "valid_until",
)  # fmt: skip
"""What the recount compares: all but the path, which the oracle finds by trying 730 days one by one."""


def clean_rows(run: Run) -> list[dict[str, Any]]:
    """The rows of a night's private copy that are not quarantined, with what the ledger knew of them."""
    snapshot = Snapshot.model_validate_json((run.directory / "snapshot" / "snapshot.json").read_text())
    copy = pa.concat_tables([_rows(partition) for partition in snapshot.partitions])
    quarantined = _quarantined(run, snapshot)
    known = {row["account_id"]: row for row in pq.read_table(run.directory / "ledger.parquet").to_pylist()}
    rows = []
    for place, row in enumerate(copy.to_pylist()):
        if place in quarantined:
            continue
        ledger = dict(known.get(row["account_id"], {}))
        used = ledger.get("ledger_campaigns_used")
        ledger["ledger_campaigns_used"] = used.split(",") if used else []
        rows.append({**row, **{name: ledger.get(name) for name in LEDGER_COLUMNS}})
    return rows


@lru_cache(maxsize=8)
def _policy(text: str) -> dict[str, Any]:
    """A policy as the oracle reads it; the same one decides many nights."""
    return YAML(typ="safe", pure=True).load(text)


def _rows(partition: Partition) -> pa.Table:
    table = pq.ParquetFile(partition.path).read_row_groups(list(partition.row_groups))
    plain = [
        pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(plain))


def _quarantined(run: Run, snapshot: Snapshot) -> set[int]:
    """Positions in the whole copy of the rows that were set aside."""
    places: set[int] = set()
    start = 0
    for partition in snapshot.partitions:
        listed = run.directory / "quarantine" / f"part-{partition.number:05d}.parquet"
        if listed.exists():
            places |= {start + row for row in pq.read_table(listed)["row"].to_pylist()}
        start += partition.row_count
    return places


def differences(run: Run, published: Published, business_date: datetime.date) -> list[str]:
    """What the oracle finds otherwise than the night's evidence; account ids are left out."""
    policy = _policy(run.policy_file.read_text())
    with patch.object(oracle, "path", return_value={}):
        expected = oracle.judge_night(policy, clean_rows(run), business_date)
    tables = list(evidence_tables(run, published.plan, ["account_id", *COMPARED]))
    found = {row["account_id"]: row for row in pa.concat_tables(tables).to_pylist()}
    said = [f"{len(expected)} lines expected, {len(found)} judged"] if set(expected) != set(found) else []
    for account in set(expected) & set(found):
        wanted, had = expected[account], found[account]
        said += [
            f"{name}: expected {wanted[name]}, found {had[name]}" for name in COMPARED if wanted[name] != had[name]
        ]
    return said
