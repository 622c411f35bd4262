"""The smallest book in which everything happens, for tests that run very many nights: a quarter of a second each."""

import functools
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tasks import publishing
from tasks.nights import store_of
from tests.crashes import book
from tests.digest import digest
from tests.nights.eve import database
from tests.plain_nights import forget, run_again, use_home

NAME = book.NAME
NIGHTS = book.NIGHTS
CHUNK_LINES = 3
CAPS = "caps: {reopened_lines_max: 6, people: 2}"


def tiny_home(folder: Path, **changes: str) -> Path:
    """A home with the book: without caps, and with lines of its portfolio file changed.

    Args:
        folder: where to make it; the snapshots of all nights are in its folder `delivered`.
        changes: the new value of a key of the portfolio file, as YAML.
    """
    home = book.make_home(folder)
    path = home / "deployments" / "portfolios" / f"{NAME}.yaml"
    lines = {line.partition(":")[0]: line for line in path.read_text().splitlines() if line != CAPS}
    lines |= {key: f"{key}: {value}" for key, value in changes.items()}
    path.write_text("\n".join(lines.values()) + "\n")
    return home


@dataclass(frozen=True)
class Eve:
    """The book after so many nights: its home, its data, and, on PostgreSQL, the database to copy."""

    home: Path
    data: Path
    url: str | None

    def use(self, data: Path, monkeypatch: pytest.MonkeyPatch, url: str | None = None) -> None:
        """Go on with a copy in `data`, in chunks of three lines; on PostgreSQL with `url`, a copy of the database."""
        shutil.copytree(self.data, data)
        use_home(monkeypatch, data, self.home, url)
        monkeypatch.setattr(publishing, "CHUNK_LINES", CHUNK_LINES)

    def copy_of_database(self, name: str) -> str | None:
        """The URL of a copy of the database; None on SQLite, which is copied with the data."""
        return self.url and database(self.url, name, of=str(make_url(self.url).database))


@functools.cache
def tiny_eve(base: Path, nights: int, url: str | None = None) -> Eve:
    """The book after its first nights, made once a store below the folder of all tests of a session."""
    kind = "postgresql" if url else "sqlite"
    home, data = _home(base), base / f"tiny-{kind}-{nights}"
    url = url and database(url, f"tiny-{nights}")
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, data, home, url)
        for night in NIGHTS[:nights]:
            run_again(NAME, night)
        forget()
    return Eve(home, data, url)


@functools.cache
def _home(base: Path) -> Path:
    return tiny_home(base / "tiny-home")


@functools.cache
def untroubled(base: Path, nights: int) -> str:
    """The digest of the book after its first nights, which nothing disturbed, on SQLite."""
    eve = tiny_eve(base, nights)
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, eve.data, eve.home)
        found = digest(store_of(NAME))
        forget()
    return found
