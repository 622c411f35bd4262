"""The stand-in core system, on a world of a handful of lines written by hand."""

import datetime
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.sample_data import SampleDataError
from tasks.sample_data.core_system import close_of_business
from tasks.sample_data.worlds import base_file, snapshot_schema, write_parquet

MONDAY, TUESDAY, WEDNESDAY = (datetime.date(2026, 10, day) for day in (26, 27, 28))
CLOSED_ON = datetime.date(2026, 5, 4)
SCHEMA = snapshot_schema({})


def line(account_id: str | None, **other: object) -> dict:
    """A closed line; `other` says what is different about it."""
    closed = {
        "account_id": account_id,
        "product_code": "revolving_card",
        "customer_segment": "consumer",
        "line_status": "closed",
        "closed_limit_cents": 500_000,
        "balance_cents": 220_000,
        "closed_on": CLOSED_ON,
        "closure_cause": "credit_assessment",
        "closure_initiator": "issuer",
    }
    return {**closed, **other}


OPEN = {"line_status": "open", "closed_on": None, "closure_cause": None, "closure_initiator": None}


class Bank:
    """A world, requests and snapshots in one folder."""

    def __init__(self, folder: Path) -> None:
        self.world, self.requests, self.snapshots = folder / "world", folder / "requests", folder / "snapshots"
        (self.world / "base").mkdir(parents=True)
        self.requests.mkdir()

    def base(self, *lines: dict, dates: tuple[datetime.date, ...] = (MONDAY, TUESDAY, WEDNESDAY)) -> None:
        for date in dates:
            rows = [{**each, "business_date": date} for each in lines]
            write_parquet(pa.Table.from_pylist(rows, schema=SCHEMA), base_file(self.world, date))

    def ask(
        self, request: str, account_id: str, /, *, on: datetime.date = MONDAY, sequence: int = 1, **other: object
    ) -> None:
        asked = {
            "notice_id": f"n{sequence}",
            "sequence": sequence,
            "request": request,
            "account_id": account_id,
            "business_date": on.isoformat(),
            "limit_cents": 300_000 if request == "reopen" else None,
            "valid_until": None,
            "cause": "credit_assessment",
            "closed_on": None,
        }
        with (self.requests / f"{on}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**asked, **other}) + "\n")

    def close(self, date: datetime.date) -> Path:
        return close_of_business(self.world, self.requests, date, self.snapshots)

    def shown(self, date: datetime.date, account_id: str = "000001") -> dict:
        rows = pq.read_table(self.close(date) / "snapshot.parquet").to_pylist()
        return next(row for row in rows if row["account_id"] == account_id)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    bank = Bank(tmp_path)
    bank.base(line("000001"), line("000002", **OPEN))
    return bank


def test_without_requests_the_snapshot_is_the_base_of_its_date(bank: Bank) -> None:
    folder = bank.close(MONDAY)
    assert pq.read_table(folder / "snapshot.parquet").equals(pq.read_table(base_file(bank.world, MONDAY)))


def test_a_folder_of_requests_that_does_not_exist_holds_none(bank: Bank) -> None:
    bank.requests.rmdir()
    assert bank.shown(MONDAY)["line_status"] == "closed"


def test_the_manifest_names_date_rows_and_hash_of_the_snapshot(bank: Bank) -> None:
    folder = bank.close(MONDAY)
    digest = hashlib.sha256((folder / "snapshot.parquet").read_bytes()).hexdigest()
    assert json.loads((folder / "manifest.json").read_text()) == {
        "business_date": "2026-10-26",
        "row_count": 2,
        "files": [{"name": "snapshot.parquet", "rows": 2, "sha256": digest}],
    }


def test_nothing_unfinished_is_left_beside_the_snapshot(bank: Bank) -> None:
    assert sorted(path.name for path in bank.close(MONDAY).iterdir()) == ["manifest.json", "snapshot.parquet"]


def test_a_date_with_a_manifest_is_left_as_it_is(bank: Bank) -> None:
    folder = bank.close(TUESDAY)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    bank.ask("reopen", "000001")
    bank.close(TUESDAY)
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_date_without_a_manifest_is_written_again(bank: Bank) -> None:
    folder = bank.close(TUESDAY)
    (folder / "manifest.json").unlink()
    bank.ask("reopen", "000001")
    assert bank.shown(TUESDAY)["line_status"] == "open"


def test_a_reopened_line_shows_its_new_limit_and_no_closing(bank: Bank) -> None:
    bank.ask("reopen", "000001")
    shown = bank.shown(TUESDAY)
    assert shown == {**line("000001", **OPEN), "business_date": TUESDAY, "closed_limit_cents": 300_000}


def test_a_request_shows_from_the_day_after_its_file(bank: Bank) -> None:
    bank.ask("reopen", "000001", on=TUESDAY)
    assert [bank.shown(date)["line_status"] for date in (MONDAY, TUESDAY, WEDNESDAY)] == ["closed", "closed", "open"]


def test_a_balance_above_the_new_limit_is_shown_as_the_limit(bank: Bank) -> None:
    bank.ask("reopen", "000001", limit_cents=100_000)
    assert bank.shown(TUESDAY)["balance_cents"] == 100_000


def test_lines_that_nobody_asked_about_stay_as_they_are(bank: Bank) -> None:
    bank.ask("reopen", "000001")
    assert bank.shown(TUESDAY, "000002") == {**line("000002", **OPEN), "business_date": TUESDAY}


def test_a_temporary_line_is_open_up_to_the_day_before_its_end(bank: Bank) -> None:
    bank.ask("reopen", "000001", valid_until=WEDNESDAY.isoformat())
    assert bank.shown(TUESDAY)["line_status"] == "open"


def test_a_temporary_line_shows_its_original_closing_from_its_end_on(bank: Bank) -> None:
    bank.ask("reopen", "000001", valid_until=WEDNESDAY.isoformat())
    assert bank.shown(WEDNESDAY) == {**line("000001"), "business_date": WEDNESDAY}


def test_of_several_requests_the_highest_sequence_counts_wherever_it_stands(bank: Bank) -> None:
    bank.ask("close", "000001", on=MONDAY, sequence=12)
    bank.ask("reopen", "000001", on=MONDAY, sequence=9)
    bank.ask("reopen", "000001", on=TUESDAY, sequence=10)
    assert bank.shown(WEDNESDAY)["line_status"] == "closed"


def test_closing_without_a_date_gives_back_the_original_closing(bank: Bank) -> None:
    bank.ask("reopen", "000001", sequence=1)
    bank.ask("close", "000001", on=TUESDAY, sequence=2)
    assert bank.shown(WEDNESDAY) == {**line("000001"), "business_date": WEDNESDAY}


def test_closing_with_a_date_shows_a_new_closing_by_the_issuer(bank: Bank) -> None:
    bank.base(line("000001", closure_initiator="customer"))
    bank.ask("close", "000001", on=TUESDAY, closed_on=TUESDAY.isoformat(), cause="abnormal_behaviour")
    shown = bank.shown(WEDNESDAY)
    assert shown == {
        **line("000001", closed_on=TUESDAY, closure_cause="abnormal_behaviour"),
        "business_date": WEDNESDAY,
    }


def test_closing_an_open_line_without_a_date_closes_it_on_the_day_of_the_request(bank: Bank) -> None:
    bank.ask("close", "000002")
    shown = bank.shown(TUESDAY, "000002")
    assert (shown["line_status"], shown["closed_on"], shown["closure_initiator"]) == ("closed", MONDAY, "issuer")


def test_a_closing_by_the_world_after_the_request_wins(bank: Bank) -> None:
    bank.ask("reopen", "000001")
    bank.base(line("000001", closed_on=TUESDAY, closure_cause="abnormal_behaviour"), dates=(TUESDAY,))
    assert (bank.shown(TUESDAY)["line_status"], bank.shown(WEDNESDAY)["line_status"]) == ("closed", "open")


def test_a_closing_by_the_world_on_the_day_of_the_request_does_not_win(bank: Bank) -> None:
    bank.ask("reopen", "000001")
    bank.base(line("000001", closed_on=MONDAY), dates=(TUESDAY,))
    assert bank.shown(TUESDAY)["line_status"] == "open"


def test_every_copy_of_a_repeated_id_is_reopened_and_rows_without_one_are_not(bank: Bank) -> None:
    bank.base(line("000001"), line(None), line("000001"))
    bank.ask("reopen", "000001")
    rows = pq.read_table(bank.close(TUESDAY) / "snapshot.parquet").to_pylist()
    assert [row["line_status"] for row in rows] == ["open", "closed", "open"]


def test_a_request_for_an_account_that_the_world_lacks_changes_nothing(bank: Bank) -> None:
    bank.ask("reopen", "999999")
    folder = bank.close(TUESDAY)
    assert pq.read_table(folder / "snapshot.parquet").equals(pq.read_table(base_file(bank.world, TUESDAY)))


def test_requests_change_no_physical_type(bank: Bank) -> None:
    bank.ask("reopen", "000001")
    assert pq.read_schema(bank.close(TUESDAY) / "snapshot.parquet").equals(SCHEMA)


def test_the_row_groups_of_a_world_are_kept(bank: Bank) -> None:
    with pq.ParquetWriter(base_file(bank.world, MONDAY), SCHEMA) as file:
        for account_id in ("000001", "000002", "000003"):
            rows = [{**line(account_id), "business_date": MONDAY}]
            file.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert pq.ParquetFile(bank.close(MONDAY) / "snapshot.parquet").num_row_groups == 3


def test_a_date_that_the_world_lacks_is_refused_and_its_dates_are_named(bank: Bank) -> None:
    with pytest.raises(SampleDataError, match="2026-10-26 to 2026-10-28"):
        bank.close(datetime.date(2026, 10, 29))


def test_a_file_of_requests_without_a_date_in_its_name_is_refused(bank: Bank) -> None:
    (bank.requests / "monday.jsonl").touch()
    with pytest.raises(SampleDataError, match=r"monday\.jsonl"):
        bank.close(TUESDAY)


@pytest.mark.parametrize(
    "wrong",
    [{"request": "open"}, {"business_date": None}, {"valid_until": "soon"}, {"limit_cents": None}, {"account_id": 1}],
)
def test_a_request_that_makes_no_sense_is_refused_with_file_and_line(bank: Bank, wrong: dict) -> None:
    bank.ask("reopen", "000002")
    bank.ask("reopen", "000001", **wrong)
    with pytest.raises(SampleDataError, match=r"2026-10-26\.jsonl, line 2"):
        bank.close(TUESDAY)


def test_a_refused_request_does_not_betray_its_account(bank: Bank) -> None:
    bank.ask("reopen", "7777777", limit_cents="much")
    with pytest.raises(SampleDataError) as refused:
        bank.close(TUESDAY)
    assert "7777777" not in str(refused.value)


def test_half_a_line_is_refused(bank: Bank) -> None:
    (bank.requests / "2026-10-26.jsonl").write_text('{"account_id": "0000')
    with pytest.raises(SampleDataError, match="not a request"):
        bank.close(TUESDAY)
