"""One real Prefect server for all tests of flows, and small books to run them on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import temporary_settings

from tests.flows.books import Home, opened_home
from tests.flows.prefect_server import Server, starting_server
from tests.small_book import make_world


@pytest.fixture(scope="package", autouse=True)
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, which takes its time to start while the first tests run; it is stopped when this folder's are done."""
    with starting_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="package")
def server(starting: Server) -> Server:
    """A real Prefect server that answers."""
    starting.wait()
    return starting


@pytest.fixture(scope="package")
def client(server: Server) -> Iterator[SyncPrefectClient]:
    """A client of the server; flows that are called in this process run against the server too."""
    settings = {
        "api.url": server.url,
        "home": server.home,
        "results.local_storage_path": server.home / "storage",
        "server.analytics_enabled": False,
        # A synchronous flow waits up to a second at its end for the thread of its heartbeats.
        "flows.heartbeat_frequency": None,
    }
    with temporary_settings(settings), get_client(sync_client=True) as opened:
        yield opened
        APILogWorker.drain_all()
        EventsWorker.drain_all()


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of 1,000 lines and three nights."""
    return make_world(tmp_path_factory.mktemp("worlds") / "small", lines=1_000, nights=3)


@pytest.fixture
def home(tmp_path: Path, world: Path) -> Iterator[Home]:
    """A home with the snapshot of the first of three nights, on which this process works."""
    with opened_home(tmp_path, world) as opened:
        yield opened
