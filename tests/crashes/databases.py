"""Where the store of a stage lies, and how it is put back to what it was."""

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine import make_url

WAIT_SECONDS = 30


class Database(Protocol):
    """Where a stage keeps its store."""

    @property
    def url(self) -> str: ...

    def keep(self, name: str) -> None:
        """Remember the store as it is; nobody is connected to it."""

    def restore(self, name: str) -> None:
        """Make the store what it was."""

    def wipe(self) -> None:
        """Make an empty store."""

    def settle(self) -> None:
        """Wait until nobody is connected any more."""

    def readable(self) -> str | None:
        """The address under which a store that was just left can be read, None if there is none."""


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

    def readable(self) -> str | None:
        """A copy, as reading would tidy up what a killed process left in the log."""
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir()
        for path in self.data.glob("store.sqlite*"):
            shutil.copyfile(path, self.copy / path.name)
        return f"sqlite:///{self.copy / 'store.sqlite'}" if (self.data / "store.sqlite").exists() else None


@dataclass(frozen=True)
class PostgresDatabase:
    """A database of a running server; what is kept are copies of it."""

    server_url: str
    name: str

    @property
    def url(self) -> str:
        return make_url(self.server_url).set(database=self.name).render_as_string(hide_password=False)

    def keep(self, name: str) -> None:
        self._make(f"{self.name}_{name}", of=self.name)

    def restore(self, name: str) -> None:
        self._make(self.name, of=f"{self.name}_{name}")

    def wipe(self) -> None:
        self._make(self.name, of="template1")

    def settle(self) -> None:
        """Wait for the sessions of killed processes: the server ends them in its own time."""
        deadline = time.monotonic() + WAIT_SECONDS
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while self._server.execute(query, (self.name,)).fetchone() != (0,):
            if time.monotonic() > deadline:
                raise AssertionError(f"somebody is still connected to {self.name}")
            time.sleep(0.002)

    def readable(self) -> str | None:
        return self.url

    def _make(self, name: str, *, of: str) -> None:
        self._server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        self._server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"'.encode())

    @cached_property
    def _server(self) -> psycopg.Connection[Any]:
        plain = make_url(self.server_url).set(drivername="postgresql")
        return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)
