"""A lock that was let go is free at once, not when the server has noticed: nights follow one another in one process."""

from pathlib import Path

import pytest

from tasks.locks import try_lock
from tasks.store import open_engine

TIMES = 200


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_lock_that_was_let_go_can_be_taken_at_once(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    sqlite = f"sqlite:///{tmp_path / 'store.sqlite'}"
    engine = open_engine(sqlite if kind == "sqlite" else request.getfixturevalue("postgres_url"))
    for number in range(TIMES):
        lock = try_lock(engine, "small")
        assert lock is not None, f"taken after {number} times"
        lock.release()
        lock.release()
    engine.dispose()
