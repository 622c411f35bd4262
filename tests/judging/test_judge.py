"""`reinstate judge`: files in, files out, and on the screen what a person wants to know."""

import csv
import datetime
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.command_line import main
from schemas.errors import FileRefused, SnapshotRefused
from tasks.judged_rows import COLUMNS
from tasks.settings import CHECKOUT
from tests import oracle
from tests.decisioning.strategies import random_night
from tests.factories import NIGHT, line, policy_dict, probation_line, temporary_line
from tests.judging.files import judged, run, write_policy, write_snapshot

SHIPPED = CHECKOUT / "deployments" / "policies" / "consumer-revolving" / "2026-10.yaml"
ROWS = [
    {**line(), "account_id": "000123"},
    {**line(days_past_due=40), "account_id": "NA"},
    {**line(days_past_due=None), "account_id": "1E5"},
    {**temporary_line(), "account_id": "T"},
    {**probation_line(), "account_id": "P"},
    {**line(line_status="open", closed_on=None, closure_cause=None, closure_initiator=None), "account_id": "open"},
]


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    return write_policy(tmp_path / "policy.yaml", policy_dict())


def asked(policy: Path, snapshot: Path, *more: object) -> tuple[object, ...]:
    return ("judge", "--policy", policy, "--snapshot", snapshot, "--business-date", NIGHT, *more)


