"""The lock on a side file: what it says where it cannot be had at all."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tasks.locks import try_lock
from tasks.store import StoreError, open_engine

IN_THE_WAY: dict[str, tuple[Callable[[Path], object], str]] = {
    "its folder is missing": (lambda _: None, "SQLITE_CANTOPEN"),
    "a folder is in its place": (lambda path: path.mkdir(parents=True), "SQLITE_CANTOPEN"),
    "a file of another kind is in its place": (
        lambda path: (path.parent.mkdir(), path.write_bytes(b"other" * 500)),
        "SQLITE_NOTADB",
    ),
}


@pytest.mark.parametrize("case", IN_THE_WAY)
def test_a_lock_file_that_cannot_be_used_is_named_with_the_code(tmp_path: Path, case: str) -> None:
    put, code = IN_THE_WAY[case]
    path = tmp_path / "data" / "store.sqlite.small.lock"
    put(path)
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'store.sqlite'}")
    with pytest.raises(StoreError) as refused:
        try_lock(engine, "small")
    assert f"the lock {path} cannot be taken: SQLite answered {code}." in str(refused.value)
    assert refused.value.__context__ is None


def test_who_is_only_about_to_ask_for_a_lock_keeps_nobody_from_it(tmp_path: Path) -> None:
    """Else of two that ask at one moment both could be told that the other has it."""
    asking = sqlite3.connect(tmp_path / "store.sqlite.small.lock", isolation_level=None)
    asking.execute("BEGIN")
    asking.execute("SELECT * FROM sqlite_master")
    engine = open_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    lock = try_lock(engine, "small")
    assert lock is not None
    lock.release()
    asking.close()
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_lock_that_was_let_go_can_be_taken_at_once(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    for _ in range(100):
        lock = try_lock(engine, "at-once")
        assert lock is not None
        lock.release()
    engine.dispose()
