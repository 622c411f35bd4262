"""The stand-in core system: carries out requests to open and close lines, and writes the snapshot of a day.

It starts from a world (what every snapshot would be if nobody ever asked it for anything) and lays the requests of the
days before over it. How a customer behaves does not depend on the requests.
"""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.sample_data import SampleDataError
from tasks.sample_data.worlds import COMPRESSION, ROW_GROUP_ROWS, base_file, world_dates

SNAPSHOT_NAME: Final = "snapshot.parquet"
MANIFEST_NAME: Final = "manifest.json"
REQUESTS: Final = ("reopen", "close")

_STANDING: Final = pa.schema(
    [
        ("account_id", pa.string()),
        ("opens", pa.bool_()),
        ("asked_on", pa.date32()),
        ("limit_cents", pa.int64()),
        ("closed_on", pa.date32()),
        ("cause", pa.string()),
    ]
)
"""Per account the request that counts; `closed_on` is null where a line gets its original closing back."""


def close_of_business(world: Path, requests: Path, business_date: datetime.date, snapshots: Path) -> Path:
    """Write the snapshot of a business date and, last, its manifest; a date that has one is left as it is.

    Args:
        world: the world of the lines.
        requests: the folder of the requests, one file `<YYYY-MM-DD>.jsonl` per day, one JSON object a line. Those of
            days before `business_date` count, of each account the one with the highest sequence.
        business_date: the day that ends.
        snapshots: the folder of the snapshots.

    Returns:
        The date's folder, which holds `snapshot.parquet` and `manifest.json`.

    Raises:
        SampleDataError: the world has no such date, or a request cannot be read.
    """
    folder = snapshots / business_date.isoformat()
    if (folder / MANIFEST_NAME).exists():
        return folder
    base = base_file(world, business_date)
    if not base.is_file():
        dates = world_dates(world)
        found = f"its dates are {dates[0]} to {dates[-1]}" if dates else "it has none: make the world first"
        msg = f"The world {world} has no business date {business_date}; {found}."
        raise SampleDataError(msg)
    standing = _standing_requests(requests, business_date)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{SNAPSHOT_NAME}.partial"
    rows = _write_snapshot(base, standing, partial)
    partial.replace(folder / SNAPSHOT_NAME)
    _write_manifest(folder, business_date, rows)
    return folder


def _write_snapshot(base: Path, standing: pa.Table, file: Path) -> int:
    """Write the base rows with the requests laid over them, one row group at a time, and count them."""
    rows = 0
    with pq.ParquetFile(base) as source, pq.ParquetWriter(file, source.schema_arrow, compression=COMPRESSION) as target:
        for group in range(source.num_row_groups):
            table = _overlay(source.read_row_group(group), standing)
            target.write_table(table, row_group_size=ROW_GROUP_ROWS)
            rows += table.num_rows
    return rows


def _write_manifest(folder: Path, business_date: datetime.date, rows: int) -> None:
    """Say what is in the folder: the last thing to appear, so that a reader never sees half a snapshot."""
    with (folder / SNAPSHOT_NAME).open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    manifest = {
        "business_date": business_date.isoformat(),
        "row_count": rows,
        "files": [{"name": SNAPSHOT_NAME, "rows": rows, "sha256": digest}],
    }
    partial = folder / f".{MANIFEST_NAME}.partial"
    partial.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / MANIFEST_NAME)


def _standing_requests(requests: Path, business_date: datetime.date) -> pa.Table:
    """The request that counts of every account that has one, with what it comes to on `business_date`."""
    latest: dict[str, dict[str, Any]] = {}
    for file in sorted(requests.glob("*.jsonl")):
        if _file_date(file) >= business_date:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                request = _read_request(line, f"{file}, line {number}")
                known = latest.get(request["account_id"])
                if known is None or known["sequence"] < request["sequence"]:
                    latest[request["account_id"]] = request
    standing = [_effect(request) for request in latest.values() if not _expired(request, business_date)]
    return pa.Table.from_pylist(standing, schema=_STANDING)


