"""Values of a snapshot stay out of logs, errors and reports, whatever is wrong with it."""

import json
from collections.abc import Callable

import pyarrow as pa
import pytest

from tasks.nights import store_of
from tests.nights.canaries import BAD, IDS, WORD, Aviary, as_csv, found_in, with_column, with_value
from tests.nights.tiny import NAME, NIGHTS

TEXTS = ("account_id", "product_code", "customer_segment", "line_status", "closure_cause", "closure_initiator",
         "employment", "appeal_status", "campaign_code")  # fmt: skip


def test_there_are_canaries_in_the_lines_that_are_reopened_and_in_what_is_sent(aviary: Aviary) -> None:
    entries = store_of(NAME).select_mine("ledger")
    assert all(entry["account_id"].startswith(IDS) for entry in entries)
    assert any(str(entry["closed_on"]) == "1987-04-23" for entry in entries)
    assert found_in("".join(path.read_text() for path in aviary.data.rglob("*.jsonl")))
    assert found_in(aviary.kept()) == []


@pytest.mark.parametrize("name", [*BAD, "deceased", "alert_cleared_on"])
def test_a_column_of_another_type_is_told_without_its_values(aviary: Aviary, name: str) -> None:
    table = aviary.table()
    cells = pa.array([7_040_139] * len(table)) if name in TEXTS else pa.array([WORD] * len(table))
    aviary.deliver(with_column(table, name, cells))
    told = aviary.fly()
    assert f"column '{name}' is " in told
    assert found_in(told) == []


@pytest.mark.parametrize("name", BAD)
def test_a_column_of_bad_values_is_told_without_them(aviary: Aviary, name: str) -> None:
    aviary.deliver(with_value(aviary.table(), name, BAD[name]))
    told = aviary.fly()
    assert "SnapshotRefused" in told
    assert name in told
    assert found_in(told) == []


def test_rows_that_are_set_aside_are_counted_in_the_report_and_not_shown(aviary: Aviary) -> None:
    table = aviary.table()
    for row, (name, value) in enumerate(BAD.items()):
        if name != "business_date":
            table = with_value(table, name, value, row)
    aviary.deliver(table)
    told = aviary.fly()
    run = store_of(NAME).run(NIGHTS[2])
    assert (run["status"], run["counts"]["quarantined"]) == ("published", len(BAD) - 1)
    assert "monthly_income_cents: is outside what is allowed" in told
    assert found_in(told) == []


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "text", [WORD + "\x00", WORD + "\r\nSubject: x", WORD * 1_000_000], ids=["NUL", "CRLF", "10 MB"]
)
def test_a_text_that_no_line_may_have_is_set_aside_and_not_told(aviary: Aviary, name: str, text: str) -> None:
    before = aviary.table()
    row = before["account_id"].to_pylist().index(f"{IDS}clean-3-0")
    aviary.deliver(with_value(before, name, text, row))
    told = aviary.fly()
    assert store_of(NAME).run(NIGHTS[2])["status"] == "published"
    assert store_of(NAME).select_mine("line_states", account_id=before["account_id"][row].as_py()) == []
    assert found_in(told) == []


def renamed(table: pa.Table) -> pa.Table:
    return table.rename_columns({"employment": "employmnt"})


def with_more(table: pa.Table) -> pa.Table:
    return table.append_column("nickname", pa.array([WORD] * len(table)))


def repeated(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table])


SHAPES: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "a column missing": (lambda table: table.drop_columns(["employment"]), "column 'employment' is missing"),
    "a column renamed": (renamed, "did you mean 'employmnt'?"),
    "a column more": (with_more, "column 'nickname' is not expected"),
    "every id twice": (repeated, "account_id: stands on more than one row"),
    "no rows": (lambda table: table.slice(0, 0), "has no rows"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_snapshot_of_another_shape_is_described_by_columns_and_counts(aviary: Aviary, case: str) -> None:
    change, words = SHAPES[case]
    aviary.deliver(change(aviary.table()))
    told = aviary.fly()
    assert words in told
    assert found_in(told) == []


@pytest.mark.parametrize("keep", [0, 4, 100, -2_000, -200, -9, -1])
def test_a_file_cut_short_is_told_without_its_bytes(aviary: Aviary, keep: int) -> None:
    aviary.deliver(aviary.table())
    aviary.delivery.write_bytes(aviary.delivery.read_bytes()[:keep])
    told = aviary.fly()
    assert "SnapshotRefused" in told
    assert found_in(told) == []


def unreadable(text: str) -> str:
    """Every number, date and boolean as a word."""
    return "".join(line.replace("1987-04-23", WORD).replace("917340263", WORD) + "\n" for line in text.splitlines())


CSV: dict[str, Callable[[pa.Table], str | bytes]] = {
    "no header": lambda table: as_csv(table, header=False),
    "cells that do not read": lambda table: unreadable(as_csv(table)),
    "a row with a cell too many": lambda table: as_csv(table) + f"{IDS},{WORD}," * 30 + "\n",
    "a row with a cell too few": lambda table: as_csv(table) + f"{IDS},{WORD}\n",
    "a quote that is never closed": lambda table: as_csv(table) + f'"{IDS},{WORD}',
    "a header with a line of values": lambda table: as_csv(table).replace("\r\n", ",", 1),
    "bytes that are no text": lambda table: as_csv(table).encode().replace(b"consumer", WORD.encode() + b"\xff", 1),
    "another separator": lambda table: as_csv(table).replace(",", ";"),
    "no header and another separator": lambda table: as_csv(table, header=False).replace(",", ";"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_csv_that_cannot_be_read_is_told_by_lines_and_columns(aviary: Aviary, case: str) -> None:
    table = aviary.table()
    aviary.deliver_csv(CSV[case](table), len(table))
    told = aviary.fly()
    assert "SnapshotRefused" in told
    assert found_in(told) == []


def test_what_a_manifest_says_beside_its_own_fields_is_not_told(aviary: Aviary) -> None:
    aviary.deliver(aviary.table())
    manifest = {"business_date": str(aviary.night), "contact": WORD, "row_count": 1}
    aviary.delivery.with_suffix(".manifest.json").write_text(json.dumps(manifest))
    told = aviary.fly()
    assert "unknown key 'contact'" in told
    assert found_in(told) == []
