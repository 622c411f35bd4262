"""The troupes of this folder: one that plays on SQLite, one on PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.crashes.troupe import Troupe, troupe_of


@pytest.fixture(scope="package")
def troupe() -> Iterator[Troupe]:
    """Two processes that have rehearsed the story on SQLite."""
    with troupe_of("sqlite") as opened:
        yield opened


@pytest.fixture(scope="package")
def postgres_troupe() -> Iterator[Troupe]:
    """Two processes that have rehearsed the story on PostgreSQL."""
    with troupe_of("postgresql") as opened:
        yield opened
