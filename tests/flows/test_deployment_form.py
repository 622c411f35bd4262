"""The deployment on a real server, with a real worker: what its form starts does what a local run does."""

import datetime
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse

from tasks.settings import CHECKOUT
from tests.flows.books import THREE, Home, left_behind, opened_home
from tests.flows.prefect_server import Server, readme_command, started
from tests.plain_nights import forget, run_plainly, use_home

RUN_SECONDS = 150


@pytest.fixture(scope="module")
def deployment(server: Server, client: SyncPrefectClient) -> DeploymentResponse:
    """What the README's commands make of `deployments/prefect.yaml`."""
    for words in ("work-pool create", " deploy "):
        ran = subprocess.run(
            readme_command(words), env=server.environment(), cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    return client.read_deployment_by_name("nightly/bundled")


@pytest.fixture(scope="module")
def worked(server: Server, world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home on which a worker of the README works."""
    with opened_home(tmp_path_factory.mktemp("worked"), world) as home:
        home.deliver(*THREE)
        environment = server.environment(**home.environment())
        with started(readme_command("worker start"), server.folder / "worker.log", environment, CHECKOUT):
            yield home


def started_from_form(client: SyncPrefectClient, deployment: DeploymentResponse, **parameters: object) -> FlowRun:
    """A run created as the server's page does it, waited for until it has ended."""
    response = client.request(
        "POST", "/deployments/{id}/create_flow_run", path_params={"id": deployment.id}, json={"parameters": parameters}
    )
    assert response.is_success, response.text
    return ended(client, UUID(response.json()["id"]))


def ended(client: SyncPrefectClient, run_id: UUID) -> FlowRun:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        run = client.read_flow_run(run_id)
        if run.state is not None and run.state.is_final():
            return run
        time.sleep(0.3)
    raise AssertionError(f"the run is still {run.state}")


def test_the_schedule_is_in_the_time_zone_of_the_portfolio(deployment: DeploymentResponse) -> None:
    portfolio = yaml.safe_load((CHECKOUT / "deployments" / "portfolios" / "bundled.yaml").read_text())
    (schedule,) = deployment.schedules
    assert schedule.schedule.timezone == portfolio["time_zone"]
    assert schedule.schedule.cron == "0 4 * * *"


def test_no_folder_of_the_deploying_machine_is_in_the_deployment(deployment: DeploymentResponse) -> None:
    assert str(CHECKOUT) not in deployment.model_dump_json()


def test_the_form_explains_its_fields(deployment: DeploymentResponse) -> None:
    fields = deployment.parameter_openapi_schema["properties"]
    assert {name: field["title"] for name, field in fields.items()} == {
        "portfolio": "Portfolio", "business_date": "Business date", "dry_run": "Dry run",
    }  # fmt: skip
    assert all(field["description"] for field in fields.values())
    assert {"format": "date", "type": "string"} in fields["business_date"]["anyOf"]


def test_the_server_lists_runs(client: SyncPrefectClient) -> None:
    assert isinstance(client.read_flow_runs(limit=1), list)


def test_runs_from_the_form_leave_what_plain_functions_leave(
    client: SyncPrefectClient, deployment: DeploymentResponse, worked: Home, tmp_path: Path
) -> None:
    tried = started_from_form(client, deployment, portfolio="small", business_date=str(THREE[0]), dry_run=True)
    assert tried.state.is_completed(), tried.state.message
    assert worked.published() == []
    named = started_from_form(client, deployment, portfolio="small", business_date=str(THREE[0]), dry_run=False)
    assert named.state.is_completed(), named.state.message
    assert worked.published() == [str(THREE[0])]
    due = started_from_form(client, deployment, portfolio="small", business_date=None, dry_run=False)
    assert due.state.is_completed(), due.state.message
    found = left_behind(worked.data)
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, tmp_path / "plain", worked.folder)
        for date in THREE:
            run_plainly("small", date)
        expected = left_behind(tmp_path / "plain")
        forget()
    found["reports"] = {date: report for date, report in found["reports"].items() if not date.endswith("dry-run")}
    found["evidence"] = {date: rows for date, rows in found["evidence"].items() if not date.endswith("dry-run")}
    assert found == expected
    assert_artifact_counts_without_accounts(client, worked)


def assert_artifact_counts_without_accounts(client: SyncPrefectClient, home: Home) -> None:
    """The short report in the server has the night's counts and names no account."""
    key = ArtifactFilter(key=ArtifactFilterKey(any_=[f"night-small-{THREE[2]}"]))
    (artifact, *_) = client.request("POST", "/artifacts/filter", json={"artifacts": key.model_dump(mode="json")}).json()
    report = json.loads((home.data / "nights" / "small" / f"{THREE[2]}" / "report.json").read_text())
    assert f"{report['counts']['rows']:,}" in artifact["data"]
    accounts = {row["account_id"] for rows in left_behind(home.data)["evidence"].values() for row in rows}
    assert not any(account in artifact["data"] for account in accounts)
    assert datetime.date.fromisoformat(report["business_date"]) == THREE[2]
