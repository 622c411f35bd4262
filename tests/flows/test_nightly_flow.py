"""The nightly flow in this process, against a real server: which nights it runs, and how it stops."""

import json
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry

from flows.nightly import nightly_reevaluation
from schemas.errors import ReinstateError
from tests.flows.books import THREE, Home, left_behind
from tests.plain_nights import run_plainly, use_home

pytestmark = pytest.mark.usefixtures("client")


def ended(**parameters: object) -> State:
    """The state in which the flow ends when it is called with these parameters."""
    return nightly_reevaluation(**parameters, return_state=True)


def retried(client: SyncPrefectClient, run_id: UUID) -> State:
    """The state in which a run ends that is retried as the server's page does it."""
    client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
    return run_flow(nightly_reevaluation, flow_run=client.read_flow_run(run_id), return_type="state")


def test_a_night_that_fails_stops_the_later_ones_and_a_retry_of_the_same_run_goes_on_from_there(
    client: SyncPrefectClient, home: Home, tmp_path, monkeypatch
) -> None:
    home.deliver(THREE[2])
    state = ended(portfolio="small")
    assert state.is_failed()
    assert str(THREE[1]) in state.message
    assert home.published() == [str(THREE[0])]

    home.deliver(THREE[1])
    state = retried(client, state.state_details.flow_run_id)
    assert state.is_completed()
    print(state.result())
    assert home.published() == [str(date) for date in THREE]
