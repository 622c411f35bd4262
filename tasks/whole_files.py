"""Files that have their final name only when they are whole, whoever writes them and whatever ends it."""

import glob
import itertools
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_NUMBERS = itertools.count()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_whole(path, lambda sink: sink.write(text.encode()))


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write under a temporary name, then give the file its final one: never a half-written file under `path`.

    The temporary name is the writer's own: two processes may write the report of one night at once, even on two hosts that
    share a folder. What a process of this host that has died left of the same file is removed.

    Args:
        path: the final name; what stood there before is replaced.
        write: puts the content into the file that it is given.

    Raises:
        OSError: the file cannot be written, and is named; what is left under `path` is whole.
    """
    mine = f".{path.name}.{socket.gethostname()}."
    unfinished = path.with_name(f"{mine}{os.getpid()}-{next(_NUMBERS)}.unfinished")
    _remove_left(path.parent, mine)
    try:
        with unfinished.open("wb") as sink:
            write(sink)
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.replace(path)
        with suppress(PermissionError):  # a folder that others read may be closed to who writes into it
            to_disk(path.parent)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None  # a write that fails does not say of which file
        raise


def to_disk(path: Path) -> None:
    """Wait until a file is on disk, or what a folder lists."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_left(folder: Path, mine: str) -> None:
    """Remove what dead processes left under names that begin with `mine`."""
    for left in folder.glob(f"{glob.escape(mine)}*.unfinished"):
        named = re.fullmatch(r"([0-9]+)-[0-9]+\.unfinished", left.name.removeprefix(mine))
        if named and not _lives(int(named[1])):
            left.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # it lives, as another user
    return True
