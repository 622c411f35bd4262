"""A stage: one data directory and one store, put back to the beginning of any step in no time."""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks import publishing, store
from tests.crashes.book import NAME, REVISED, make_home
from tests.crashes.databases import Database, PostgresDatabase, SqliteFile
from tests.crashes.left import Found, Left
from tests.plain_nights import forget

CHUNK_LINES = 3


@dataclass
class Stage:
    """Where a story is played."""

    root: Path
    database: Database
    goldens: list[Found] = field(default_factory=list)
    """What every step of an unkilled story leaves."""
    points: list[list[str]] = field(default_factory=list)
    """The names of the points of every step."""
    alone: list[list[int]] = field(default_factory=list)
    """The points of every step at which other files lie there than at any before, from 1."""
    seen: set[tuple[int, str]] = field(default_factory=set)
    """What kills have left, by step, and others have gone on from well."""

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def enter(self) -> None:
        """Make this process one that plays here."""
        os.environ |= {
            "REINSTATE_HOME": str(self.home),
            "REINSTATE_DATA": str(self.data),
            "REINSTATE_STORE_URL": self.database.url,
        }
        publishing.CHUNK_LINES = CHUNK_LINES
        forget()

    def fingerprint(self) -> int:
        """A number that is another one whenever another file lies here or has another content."""
        found: list[tuple[object, ...]] = []
        for folder, _, names in os.walk(self.data):
            for name in names:
                path = f"{folder}/{name}"
                if not name.startswith("store.sqlite"):
                    about = Path(path).stat()
                    found.append((path, about.st_ino, about.st_size, about.st_mtime_ns))
                elif not name.endswith("-shm"):
                    found.append((path, zlib.crc32(Path(path).read_bytes())))
            found.append((folder,))
        return hash(tuple(sorted(found, key=str)))

    def wipe(self) -> None:
        """Make everything what it was before the first step."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        shutil.copytree(self.home / "delivered", self.data / "snapshots")
        self.database.wipe()

    def deliver_again(self) -> None:
        """Put another snapshot of a night that is published in the place of the first."""
        name = f"{REVISED}.parquet"
        shutil.copyfile(self.home / "delivered_again" / name, self.data / "snapshots" / name)

    def keep(self, step: int) -> None:
        """Remember everything as it is at the beginning of a step."""
        self.database.settle()
        shutil.copytree(self.data, self._kept(step))
        self.database.keep(f"step_{step}")

    def restore(self, step: int) -> None:
        """Put everything back to what it was at the beginning of a step."""
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(self._kept(step), self.data, copy_function=shutil.copyfile)
        self.database.restore(f"step_{step}")

    @contextmanager
    def left(self) -> Iterator[Left]:
        """What a process that has ended left here."""
        self.database.settle()
        opened = store.Store(store.open_engine(self.database.readable() or "sqlite://"), NAME)
        try:
            yield Left(opened, self.data)
        finally:
            opened.close()

    def _kept(self, step: int) -> Path:
        return self.root / f"step_{step}"


def open_stage(root: Path, server_url: str | None = None) -> Stage:
    """A stage in a folder of its own, on SQLite, or on PostgreSQL in a database that has the folder's name."""
    data = root / "data"
    database = PostgresDatabase(server_url, root.name) if server_url else SqliteFile(data, root / "copy")
    stage = Stage(root, database)
    make_home(stage.home, data / "snapshots")
    return stage
