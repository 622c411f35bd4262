"""Disks that are full: for one file, for all files above a size, and for the database. None of it needs an administrator."""

import builtins
import io
import os
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.nights.eve import listening

FULL = Path("/dev/full")
"""A device on which there is never any room: whatever is written to it is answered as a full disk answers."""


def final_name(path: Path, data: Path) -> str:
    """The name below `data` that an unfinished file will get."""
    name = str(path.relative_to(data))
    name = re.sub(r"\.([^/]+)\.[^./]+\.partial/", r"\1/", name)
    return re.sub(rf"\.([^/]+)\.{re.escape(socket.gethostname())}\.[0-9]+-[0-9]+\.unfinished$", r"\1", name)


@contextmanager
def full_for(name: str, data: Path) -> Iterator[list[str]]:
    """Have no room for one file, by its final name below `data`; yields the final names of all that are written."""
    written: list[str] = []
    open_file = io.open

    def opening(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        opened = open_file(file, mode, *args, **kwargs)
        if set(mode) & set("wxa+") and isinstance(file, str | Path) and Path(file).is_relative_to(data):
            written.append(final_name(Path(file), data))
            if written[-1] == name:
                full = os.open(FULL, os.O_WRONLY)
                os.dup2(full, opened.fileno())
                os.close(full)
        return opened

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", opening)
        patch.setattr(builtins, "open", opening)
        yield written


@contextmanager
def full_above(pages: int) -> Iterator[None]:
    """Have room for so many pages more in an SQLite database than it has when it is first connected to."""
    most: list[int] = []

    def connect(connection: Any, _record: object) -> None:
        if not most:
            most.append(connection.execute("PRAGMA page_count").fetchone()[0] + pages)
        connection.execute(f"PRAGMA max_page_count = {max(most[0], 1)}")

    with listening("connect", connect):
        yield


def limit_files(size: int) -> None:
    """Let no file of this process grow above a size in bytes, whoever writes it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def left_unfinished(data: Path) -> list[str]:
    """What looks as if somebody were still writing it."""
    found = [*data.rglob(".*.unfinished"), *data.rglob(".*.partial")]
    return [str(path.relative_to(data)) for path in found]
