"""What a night knows of its lines stays out of Prefect: canaries in ids and values, and stages that break over them."""

import functools
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.logging.handlers import APILogWorker

from flows.nightly import nightly_reevaluation
from tasks import nights, outbox, planning, publishing, reporting, snapshots
from tests.flows.books import THREE, Home, opened_home, stored
from tests.flows.prefect_server import Server, places_with

CANARY_ID = "canarybird"
"""Begins every account id."""
CANARY_WORD = "canaryword"
"""Stands where a category or a number should."""
FIRST, SECOND, THIRD = THREE
BREAKS = (
    (nights, "nights_to_run", None),
    (snapshots, "validate_partition", THIRD),
    (planning, "make_plan", THIRD),
    (publishing, "publish_plan", THIRD),
    (outbox, "deliver_outstanding", THIRD),
    (reporting, "gather_report", THIRD),
)
"""What breaks, in the order of a night, and the night during which it does."""
REFUSED = (("days_past_due", 5), ("employment", 1_000))
"""Columns that make the second night refused, and in how many of its rows a canary stands."""
FAULT = "this is a fault of the program"
ARRIVAL_SECONDS = 60


class Panic(BaseException):
    """As a library written in another language panics."""


ENDS = (KeyboardInterrupt, SystemExit, Panic)


@dataclass(frozen=True)
class Story:
    """How runs over canaries ended, and what they logged."""

    home: Home
    good: str
    refused: list[str]
    broken: list[str]
    ended: list[str]
    finished: str
    logged: str


@pytest.fixture(scope="module")
def story(
    client: SyncPrefectClient, server: Server, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    with opened_home(tmp_path_factory.mktemp("canaries"), world) as home, logged() as lines:
        plant(home, FIRST, rows=5)
        good = message_of(FIRST)
        refused = []
        for column, rows in REFUSED:
            plant(home, SECOND, column=column, rows=rows)
            refused.append(message_of(SECOND))
        plant(home, THIRD, rows=5)
        ended = []
        for end in ENDS:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(planning, "make_plan", functools.partial(end_over_a_line, end))
                ended.append(end_of(THIRD))
        broken = []
        for module, name, date in BREAKS:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, name, break_over_a_line)
                broken.append(message_of(date))
        finished = message_of(THIRD)
        APILogWorker.drain_all()
        wait_until_kept("task_run_state.message", "report stopped at", server)
        yield Story(home, good, refused, broken, ended, finished, "\n".join(lines))


def test_the_runs_are_about_canaries_and_change_lines(story: Story) -> None:
    ledger = stored(story.home.data, "ledger")
    assert len(ledger) > 30
    assert all(entry["account_id"].startswith(CANARY_ID) for entry in ledger)
    assert (story.good, story.finished) == ("Completed: None", "Completed: None")


def test_a_stage_or_flow_that_breaks_says_where_and_by_which_error_and_no_more(story: Story) -> None:
    names = ("nightly_reevaluation", "validate", "decide", "publish", "notify", "report")
    place = r"tests/flows/test_secrecy\.py:\d+"
    for name, message in zip(names, story.broken, strict=True):
        assert re.fullmatch(
            rf"Failed: Flow run encountered an exception: StageFailed: {name} stopped at {place}: ValueError; {FAULT}",
            message,
        )


def test_a_stage_that_is_ended_ends_the_run_without_a_word_and_a_panic_is_a_fault_of_the_program(story: Story) -> None:
    assert story.ended[:2] == ["KeyboardInterrupt()", "SystemExit(1)"]
    assert re.search(
        rf"StageFailed: decide stopped at tests/flows/test_secrecy\.py:\d+: Panic; {FAULT}", story.ended[2]
    )


def test_a_refused_snapshot_is_described_by_its_columns_and_counts(story: Story) -> None:
    wrong_type, wrong_words = story.refused
    assert "SnapshotRefused: " in wrong_type
    assert "days_past_due" in wrong_type
    assert "employment" in wrong_words
    assert "1,000 of 1,00" in wrong_words


def test_what_broke_is_found_in_every_place_where_prefect_keeps_it(story: Story, server: Server) -> None:
    places = places_with(FAULT, server)
    assert {"flow_run_state.message", "task_run_state.message", "log.message", "events.payload"} <= {*places}
    assert FAULT in story.logged


@pytest.mark.parametrize("canary", [CANARY_ID, CANARY_WORD])
def test_no_id_and_no_value_is_in_prefects_database_its_storage_or_any_log(
    story: Story, server: Server, canary: str
) -> None:
    assert places_with(canary, server) == []
    assert canary not in story.logged


@contextmanager
def logged() -> Iterator[list[str]]:
    """All that is logged meanwhile, with its traces."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))
    loggers = [logging.getLogger(), logging.getLogger("prefect")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def wait_until_kept(place: str, text: str, server: Server) -> None:
    """Wait until Prefect has written down, in its own time, what happened."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while place not in places_with(text, server):
        assert time.monotonic() < deadline, f"{text} is only in {places_with(text, server)}"
        time.sleep(0.2)


def plant(home: Home, date: object, *, column: str = "employment", rows: int) -> None:
    """Deliver the snapshot of a night with canaries: in every id, and in the first `rows` rows of a column."""
    table = pq.read_table(home.world / "base" / f"{date}.parquet")
    ids = [name and CANARY_ID + name for name in table["account_id"].to_pylist()]
    values = [CANARY_WORD if row < rows else value for row, value in enumerate(table[column].to_pylist())]
    cells = pa.array([None if value is None else str(value) for value in values], pa.string())
    table = table.set_column(table.column_names.index("account_id"), "account_id", pa.array(ids, pa.string()))
    table = table.set_column(table.column_names.index(column), column, cells)
    pq.write_table(table, home.snapshots / f"{date}.parquet")


def break_over_a_line(*_args: object, **_kwargs: object) -> NoReturn:
    """Fail as a library does that prints the value it stumbled over."""
    try:
        raise KeyError(CANARY_ID)
    except KeyError as cause:
        error = ValueError(f"cannot handle {CANARY_WORD} of {CANARY_ID}")
        error.add_note(CANARY_ID)
        raise error from cause


def end_over_a_line(end: type[BaseException], *_args: object, **_kwargs: object) -> NoReturn:
    """End in a way that is no error, with the line in its words and in those of the error before it."""
    try:
        raise KeyError(CANARY_ID)
    except KeyError as cause:
        raise end(f"stopped at {CANARY_WORD} of {CANARY_ID}") from cause


def end_of(date: object) -> str:
    """How a run of one night ended, or what it let out."""
    try:
        return message_of(date)
    except (KeyboardInterrupt, SystemExit) as error:
        return repr(error)


def message_of(date: object) -> str:
    """How a run of one night, or of those that are due, ended."""
    state = nightly_reevaluation(portfolio="small", business_date=date and str(date), return_state=True)
    return f"{state.name}: {state.message}"
