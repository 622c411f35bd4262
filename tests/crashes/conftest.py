"""The troupes of this folder: one that plays on SQLite, one on PostgreSQL."""

import shutil
from collections.abc import Iterator

import pytest

from tests.crashes.troupe import Troupe, opened_troupe, room_for_stages


@pytest.fixture(scope="package")
def troupe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troupe]:
    """Two processes that have rehearsed the story on SQLite."""
    room = room_for_stages(tmp_path_factory.mktemp("crashes")) / "sqlite"
    with opened_troupe(room) as opened:
        yield opened
    shutil.rmtree(room, ignore_errors=True)


@pytest.fixture(scope="package")
def postgres_troupe(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troupe]:
    """Two processes that have rehearsed the story on PostgreSQL."""
    room = room_for_stages(tmp_path_factory.mktemp("crashes")) / "postgresql"
    with opened_troupe(room, postgres_url) as opened:
        yield opened
    shutil.rmtree(room, ignore_errors=True)