def plain(value: Any) -> Any:
    """Dates as JSON writes them, and of a score step only what applies."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        kept = value if "attribute" not in value else _applying(value)
        return {key: plain(each) for key, each in kept.items()}
    return value


def _applying(step: dict[str, Any]) -> dict[str, Any]:
    names = ("values",) if step.get("values") is not None else ("at_least", "below")
    return {name: step.get(name) for name in ("attribute", "gain", *names)}


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("seed", range(8))
def test_files_judged_by_the_command_agree_with_the_oracle(seed: int, suffix: str, tmp_path: Path) -> None:
    night = random_night(random.Random(f"judge {seed}").randrange)
    policy = write_policy(tmp_path / "policy.yaml", night.policy)
    snapshot = write_snapshot(tmp_path / f"lines{suffix}", night.policy, night.rows)
    out, refused = tmp_path / "out.jsonl", tmp_path / "refused.jsonl"
    done = run(
        *asked(policy, snapshot)[:-1], night.date, "--out", out, "--quarantine", refused
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    bad = {row["account_id"] for row in map(json.loads, refused.read_text().splitlines())}
    clean = [row for row in night.rows if row["account_id"] not in bad]
    expected = oracle.judge_night(night.policy, clean, night.date)
    found = judged(out)
    assert len(clean) >= len(night.rows) / 2
    assert found == {
        name: {"account_id": name, **{column: plain(result[column]) for column in COLUMNS[1:]}}
        for name, result in expected.items()
    }


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_every_format_of_the_output_says_the_same(policy_file: Path, suffix: str, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.parquet", policy_dict(), ROWS)
    for name in ("out.jsonl", f"out{suffix}"):
        assert run(*asked(policy_file, snapshot, "--out", tmp_path / name)).exit_code == 0
    lines = list(judged(tmp_path / "out.jsonl").values())
    if suffix == ".parquet":
        table = pq.read_table(tmp_path / "out.parquet")
        assert table.column_names == list(COLUMNS)
        assert [plain(row) for row in table.to_pylist()] == lines
        return
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [[*row] for row in rows] == [list(COLUMNS)] * len(lines)
    for row, expected in zip(rows, lines, strict=True):
        assert row == {name: _csv_cell(value) for name, value in expected.items()}


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list) else str(value)


def test_rows_are_written_in_the_order_of_the_snapshot(policy_file: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    run(*asked(policy_file, snapshot, "--out", tmp_path / "out.jsonl"))
    assert list(judged(tmp_path / "out.jsonl")) == ["000123", "NA", "1E5", "T", "P"]


def test_several_files_are_one_book(policy_file: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    first = write_snapshot(tmp_path / "lines.parquet", policy_dict(), ROWS[:3])
    second = write_snapshot(tmp_path / "more" / "lines.parquet", policy_dict(), [*ROWS[3:], ROWS[0]])
    refused = tmp_path / "refused.jsonl"
    done = run(*asked(policy_file, first, second, "--out", tmp_path / "out.jsonl", "--quarantine", refused))
    assert done.exit_code == 0, done.output
    assert set(judged(tmp_path / "out.jsonl")) == {"NA", "1E5", "T", "P"}
    assert [json.loads(text) for text in refused.read_text().splitlines()] == [
        {"row": place, "account_id": "000123", "reasons": ["account_id: stands on more than one row"]}
        for place in (1, 7)
    ]


def test_a_snapshot_without_ledger_columns_has_no_ledger(policy_file: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.parquet", policy_dict(), ROWS, with_ledger=False)
    run(*asked(policy_file, snapshot, "--out", tmp_path / "out.jsonl"))
    assert set(judged(tmp_path / "out.jsonl")) == {"000123", "NA", "1E5"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ledger_state": "lost"}, "ledger_state: is outside what is allowed"),
        ({"ledger_since": None}, "ledger_since: is missing on a line that the ledger holds"),
        ({"ledger_closed_limit_cents": None}, "ledger_closed_limit_cents: is missing on a line that the ledger holds"),
        ({"ledger_reopens_365d_count": -1}, "ledger_reopens_365d_count: is outside what is allowed"),
    ],
)
def test_ledger_columns_that_cannot_be_quarantine_the_row(
    changes: dict[str, Any], words: str, policy_file: Path, tmp_path: Path
) -> None:
    snapshot = write_snapshot(
        tmp_path / "lines.parquet", policy_dict(), [*ROWS, {**temporary_line(**changes), "account_id": "X"}]
    )
    refused = tmp_path / "refused.jsonl"
    assert run(*asked(policy_file, snapshot, "--quarantine", refused)).exit_code == 0
    assert [row["reasons"] for row in map(json.loads, refused.read_text().splitlines())] == [[words]]


def test_the_screen_says_how_many_lines_were_decided_how_and_why_rows_were_refused(
    policy_file: Path, tmp_path: Path
) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), [*ROWS, ROWS[0]])
    shown = run(*asked(policy_file, snapshot)).output
    assert "7 rows: 4 judged, 1 not up for judgement, 2 quarantined" in shown.replace("\N{NO-BREAK SPACE}", " ")
    for words in ("Kept closed", "Referred to a person", "payment_overdue", "account_id: stands on more than one row"):
        assert words in shown


def test_a_bad_policy_ends_with_status_2_and_its_line(tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    wrong = write_policy(tmp_path / "wrong.yaml", policy_dict(confirm_nights=0, colour="red"))
    refusal = run(*asked(wrong, snapshot)).exception
    assert isinstance(refusal, FileRefused)
    assert "colour" in str(refusal)
    assert f"{wrong}:" in str(refusal)


def test_the_command_line_turns_a_refused_policy_into_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    wrong = write_policy(tmp_path / "wrong.yaml", policy_dict(confirm_nights=0))
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in asked(wrong, snapshot)])
    assert ended.value.code == 2
    assert f"Error: {wrong}:" in capsys.readouterr().err


def test_a_snapshot_of_another_date_is_refused_as_a_whole(policy_file: Path, tmp_path: Path) -> None:
    late = {**ROWS[0], "account_id": "late", "business_date": datetime.date(2026, 1, 1)}
    snapshot = write_snapshot(tmp_path / "lines.parquet", policy_dict(), [*ROWS, late])
    done = run(*asked(policy_file, snapshot, "--out", tmp_path / "out.csv"))
    assert isinstance(done.exception, SnapshotRefused)
    assert "1 of 7 rows" in str(done.exception)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--out", "out.xlsx"], "rows can be written as .parquet, .csv, .jsonl"),
        (["--out", "nowhere/out.csv"], "there is no folder nowhere"),
        (["--out", "lines.csv"], "lines.csv is named twice"),
        (["--out", "policy.yaml"], "rows can be written as"),
        (["--out", "o.csv", "--quarantine", "o.csv"], "o.csv is named twice"),
        (["lines.parquet"], "all .parquet or all .csv"),
    ],
)
def test_what_cannot_be_read_or_written_is_said_before_anything_is(
    more: list[str], words: str, policy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run(*asked(Path("policy.yaml"), Path("lines.csv"), *more))
    assert done.exit_code == 2
    assert words in done.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("option", ["--out", "--quarantine"])
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_file_that_cannot_be_written_is_named_with_why(
    option: str, suffix: str, policy_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    out = tmp_path / ("x" * 240 + suffix)  # its unfinished name is longer than a name may be
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in asked(policy_file, snapshot, option, out)])
    assert ended.value.code == 1
    assert f"Error: {out} cannot be written: File name too long" in capsys.readouterr().err
    assert not list(tmp_path.glob("*xxx*"))


def test_reasons_without_texts_only_warn(policy_file: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    done = run(*asked(policy_file, snapshot))
    assert done.exit_code == 0
    assert "Warning: there is no reasons.yaml beside" in done.stderr


def test_an_empty_quarantine_is_written_too(policy_file: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.csv", policy_dict(), ROWS)
    run(*asked(policy_file, snapshot, "--quarantine", tmp_path / "refused.csv"))
    assert (tmp_path / "refused.csv").read_text().strip() == '"row","account_id","reasons"'


def test_a_book_in_which_every_row_is_refused_judges_nobody(policy_file: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "lines.parquet", policy_dict(), [ROWS[0], ROWS[0]])
    done = run(*asked(policy_file, snapshot, "--out", tmp_path / "out.jsonl"))
    assert done.exit_code == 0, done.output
    assert judged(tmp_path / "out.jsonl") == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ledger_closed_limit_cents": 10**13 + 1}, "ledger_closed_limit_cents: is outside what is allowed"),
        ({"ledger_closed_limit_cents": -1}, "ledger_closed_limit_cents: is outside what is allowed"),
        ({"ledger_recoverable_nights_count": 2**63 - 1}, "ledger_recoverable_nights_count: is outside what is allowed"),
        ({"ledger_since": NIGHT + datetime.timedelta(days=1)}, "ledger_since: is after the business date"),
        ({"ledger_cause": None}, "ledger_cause: is missing on a line that the ledger holds"),
    ],
)
@pytest.mark.parametrize("held", [temporary_line, probation_line])
def test_what_a_ledger_never_says_refuses_the_row(
    changes: dict[str, Any], reason: str, held: Any, policy_file: Path, tmp_path: Path
) -> None:
    snapshot = write_snapshot(tmp_path / "lines.parquet", policy_dict(), [held(**changes), line(account_id="other")])
    refused = tmp_path / "refused.jsonl"
    assert run(*asked(policy_file, snapshot, "--quarantine", refused)).exit_code == 0
    [row] = map(json.loads, refused.read_text().splitlines())
    assert row["reasons"] == [reason]


SERVED = line(account_id="served", closed_on=NIGHT - datetime.timedelta(days=10), campaign_code="SPRING")


@pytest.mark.parametrize("used", ["SPRING", " SPRING", "AUTUMN, SPRING", '["SPRING"]', ' ["AUTUMN", "SPRING"]'])
def test_a_campaign_serves_a_line_once_however_its_codes_are_written(
    used: str, policy_file: Path, tmp_path: Path
) -> None:
    assert decided(used, policy_file, tmp_path) == ("keep_closed", [])


@pytest.mark.parametrize(
    "used", ["['SPRING']", "[SPRING]", "{SPRING}", "SPRING;AUTUMN", "SPRING,,AUTUMN", '["SPRING", null]']
)
def test_what_is_no_list_of_campaign_codes_refuses_the_row(used: str, policy_file: Path, tmp_path: Path) -> None:
    words = "ledger_campaigns_used: is no list of campaign codes: CODE,CODE or a JSON list of them"
    assert decided(used, policy_file, tmp_path) == (None, [words])


def test_a_list_of_campaign_codes_that_misses_one_refuses_the_row(policy_file: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(
        tmp_path / "lines.parquet", policy_dict(), [SERVED | {"ledger_campaigns_used": ["SPRING"]}]
    )
    table = pq.read_table(snapshot)
    place = table.schema.get_field_index("ledger_campaigns_used")
    for codes, judged_count in ((["SPRING"], 1), (["SPRING", None], 0)):
        column = pa.array([codes], pa.list_(pa.string()))
        pq.write_table(table.set_column(place, "ledger_campaigns_used", column), snapshot)
        out = tmp_path / "out.jsonl"
        assert run(*asked(policy_file, snapshot, "--out", out)).exit_code == 0
        assert len(judged(out)) == judged_count


def decided(used: str, policy_file: Path, tmp_path: Path) -> tuple[str | None, list[str]]:
    """What is decided of a line that a campaign may have served, and why its row is refused."""
    snapshot = write_snapshot(tmp_path / "lines.parquet", policy_dict(), [SERVED])
    table = pq.read_table(snapshot)
    place = table.schema.get_field_index("ledger_campaigns_used")
    pq.write_table(table.set_column(place, "ledger_campaigns_used", pa.array([used])), snapshot)
    out, refused = tmp_path / "out.jsonl", tmp_path / "refused.jsonl"
    done = run(*asked(policy_file, snapshot, "--out", out, "--quarantine", refused))
    assert done.exit_code == 0, done.output
    rows = [json.loads(text) for text in refused.read_text().splitlines()]
    found = judged(out).get("served")
    return found and found["decision"], [reason for row in rows for reason in row["reasons"]]
