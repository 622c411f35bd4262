"""Two runs of the nightly flow at one time: one writes, the other ends as failed and says who is at work."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.sorting import FlowRunSort

from flows.command_line import commands
from flows.nightly import nightly_reevaluation
from tasks import reporting, snapshots
from tasks.opening import dry_run_alone
from tasks.settings import CHECKOUT
from tests.flows.books import THREE, Home, stored
from tests.flows.prefect_server import Server

pytestmark = pytest.mark.usefixtures("client")
BY_HAND = ("-m", "flows.command_line", "nightly", "--portfolio", "small", "--business-date", str(THREE[0]))


def by_hand(server: Server, home: Home, *more: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, to its end."""
    environment = server.environment(**home.environment())
    return subprocess.run(
        [sys.executable, *BY_HAND, *more], env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )


def test_a_second_dry_run_is_refused_until_the_first_has_its_page_and_leaves_its_files_alone(
    server: Server, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def gather_when_the_other_has_ended(*arguments: object) -> object:
        ran.append(by_hand(server, home, "--dry-run"))
        return gather(*arguments)

    gather = reporting.gather_report
    monkeypatch.setattr(reporting, "gather_report", gather_when_the_other_has_ended)
    first = nightly_reevaluation(portfolio="small", business_date=THREE[0], dry_run=True, return_state=True)
    [second] = ran
    assert first.is_completed(), first.message
    assert second.returncode == 1
    assert "small: another dry run of it is at work, or a night of it while it is paused" in second.stderr


def test_a_night_of_a_paused_portfolio_does_not_share_its_folder_with_a_dry_run(home: Home) -> None:
    pause = ["pause", "--portfolio", "small", "--reason", "a fault in the core system"]
    assert CliRunner().invoke(commands, pause).exit_code == 0
    with dry_run_alone("small", is_dry_run=True):
        refused = nightly_reevaluation(portfolio="small", return_state=True)
    assert refused.is_failed()
    assert "another dry run of it is at work" in refused.message
    assert nightly_reevaluation(portfolio="small", return_state=True).is_completed()


def test_a_run_by_hand_during_a_scheduled_one_writes_nothing_and_is_not_green(
    server: Server, client: SyncPrefectClient, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def validate_when_the_other_has_ended(*arguments: object) -> object:
        if not ran:
            ran.append(by_hand(server, home))
        return validate(*arguments)

    validate = snapshots.validate_partition
    monkeypatch.setattr(snapshots, "validate_partition", validate_when_the_other_has_ended)
    scheduled = nightly_reevaluation(portfolio="small", return_state=True)
    [other] = ran
    assert scheduled.is_completed()
    assert other.returncode == 1, other.stdout
    holder = f"small: it is being worked on by process {os.getpid()} on "
    assert holder in other.stderr
    assert "Traceback" not in other.stderr
    [attempt] = stored(home.data, "attempts")
    assert attempt["holder"].startswith(f"process {os.getpid()} on ")
    assert home.published() == [str(THREE[0])]
    failed = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=2)
    assert {run.name.split()[0] for run in failed} == {"nightly", "small"}
    assert all(run.state.is_failed() and holder in run.state.message for run in failed)
