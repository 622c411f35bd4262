"""The private copy of a snapshot: made beside its final place and moved there whole, or not at all.

A copy is a folder with Parquet files, `files.json` (size and SHA-256 of each) and `snapshot.json` (the handle).
"""

import datetime
import fcntl
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from schemas.errors import SnapshotRefused
from schemas.handles import Partition, Snapshot
from tasks.guarding import system_words
from tasks.partitions import UNPARSABLE
from tasks.sources.physical_shape import refuse_wrong_shape
from tasks.sources.source import Request
from tasks.whole_files import to_disk

HANDLE_NAME: Final = "snapshot.json"
RECORD_NAME: Final = "files.json"
UNFINISHED_SUFFIX: Final = ".partial"


@dataclass(frozen=True)
class Piece:
    """A partition to be: some row groups of one file of the copy."""

    file: str
    row_groups: tuple[int, ...]
    row_count: int


@dataclass(frozen=True)
class Filled:
    """What a source put into a copy; `hashes` are SHA-256 of the source's files, or of the copy's where it has none."""

    pieces: tuple[Piece, ...]
    hashes: tuple[str, ...]


class _Record(BaseModel):
    """One file of a copy as it was when the copy was finished."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    size: int
    sha256: str


def take_copy(request: Request, fill: Callable[[Path], Filled]) -> Snapshot:
    """Return the copy at `request.target`, made by `fill` if it is not there yet.

    Args:
        request: what is asked for, and where it goes.
        fill: writes the files into the folder that it is given and says what they are.

    Raises:
        SnapshotRefused: what `fill` refuses; a copy that was altered; a disk that cannot be written.
    """
    if _is_there(request.target):
        return _stored(request)
    try:
        with _unfinished(request.target) as folder:
            filled = fill(folder)
            snapshot = _handle(request, filled)
            _seal(folder, snapshot)
            is_ours = _move(folder, request.target)
    except OSError as error:
        reason = system_words(error)
    else:
        return snapshot if is_ours else _stored(request)
    raise SnapshotRefused(f"the private copy {request.target} cannot be made: {reason}; nothing was left there")


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(hashes: tuple[str, ...]) -> str:
    """One SHA-256 over the hashes of files, whatever their order."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def refuse_empty(row_count: int, business_date: datetime.date) -> None:
    """Refuse a snapshot without rows."""
    if row_count == 0:
        raise SnapshotRefused(f"the snapshot of {business_date} has no rows: a book is never empty; ask for it again")


def refuse_other_dates(others: int, row_count: int, business_date: datetime.date) -> None:
    """Refuse a snapshot of which `others` rows do not carry the night's date."""
    if others:
        raise SnapshotRefused(
            f"{others} of {row_count} rows of the snapshot of {business_date} carry another business_date or none; "
            "a snapshot shows one day: have it made again"
        )


def _is_there(target: Path) -> bool:
    if (target / HANDLE_NAME).is_file():
        return True
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SnapshotRefused(f"{target} is in the way: it is not a private copy of a snapshot; move it away")
    return False


def _handle(request: Request, filled: Filled) -> Snapshot:
    row_count = sum(piece.row_count for piece in filled.pieces)
    refuse_empty(row_count, request.business_date)
    target = request.target
    partitions = tuple(
        Partition(number=number, path=target / piece.file, row_groups=piece.row_groups, row_count=piece.row_count)
        for number, piece in enumerate(filled.pieces)
    )
    return Snapshot(
        portfolio=request.portfolio,
        business_date=request.business_date,
        directory=target,
        files_hash=content_hash(filled.hashes),
        row_count=row_count,
        partitions=partitions,
    )


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """A folder beside `target` that is gone afterwards unless it was moved; a lock tells the living from the dead."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{glob.escape(target.name)}.*{UNFINISHED_SUFFIX}"):
        _remove_if_abandoned(left)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=UNFINISHED_SUFFIX, dir=target.parent))
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _seal(folder: Path, snapshot: Snapshot) -> None:
    """Write the record and the handle, and wait until everything is on disk."""
    records = [
        _Record(name=path.name, size=path.stat().st_size, sha256=file_hash(path)).model_dump()
        for path in sorted(folder.iterdir())
    ]
    (folder / RECORD_NAME).write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    (folder / HANDLE_NAME).write_text(snapshot.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        to_disk(path)
    to_disk(folder)


def _move(folder: Path, target: Path) -> bool:
    """Give the finished copy its final name; False if someone else has meanwhile finished the same one."""
    try:
        folder.replace(target)
    except OSError:
        if not _is_there(target):
            raise
        return False
    to_disk(target.parent)
    return True


def _stored(request: Request) -> Snapshot:
    """The handle of a copy that is there, if it is what is asked for and still what it was."""
    target = request.target
    snapshot = _read_stored(target)
    if (snapshot.portfolio, snapshot.business_date) != (request.portfolio, request.business_date):
        raise SnapshotRefused(
            f"{target} holds the snapshot of {snapshot.portfolio} for {snapshot.business_date}, not of "
            f"{request.portfolio} for {request.business_date}; name another folder"
        )
    partitions = tuple(part.model_copy(update={"path": target / part.path.name}) for part in snapshot.partitions)
    schemas = {path.name: _own_columns(pq.read_schema(path)) for path in {part.path for part in partitions}}
    refuse_wrong_shape(schemas, request)
    return snapshot.model_copy(update={"directory": target, "partitions": partitions})


def _read_stored(target: Path) -> Snapshot:
    altered = [HANDLE_NAME]
    try:
        snapshot = Snapshot.model_validate_json((target / HANDLE_NAME).read_bytes())
        records = [_Record.model_validate(each) for each in json.loads((target / RECORD_NAME).read_bytes())]
        altered = [record.name for record in records if not _is_unaltered(target / record.name, record)]
    except (OSError, ValueError):
        pass
    if altered:
        raise SnapshotRefused(
            f"the private copy {target} was altered after it was made ({', '.join(altered)}); move it away and pull again"
        )
    return snapshot


def _is_unaltered(path: Path, record: _Record) -> bool:
    return path.is_file() and path.stat().st_size == record.size and file_hash(path) == record.sha256


def _own_columns(schema: pa.Schema) -> pa.Schema:
    """The columns of the snapshot itself."""
    return schema.remove(schema.names.index(UNPARSABLE)) if UNPARSABLE in schema.names else schema