def _file_date(file: Path) -> datetime.date:
    try:
        return datetime.date.fromisoformat(file.name[:10])
    except ValueError:
        msg = f"{file}: a file of requests starts with its business date, as 2026-10-26.jsonl does."
        raise SampleDataError(msg) from None


def _read_request(line: str, place: str) -> dict[str, Any]:
    """One line of a file of requests, dates read; an error names the place and never the account."""
    try:
        request: dict[str, Any] = json.loads(line)
        days = {
            name: None if request[name] is None else datetime.date.fromisoformat(request[name])
            for name in ("business_date", "valid_until", "closed_on")
        }
        cents = request["limit_cents"]
        opens = request["request"] == "reopen"
        sound = (
            isinstance(request["account_id"], str)
            and isinstance(request["sequence"], int)
            and request["request"] in REQUESTS
            and days["business_date"] is not None
            and (isinstance(cents, int) or not opens)
        )
        request = {**request, **days, "opens": opens, "cause": request["cause"], "limit_cents": cents}
    except (ValueError, TypeError, KeyError):
        sound = False
    if not sound:
        msg = (
            f"{place}: not a request. Expected a JSON object with account_id (text), sequence (number), request "
            f"({' or '.join(REQUESTS)}), business_date, limit_cents (number, of a reopening), valid_until, cause and "
            f"closed_on; dates as YYYY-MM-DD, null where there is none."
        )
        raise SampleDataError(msg)
    return request


def _expired(request: dict[str, Any], business_date: datetime.date) -> bool:
    """Whether a temporary reopening is over: the line shows its original closing again."""
    valid_until = request["valid_until"]
    return request["opens"] and valid_until is not None and business_date >= valid_until


def _effect(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "account_id": request["account_id"],
        "opens": request["opens"],
        "asked_on": request["business_date"],
        "limit_cents": request["limit_cents"],
        "closed_on": request["closed_on"],
        "cause": request["cause"],
    }


def _overlay(table: pa.Table, standing: pa.Table) -> pa.Table:
    """Lay the requests over one row group.

    A line that the world itself closed after the request's business date stays closed: that closing is newer. A closing
    without a date of its own gives back the original one; a line that never had one takes the day of the request.
    """
    at = pc.index_in(table["account_id"], value_set=standing["account_id"])
    if at.null_count == len(at):
        return table
    asked = standing.take(at)  # one row per line, null where nothing was asked
    closed_anew = pc.fill_null(pc.greater(table["closed_on"], asked["asked_on"]), fill_value=False)
    applies = pc.and_(pc.is_valid(asked["opens"]), pc.invert(closed_anew))
    opens = pc.and_(applies, pc.fill_null(asked["opens"], fill_value=False))
    has_day = pc.is_valid(asked["closed_on"])
    was_open = pc.is_null(table["closed_on"])
    closes = pc.and_(pc.and_(applies, pc.invert(opens)), pc.or_(has_day, was_open))
    limit, balance = table["closed_limit_cents"], table["balance_cents"]
    granted = pc.if_else(opens, asked["limit_cents"], limit)
    shown = {
        "line_status": _text(opens, closes, table["line_status"], "open", "closed"),
        "closed_on": pc.if_else(
            opens,
            pa.scalar(None, pa.date32()),
            pc.if_else(closes, pc.coalesce(asked["closed_on"], asked["asked_on"]), table["closed_on"]),
        ),
        "closure_cause": _text(opens, closes, table["closure_cause"], None, asked["cause"]),
        "closure_initiator": _text(opens, closes, table["closure_initiator"], None, "issuer"),
        "closed_limit_cents": granted,
        "balance_cents": pc.if_else(opens, pc.min_element_wise(balance, granted, skip_nulls=False), balance),
    }
    for name, column in shown.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return table


def _text(opens: Any, closes: Any, now: Any, opened: str | None, closed: Any) -> Any:
    """A text column after the requests: `opened` and `closed` where they apply, else as it is."""
    before = now.cast(pa.string())
    words = pa.scalar(closed, pa.string()) if isinstance(closed, str) else pc.coalesce(closed, before)
    after = pc.if_else(opens, pa.scalar(opened, pa.string()), pc.if_else(closes, words, before))
    return pc.dictionary_encode(after).cast(now.type)
