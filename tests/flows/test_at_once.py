"""Two runs of the nightly flow at one time: one writes, the other ends as failed and says who is at work."""

import os
import subprocess
import sys

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.sorting import FlowRunSort

from flows.nightly import nightly_reevaluation
from tasks import snapshots
from tasks.settings import CHECKOUT
from tests.flows.books import THREE, Home, stored
from tests.flows.prefect_server import Server

BY_HAND = ("-m", "flows.command_line", "nightly", "--portfolio", "small", "--business-date", str(THREE[0]))


def test_a_run_by_hand_during_a_scheduled_one_writes_nothing_and_is_not_green(
    server: Server, client: SyncPrefectClient, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def validate_when_the_other_has_ended(*arguments: object) -> object:
        if not ran:
            environment = server.environment(**home.environment())
            ran.append(
                subprocess.run(
                    [sys.executable, *BY_HAND],
                    env=environment,
                    cwd=CHECKOUT,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            )
        return validate(*arguments)

    validate = snapshots.validate_partition
    monkeypatch.setattr(snapshots, "validate_partition", validate_when_the_other_has_ended)
    scheduled = nightly_reevaluation(portfolio="small", return_state=True)
    [by_hand] = ran
    assert scheduled.is_completed()
    assert by_hand.returncode == 1, by_hand.stdout
    holder = f"small: it is being worked on by process {os.getpid()} on "
    assert holder in by_hand.stderr
    assert "Traceback" not in by_hand.stderr
    [attempt] = stored(home.data, "attempts")
    assert attempt["holder"].startswith(f"process {os.getpid()} on ")
    assert home.published() == [str(THREE[0])]
    failed = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=2)
    assert {run.name.split()[0] for run in failed} == {"nightly", "small"}
    assert all(run.state.is_failed() and holder in run.state.message for run in failed)
