"""Connections to the store that are lost at every commit of a night, and inside its chunks: whole or absent, and repaired.

The night is run through a proxy that loses what the test says; the store is looked at past the proxy.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.errors import ReinstateError
from tasks.settings import CHECKOUT
from tasks.store import Store, open_store
from tasks.writers import take_writer
from tests.digest import digest
from tests.nights.eve import (
    CHUNK_LINES,
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
from tests.store.proxy import Loss, Proxy

CHUNK = "ledger line_states notices runs"
COMMITS = (
    "writers", "policies runs attempts", "runs", *[CHUNK] * 4, "recoverable_nights runs", "recoverable_nights runs",
    "writers", "notices", "notices",
)  # fmt: skip
"""The tables that each transaction of the second night writes to, one that writes nothing left out."""
CHUNKS = COMMITS.count(CHUNK)


@dataclass(frozen=True)
class Night:
    """A book on the eve of its second night, whose store is reached through a proxy."""

    proxy: Proxy
    direct: Store
    expected: str

    def fails(self) -> str:
        """Run the night, which must end in an error of the project's own; return what a log would show of it."""
        with pytest.raises(ReinstateError) as failed:
            run_plainly("small", SECOND_NIGHT)
        assert half_done(self.direct) == []
        return told(failed.value, self.direct)

    def goes_on(self) -> None:
        """Run the night again as a new process would; it must end as if nothing had happened."""
        forget()
        run_again("small", SECOND_NIGHT)
        assert half_done(self.direct) == []
        assert digest(self.direct) == self.expected


@pytest.fixture(scope="module")
def template(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Eve, str]:
    """The eve on PostgreSQL, and the name of its database."""
    name = f"eve-{uuid.uuid4().hex}"
    return make_eve(tmp_path_factory.getbasetemp(), database(postgres_url, name)), name


@pytest.fixture
def night(
    postgres_url: str,
    template: tuple[Eve, str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Night]:
    eve, name = template
    expected = untroubled(tmp_path_factory.getbasetemp())
    url = database(postgres_url, f"{name}-copy", of=name)
    direct = open_store(url, "small", CHECKOUT / "deployments" / "migrations")
    with Proxy(postgres_url) as proxy:
        eve.use(tmp_path / "data", monkeypatch, proxy.url(f"{name}-copy"))
        yield Night(proxy, direct, expected)
        forget()
    direct.close()


def test_these_are_all_commits_of_a_night(night: Night) -> None:
    with at_commit(0, lambda: None) as commits:
        run_plainly("small", SECOND_NIGHT)
    assert tuple(commits) == COMMITS
    assert digest(night.direct) == night.expected


@pytest.mark.parametrize("number", range(1, len(COMMITS) + 1))
@pytest.mark.parametrize("loss", Loss)
def test_a_connection_lost_at_a_commit_leaves_its_transaction_whole_or_absent(
    night: Night, number: int, loss: Loss
) -> None:
    with at_commit(number, lambda: night.proxy.lose_next(loss)):
        text = night.fails()
    assert b"COMMIT" in night.proxy.lost[0]
    assert "StoreError" in text
    night.goes_on()


@pytest.mark.parametrize("number", range(1, CHUNKS + 1))
def test_a_connection_lost_inside_a_chunk_leaves_nothing_of_the_chunk(night: Night, number: int) -> None:
    with after_statement("INSERT INTO ledger", number, lambda: night.proxy.lose_next(Loss.REQUEST)):
        night.fails()
    assert len(night.direct.select_mine("ledger", business_date=SECOND_NIGHT)) == (number - 1) * CHUNK_LINES
    night.goes_on()


def test_whoever_has_lost_its_lock_with_its_connections_writes_nothing_once_another_has_taken_it(night: Night) -> None:
    def another_comes() -> None:
        night.proxy.lose_all()
        take_writer(night.direct).release()

    with at_commit(COMMITS.index(CHUNK) + 1, another_comes):
        night.fails()
    assert night.direct.select_mine("ledger", business_date=SECOND_NIGHT) == []
    night.goes_on()


def test_a_connection_lost_while_the_lock_is_asked_for_is_told_like_any_other(night: Night) -> None:
    with before_statement("SELECT pg_try_advisory_lock", 1, lambda: night.proxy.lose_next(Loss.REQUEST)):
        night.fails()
    night.goes_on()
