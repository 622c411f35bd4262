"""A real Prefect server of the tests' own, the commands of the README, and a search through all that Prefect keeps."""

import base64
import json
import os
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tasks.settings import CHECKOUT

BIN = Path(sys.executable).parent
START_SECONDS = 180
STOP_SECONDS = 20


@dataclass(frozen=True)
class Server:
    """Where a server listens, and the folder in which it and its clients keep everything."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def home(self) -> Path:
        """What `PREFECT_HOME` is for the server, its workers and its clients."""
        return self.folder / "prefect"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a program that talks to this server."""
        return environment(self.home, PREFECT_API_URL=self.url, **more)

    def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/health", timeout=5).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {(self.folder / 'server.log').read_text()}")


@contextmanager
def starting_server(folder: Path) -> Iterator[Server]:
    """Start a server as the README does, but on a port of its own; it may take a while to answer."""
    port = free_port()
    home = folder / "prefect"
    command = [*readme_command("server start"), "--host", "127.0.0.1", "--port", str(port)]
    with started(command, folder / "server.log", environment(home), folder) as process:
        yield Server(f"http://127.0.0.1:{port}/api", folder, process)


@contextmanager
def started(command: list[str], log: Path, env: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs beside the tests, and is stopped by its own process id."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without any setting of Prefect or of the project, but for those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "REINSTATE_"))}
    quiet = {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    return {**kept, **quiet, **more}


def free_port() -> int:
    """A port of the loopback address on which nobody listens."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def readme_command(words: str) -> list[str]:
    """The command with these words in the README's section on every night, from this environment."""
    section = re.search(r"^## Every night$(.*?)^## ", (CHECKOUT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert section
    (found,) = (line for line in re.findall(r"^\$ (.venv/bin/.*)$", section[1], re.MULTILINE) if words in line)
    return shlex.split(found.replace(".venv/bin", str(BIN)))


def places_with(text: str, server: Server) -> list[str]:
    """Wherever `text` stands in what Prefect keeps: `table.column` of its database, stored results, logs of programs."""
    found = set()
    with closing(sqlite3.connect(f"file:{server.home / 'prefect.db'}?mode=ro", uri=True)) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for name in names:
            rows = database.execute(f'select * from "{name}"')
            columns = [column for column, *_ in rows.description]
            found |= {f"{name}.{columns[at]}" for row in rows for at, cell in enumerate(row) if text in _spelt(cell)}
    storage = server.home / "storage"
    found |= {"storage" for path in storage.rglob("*") if path.is_file() and text in _spelt_result(path)}
    found |= {path.name for path in server.folder.glob("*.log") if text in path.read_text(errors="replace")}
    return sorted(found)


def _spelt(cell: object) -> str:
    return cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)


def _spelt_result(path: Path) -> str:
    """A stored result as it is, and with its pickle unpacked from base 64."""
    text = path.read_bytes().decode(errors="replace")
    try:
        packed = json.loads(text)["result"]
    except (ValueError, KeyError):
        return text
    return text + base64.b64decode(packed, validate=False).decode(errors="replace")
