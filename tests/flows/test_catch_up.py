"""Several nights that are due: oldest first, up to the first that is held, refused or failed; the next start goes on there."""

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from prefect.client.schemas.objects import State

from flows.command_line import commands, main
from flows.nightly import nightly_reevaluation
from schemas.handles import NightResult
from tasks import snapshots
from tasks.nights import store_of
from tasks.writers import RELAY, take_writer
from tests.flows.books import THREE, Home, stored

pytestmark = pytest.mark.usefixtures("client")
FIRST, SECOND, THIRD = THREE


def ended() -> State:
    return nightly_reevaluation(portfolio="small", return_state=True)


def nights_of(state: State) -> list[tuple[str, str]]:
    results: list[NightResult] = state.result()
    return [(str(result.business_date), result.message) for result in results]


def put_caps(home: Home, caps: str) -> None:
    path = home.folder / "deployments" / "portfolios" / "small.yaml"
    path.write_text(path.read_text() + caps)


def begun() -> list[str]:
    """The nights that somebody set to work on."""
    return [str(run["business_date"]) for run in store_of("small").select_mine("runs")]


def test_a_held_night_stops_the_later_ones_until_people_have_said_what_becomes_of_it(home: Home) -> None:
    home.deliver(*THREE)
    put_caps(home, "caps: {reopened_lines_max: 1, people: 1}\n")
    state = ended()
    assert state.is_failed()
    assert f"NightHeld: {FIRST} is held" in state.message
    again = ended()
    assert again.is_failed()
    assert f"NightRefused: {FIRST} is held: it comes first" in again.message
    assert begun() == [str(FIRST)]
    plan = store_of("small").run(FIRST)["plan_hash"]
    arguments = ["discard", plan, "--portfolio", "small", "--reason", "the caps are right"]
    assert CliRunner().invoke(commands, arguments).exit_code == 0
    next_one = ended()
    assert f"NightHeld: {SECOND} is held" in next_one.message
    assert begun() == [str(FIRST), str(SECOND)]


def test_a_refused_night_stops_the_later_ones_and_the_next_start_goes_on_there(home: Home) -> None:
    home.deliver(*THREE)
    path = home.snapshots / f"{SECOND}.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    state = ended()
    assert state.is_failed()
    assert "SnapshotRefused" in state.message
    assert home.published() == [str(FIRST)]
    assert begun() == [str(FIRST), str(SECOND)]
    path.write_bytes(whole)
    assert nights_of(ended()) == [(str(SECOND), "published"), (str(THIRD), "published")]


def test_a_night_whose_stage_breaks_stops_the_later_ones_and_the_next_start_goes_on_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.deliver(FIRST, SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "validate_partition", None)
        assert ended().is_failed()
    assert begun() == [str(FIRST)]
    assert nights_of(ended()) == [(str(FIRST), "published"), (str(SECOND), "published")]


def test_notices_that_are_outstanding_do_not_stop_it_but_it_is_not_green_and_they_go_out_with_the_next_start(
    home: Home,
) -> None:
    home.deliver(FIRST, SECOND)
    sending = take_writer(store_of("small"), RELAY)
    state = ended()
    assert home.published() == [str(FIRST), str(SECOND)]
    assert state.is_failed()
    waiting = [notice for notice in stored(home.data, "notices") if not notice["is_accepted"]]
    words = f"NoticesOutstanding: {SECOND}: published. {len(waiting)} notices wait to be sent: small: its notices are being "
    assert words in state.message
    assert {notice["business_date"] for notice in waiting} == {str(FIRST), str(SECOND)}
    sending.release()
    assert ended().is_completed()
    assert all(notice["is_accepted"] for notice in stored(home.data, "notices"))
    assert {path.stem for path in home.data.glob("deliveries/**/*.jsonl")} == {str(FIRST), str(SECOND)}


def test_a_held_night_does_not_hold_back_the_notices_of_the_nights_before_it(home: Home) -> None:
    home.deliver(FIRST, SECOND)
    sending = take_writer(store_of("small"), RELAY)
    nightly_reevaluation(portfolio="small", business_date=FIRST, return_state=True)
    sending.release()
    put_caps(home, "caps: {reopened_lines_max: 0, people: 1}\n")
    state = nightly_reevaluation(portfolio="small", business_date=SECOND, return_state=True)
    assert f"NightHeld: {SECOND} is held" in state.message
    assert all(notice["is_accepted"] for notice in stored(home.data, "notices"))
    assert {path.stem for path in home.data.glob("deliveries/**/*.jsonl")} == {str(FIRST)}


def test_a_named_night_that_only_had_to_send_its_notices_is_refused_on_other_inputs_once_they_are_sent(
    home: Home,
) -> None:
    home.deliver(FIRST)
    sending = take_writer(store_of("small"), RELAY)
    ended()
    sending.release()
    path = home.snapshots / f"{FIRST}.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    state = nightly_reevaluation(portfolio="small", business_date=FIRST, return_state=True)
    assert (
        f"NightRefused: {FIRST} is finished: published. {FIRST} has been published on other inputs: the"
        in state.message
    )
    assert all(notice["is_accepted"] for notice in stored(home.data, "notices"))


def test_a_refused_night_does_not_hold_back_the_notices_of_the_nights_before_it(home: Home) -> None:
    home.deliver(FIRST)
    sending = take_writer(store_of("small"), RELAY)
    ended()
    sending.release()
    (home.snapshots / f"{SECOND}.parquet").write_bytes(b"no parquet")
    state = nightly_reevaluation(portfolio="small", business_date=SECOND, return_state=True)
    assert "SnapshotRefused" in state.message
    assert all(notice["is_accepted"] for notice in stored(home.data, "notices"))


def test_a_dry_run_without_a_date_names_the_one_night_that_it_tries(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    home.deliver(*THREE)
    with pytest.raises(SystemExit) as ended_with:
        main(["nightly", "--portfolio", "small", "--dry-run"])
    assert ended_with.value.code == 0
    assert f"small: 1 night due, {FIRST}." in capfd.readouterr().out


def test_a_command_line_that_leaves_notices_waiting_says_so_after_its_table_and_is_not_green(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    home.data.mkdir()
    (home.data / "deliveries").touch()
    with pytest.raises(SystemExit) as failed:
        main(["nightly", "--portfolio", "small"])
    shown = capfd.readouterr()
    assert failed.value.code == 1
    assert f"{FIRST}: warning: " in shown.out
    assert f"Error: {FIRST}: published. " in shown.err
    assert "wait to be sent: Not a directory (" in shown.err
    assert home.published() == [str(FIRST)]
