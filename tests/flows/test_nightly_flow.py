"""The nightly flow in this process, against a real server: which nights it runs, where it stops, what it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry

from flows.nightly import nightly_reevaluation
from schemas.handles import NightResult
from tests.flows.books import THREE, Home, left_behind, opened_home
from tests.plain_nights import run_plainly, use_home

pytestmark = pytest.mark.usefixtures("client")

FIRST, SECOND, THIRD = THREE
REFUSED = {
    "a portfolio that leaves its folder": (
        {"portfolio": "../x"},
        r"portfolio: String should match pattern '^[a-z0-9][a-z0-9_-]*$'",
    ),
    "a portfolio that is not there": ({"portfolio": "smal"}, "there is no portfolio 'smal' in "),
    "a night of a portfolio that is not there": (
        {"portfolio": "smal", "business_date": "2026-10-26"},
        "; did you mean 'small'?",
    ),
    "the number 0 as a date": ({"business_date": 0}, "business_date: Value error, write a business date as YYYY-MM-DD"),
    "the text 0 as a date": ({"business_date": "0"}, "business_date: Value error, write a business date as YYYY-MM-DD"),
    "a day that is none": ({"business_date": "2026-02-30"}, "business_date: Input should be a valid date"),
    "a date to come": ({"business_date": "2999-10-26"}, "2999-10-26 has not ended: today is "),
    "a date before the first": ({"business_date": "2026-10-25"}, "2026-10-25 is before 2026-10-26, the first business"),
}


@dataclass(frozen=True)
class Story:
    """Three nights, of which the second had no snapshot at first; then the same run was retried, then all was done."""

    home: Home
    stopped: State
    published_when_stopped: list[str]
    retried: State
    left_by_retry: dict[str, object]
    again: State
    named_again: State


def ended(**parameters: object) -> State:
    """The state in which the flow ends when it is called with these parameters."""
    return nightly_reevaluation(**{"portfolio": "small", **parameters}, return_state=True)


def retry(client: SyncPrefectClient, run_id: UUID) -> State:
    """The state in which a run ends that is retried as the server's page does it: same run, same parameters."""
    client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
    return run_flow(nightly_reevaluation, flow_run=client.read_flow_run(run_id), return_type="state")


def nights_of(state: State) -> list[tuple[str, str]]:
    results: list[NightResult] = state.result()
    return [(str(result.business_date), result.message) for result in results]


@pytest.fixture(scope="module")
def story(client: SyncPrefectClient, world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with opened_home(tmp_path_factory.mktemp("story"), world) as home:
        home.deliver(THIRD)
        stopped = ended()
        published = home.published()
        home.deliver(SECOND)
        retried = retry(client, stopped.state_details.flow_run_id)
        left = left_behind(home.data)
        yield Story(home, stopped, published, retried, left, ended(), ended(business_date=str(SECOND)))


def test_a_night_that_fails_stops_the_later_ones_and_leaves_the_earlier_ones_published(story: Story) -> None:
    assert story.stopped.is_failed()
    assert f"SnapshotRefused: there is no snapshot of {SECOND}" in story.stopped.message
    assert story.published_when_stopped == [str(FIRST)]


def test_a_retry_of_the_same_run_goes_on_with_the_nights_that_are_left_oldest_first(story: Story) -> None:
    assert nights_of(story.retried) == [(str(SECOND), "published"), (str(THIRD), "published")]


def test_stopped_and_retried_nights_leave_the_same_behind_as_plain_functions_in_one_go(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_home(monkeypatch, tmp_path, story.home.folder)
    for date in THREE:
        run_plainly("small", date)
    plain = left_behind(tmp_path)
    assert len(plain["ledger"]) > 30
    for kind, left in plain.items():
        assert story.left_by_retry[kind] == left, kind


def test_a_further_run_finds_nothing_due_and_a_night_by_its_name_is_only_brought_back(story: Story) -> None:
    assert nights_of(story.again) == []
    assert nights_of(story.named_again) == [(str(SECOND), "published before, nothing was written")]
    assert left_behind(story.home.data) == story.left_by_retry


def test_a_dry_run_tries_the_oldest_night_and_writes_nothing_to_the_store_and_sends_nothing(home: Home) -> None:
    home.deliver(SECOND)
    state = ended(dry_run=True)
    assert nights_of(state) == [(str(FIRST), "dry run, nothing was published")]
    left = left_behind(home.data)
    assert list(left.pop("reports")) == list(left.pop("evidence")) == [f"{FIRST}-dry-run"]
    assert not any(left.values())


def test_old_nights_let_go_what_is_past_its_retention_and_a_link_is_left_and_told(home: Home, tmp_path: Path) -> None:
    home.deliver(SECOND, THIRD)
    portfolio = home.folder / "deployments" / "portfolios" / "small.yaml"
    portfolio.write_text(portfolio.read_text() + "retention: {evidence_days: 1}\n")
    folder = home.data / "nights" / "small"
    assert nights_of(ended(business_date=str(FIRST))) == [(str(FIRST), "published")]
    (folder / str(FIRST) / "candidates").rename(tmp_path / "elsewhere")
    (folder / str(FIRST) / "candidates").symlink_to(tmp_path / "elsewhere")
    results: list[NightResult] = ended().result()
    assert [len(result.warnings) for result in results] == [0, 1]
    assert f"a symbolic link in {FIRST}" in results[-1].warnings[0]
    assert {path.name for path in (folder / str(FIRST)).iterdir()} == {
        "report.html", "report.json", "night.json", "policy.yaml", "portfolio.json", "candidates",
    }  # fmt: skip
    assert (folder / str(SECOND) / "snapshot").exists()


@pytest.mark.parametrize("case", REFUSED)
def test_refused_at_once_with_a_clear_message_and_nothing_written(home: Home, case: str) -> None:
    parameters, message = REFUSED[case]
    state = ended(**parameters)
    assert state.is_failed()
    assert message in state.message
    assert not home.data.exists()
