"""A stage: one data directory and one store, put back to the beginning of any step in no time."""

import os
import shutil
import zlib
import zoneinfo
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from tasks import contract, policy_files, portfolio_files, publishing
from tasks.store import Store, open_engine
from tests.crashes.book import NAME
from tests.crashes.promises import Left
from tests.digest import digest
from tests.plain_nights import forget

CHUNK_LINES = 3
CLOCK = {"started_at", "finished_at", "given_at", "since"}
BESIDE = ("runs", "approvals", "pauses")
"""What the digest does not cover."""


class Database(Protocol):
    """Where a stage keeps its store."""

    url: str

    def keep(self, name: str) -> None:
        """Remember the store as it is; nobody is connected to it."""
        ...

    def restore(self, name: str) -> None:
        """Make the store what it was."""
        ...

    def fingerprint(self) -> int:
        """A number that is another one whenever a file here is."""
        files = [path for path in sorted(self.data.rglob("*")) if not path.name.endswith("-shm")]
        states = [(str(path), *path.stat()[1:2], path.stat().st_size, path.stat().st_ctime_ns) for path in files]
        contents = [zlib.crc32(path.read_bytes()) for path in files if path.name.startswith("store.sqlite")]
        return hash((*states, *contents))

    def wipe(self) -> None:
        """Make an empty store."""
        ...

    def settle(self) -> None:
        """Wait until nobody is connected any more."""
        ...

    def scratch(self) -> str | None:
        """The address under which a store that was just left can be read, None if there is none."""
        ...


@dataclass(frozen=True)
class SqliteFile:
    """The default: a file in the data directory, which is kept and put back with it."""

    data: Path
    copy: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.data / 'store.sqlite'}"

    def keep(self, name: str) -> None: ...

    def restore(self, name: str) -> None: ...

    def wipe(self) -> None: ...

    def settle(self) -> None: ...

    def scratch(self) -> str | None:
        """A copy, as reading would tidy up what a killed process left in the log."""
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir()
        for path in self.data.glob("store.sqlite*"):
            shutil.copy(path, self.copy)
        return f"sqlite:///{self.copy / 'store.sqlite'}" if (self.data / "store.sqlite").exists() else None


@dataclass
class Stage:
    """Where a story is played; `home` may be shared, all else is this stage's own."""

    root: Path
    home: Path
    database: Database
    goldens: list[dict[str, Any]] = field(default_factory=list)
    """What every step of an unkilled story leaves."""
    points: list[list[str]] = field(default_factory=list)
    """The names of the points of every step."""

    @property
    def data(self) -> Path:
        return self.root / "data"

    def enter(self) -> None:
        """Make this process one that plays here."""
        os.environ |= {
            "REINSTATE_HOME": str(self.home),
            "REINSTATE_DATA": str(self.data),
            "REINSTATE_STORE_URL": self.database.url,
        }
        publishing.CHUNK_LINES = CHUNK_LINES
        forget()

    def wipe(self) -> None:
        """Make everything what it was before the first step."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        self.database.wipe()

    def keep(self, step: int) -> None:
        """Remember everything as it is at the beginning of a step."""
        self.database.settle()
        shutil.copytree(self.data, self._kept(step))
        self.database.keep(f"step_{step}")

    def restore(self, step: int) -> None:
        """Put everything back to what it was at the beginning of a step."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self._kept(step), self.data)
        self.database.restore(f"step_{step}")

    @contextmanager
    def left(self) -> Iterator[Left]:
        """What a process that has ended left here; to be looked at only."""
        self.database.settle()
        url = self.database.scratch()
        store = Store(open_engine(url or "sqlite://"), NAME)
        try:
            yield Left(store, self.data)
        finally:
            store.close()

    def found(self) -> dict[str, Any]:
        """Everything that must be the same however often a process was killed; `found` of a whole store."""
        with self.left() as left:
            beside = {table: [_timeless(row) for row in left.rows(table)] for table in BESIDE}
            deliveries = {str(path.relative_to(self.data)): lines for path, lines in left.delivered().items()}
            return {"store": digest(left.store), **beside, "deliveries": deliveries}

    def _kept(self, step: int) -> Path:
        return self.root / f"step_{step}"


def warm() -> None:
    """Let this process, and every child of it, do only what is proven here.

    Files that people write are read once, and what a killed process wrote is safe without waiting for the disk.
    """
    for module in (policy_files, portfolio_files):
        module.read_yaml = _remembering(module.read_yaml, lambda path: path.read_bytes())
    policy_files._compiled = _remembering(policy_files._compiled, lambda document: document.sha256)
    zoneinfo.available_timezones = lru_cache(zoneinfo.available_timezones)
    contract.prove_gate_bites = lambda *_: None
    os.fsync = lambda _: None


def _remembering(function: Callable[[Any], Any], content: Callable[[Any], Hashable]) -> Callable[[Any], Any]:
    """What a function answered, by content: half a file is another file."""
    known: dict[Hashable, Any] = {}

    def remembering(given: Any) -> Any:
        key = content(given)
        if key not in known:
            known[key] = function(given)
        return known[key]

    return remembering


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in CLOCK}
