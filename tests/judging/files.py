"""Policies and snapshots as the files that a person would give to `reinstate judge`."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from flows.command_line import commands
from schemas.vocabulary import LEDGER_COLUMNS, AttributeType
from tests.factories import PolicyDict, Row, rules

KINDS = {
    AttributeType.INTEGER: pa.int64(),
    AttributeType.NUMBER: pa.float64(),
    AttributeType.BOOLEAN: pa.bool_(),
    AttributeType.DATE: pa.date32(),
    AttributeType.CATEGORY: pa.string(),
}


def write_policy(path: Path, policy: PolicyDict) -> Path:
    """A policy as a YAML file."""
    yaml = YAML()
    yaml.representer.ignore_aliases = lambda _: True
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    yaml.representer.add_representer(str, _text)
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(policy, file)
    return path


def _text(dumper: Any, text: str) -> Any:
    """Text, quoted where older readers would take it for something else."""
    style = '"' if text.lower() in ("yes", "no", "on", "off") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def write_snapshot(path: Path, policy: PolicyDict, rows: Iterable[Row], *, with_ledger: bool = True) -> Path:
    """Rows as a Parquet or CSV snapshot with the columns that the policy asks for."""
    columns = {**rules(policy).snapshot_columns, **(LEDGER_COLUMNS if with_ledger else {})}
    kinds = {"account_id": pa.string(), **{name: KINDS[kind] for name, kind in columns.items()}}
    kinds |= {"ledger_campaigns_used": pa.list_(pa.string())} if with_ledger else {}
    lines = [{name: row.get(name) for name in kinds} for row in rows]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(lines, schema=pa.schema(kinds)), path)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(kinds)
        writer.writerows([_cell(value) for value in line.values()] for line in lines)
    return path


def run(*arguments: object) -> Result:
    """The command line as a person would call it; errors keep their type in `exception`."""
    return CliRunner().invoke(commands, [str(each) for each in arguments])


def judged(path: Path) -> dict[str, dict[str, Any]]:
    """What was written for every line, by account, from JSON lines."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["account_id"]: row for row in rows}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list) else str(value)
