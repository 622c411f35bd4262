"""Nine nights of a small book: what they decide, what they write, and what they owe."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.vocabulary import Decision
from tasks.decisioning.owed import OWED
from tests.nights.conftest import Book
from tests.recount import differences

NINE = range(9)


def transitions(book: Book, number: int) -> list[dict]:
    return pq.read_table(book.nights[number][1].plan.path).to_pylist()


@pytest.mark.parametrize("number", NINE)
def test_an_independent_recount_finds_the_same_decisions(book: Book, number: int) -> None:
    run, published = book.nights[number]
    assert differences(run, published, run.business_date) == []


@pytest.mark.parametrize("number", NINE)
def test_rows_in_are_judged_or_not_up_for_judgement_or_quarantined(book: Book, number: int) -> None:
    plan = book.nights[number][1].plan
    assert plan.row_count == plan.judged_count + plan.not_up_count + plan.quarantined_count
    assert plan.judged_count == sum(plan.decisions.values())


def test_every_kind_of_transition_happens(book: Book) -> None:
    decided = {row["decision"] for number in NINE for row in transitions(book, number)}
    assert decided == {"reopen", "reopen_temporarily", "expire", "reclose"}


def test_every_route_is_taken(book: Book) -> None:
    routes = {row["route"] for number in NINE for row in transitions(book, number)}
    assert routes >= {"reevaluation", "appeal", "campaign"}


def test_a_reopened_line_is_open_in_the_next_snapshot(book: Book) -> None:
    reopened = [row["account_id"] for row in transitions(book, 1) if row["decision"] == "reopen"]
    assert reopened
    shown = status_of(book, 2, reopened)
    assert {status for status, _ in shown.values()} == {"open"}


def test_a_reopened_line_has_the_limit_that_was_granted(book: Book) -> None:
    granted = {row["account_id"]: row["limit_cents"] for row in transitions(book, 1) if row["decision"] == "reopen"}
    assert {account: limit for account, (_, limit) in status_of(book, 2, list(granted)).items()} == granted


def test_a_temporary_line_is_closed_from_its_end_on(book: Book) -> None:
    ended = [row for row in transitions(book, 7) if row["decision"] == "expire"]
    assert ended
    assert {row["valid_until"] for row in ended} == {book.nights[7][0].business_date}
    shown = status_of(book, 7, [row["account_id"] for row in ended])
    assert {status for status, _ in shown.values()} == {"closed"}


def test_no_line_is_reopened_twice_in_a_row(book: Book) -> None:
    last: dict[str, str] = {}
    opening = {"reopen", "reopen_temporarily"}
    for number in NINE:
        for row in transitions(book, number):
            made_permanent = last.get(row["account_id"]) == "reopen_temporarily" and row["decision"] == "reopen"
            assert not (last.get(row["account_id"]) in opening and row["decision"] in opening) or made_permanent
            last[row["account_id"]] = row["decision"]


def test_every_transition_owes_its_notices_and_every_notice_is_delivered(book: Book) -> None:
    owed = Counter(
        (audience, kind)
        for number in NINE
        for row in transitions(book, number)
        for audience, kind in OWED[Decision(row["decision"])]
    )
    delivered = Counter(
        (path.parent.name, json.loads(line)["kind"])
        for path in (book.data / "deliveries" / "small").glob("*/*.jsonl")
        for line in path.read_text().splitlines()
    )
    assert delivered == owed


def test_a_notice_is_delivered_once(book: Book) -> None:
    paths = (book.data / "deliveries" / "small").glob("*/*.jsonl")
    ids = [json.loads(line)["notice_id"] for path in paths for line in path.read_text().splitlines()]
    assert len(ids) == len(set(ids)) > 0


def test_no_account_is_named_in_a_report(book: Book) -> None:
    run = book.nights[1][0]
    accounts = [row["account_id"] for row in transitions(book, 1)]
    kept = [path for path in run.directory.iterdir() if path.suffix in {".html", ".json"}]
    assert not any(account in path.read_text() for path in kept for account in accounts)


def status_of(book: Book, number: int, accounts: list[str]) -> dict[str, tuple[str, int]]:
    """Status and limit of some lines, as the snapshot of a night shows them."""
    folder: Path = book.nights[number][0].directory / "snapshot"
    table = pq.read_table(min(folder.glob("*.parquet")), columns=["account_id", "line_status", "closed_limit_cents"])
    rows = table.filter(pc.is_in(table["account_id"], value_set=pa.array(accounts))).to_pylist()
    return {row["account_id"]: (row["line_status"], row["closed_limit_cents"]) for row in rows}
