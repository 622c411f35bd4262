"""Finding one night's files in a folder, and telling a finished delivery from one that is still being written."""

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from schemas.errors import ConfigurationError, SnapshotRefused
from schemas.manifest import Manifest, ManifestFile
from tasks.shape_problems import dotted, problems_of
from tasks.yaml_scalars import shortened

FORMATS: Final = (".parquet", ".csv")
MANIFEST_NAME: Final = "manifest.json"

_IGNORED: Final = ("_SUCCESS",)
_UNFINISHED: Final = re.compile(r"^\.|^_temporary|\.(tmp|part|partial|inprogress)$|_temporary$", re.IGNORECASE)
_DATE: Final = re.compile(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(\.parquet|\.csv)?$")


@dataclass(frozen=True)
class Delivery:
    """One snapshot's files, all of one format, in the order of their names."""

    business_date: datetime.date
    files: tuple[Path, ...]
    manifest: Manifest | None

    @property
    def format(self) -> str:
        return self.files[0].suffix

    def refuse_other_hashes(self, hashes: Mapping[str, str]) -> None:
        """Refuse the delivery if a file is not the one of which the manifest gives the SHA-256."""
        wrong = [file.name for file in self._listed() if file.sha256 and file.sha256.lower() != hashes[file.name]]
        if wrong:
            raise SnapshotRefused(
                f"{', '.join(wrong)} of the snapshot of {self.business_date}: the SHA-256 is not the one in the manifest; "
                "the file was altered or is not whole: have it delivered again"
            )

    def refuse_open_ends(self, folder: Path) -> None:
        """Refuse a CSV that may have been cut off in its last cell: no count of rows tells, only its hash or its end does."""
        hashed = {file.name for file in self._listed() if file.sha256}
        copies = [folder / path.name for path in self.files if path.suffix == ".csv" and path.name not in hashed]
        if wrong := [path.name for path in copies if not _ends_a_line(path)]:
            raise SnapshotRefused(
                f"{', '.join(wrong)} of the snapshot of {self.business_date} does not end with a line break and may be cut off "
                "in its last cell: have it delivered whole, or with its SHA-256 in the manifest"
            )

    def refuse_other_counts(self, rows: Mapping[str, int]) -> None:
        """Refuse the delivery if its files hold other numbers of rows than the manifest says."""
        wrong = [
            f"{file.name} has {rows[file.name]} rows, the manifest says {file.rows}"
            for file in self._listed()
            if file.rows is not None and file.rows != rows[file.name]
        ]
        total = sum(rows.values())
        if self.manifest and self.manifest.row_count not in (None, total):
            wrong.append(f"the files have {total} rows, the manifest says row_count {self.manifest.row_count}")
        if wrong:
            raise SnapshotRefused(
                f"the snapshot of {self.business_date} is not whole: {'; '.join(wrong)}. Have it delivered again."
            )

    def _listed(self) -> tuple[ManifestFile, ...]:
        return (self.manifest.files or ()) if self.manifest else ()


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 1), os.SEEK_END)
        return file.read() in (b"\n", b"\r", b"")


def delivered_dates(folder: Path) -> list[datetime.date]:
    """The business dates for which `folder` holds something, oldest first.

    Raises:
        ConfigurationError: there is no such folder.
    """
    matches = [match for path in _entries(folder) if (match := _DATE.match(path.name))]
    return sorted({date for match in matches if (date := _date_or_none(match[1]))})


def find_delivery(folder: Path, business_date: datetime.date) -> Delivery:
    """The files of one business date: `<date>/*` of one format, or one file `<date>.parquet` or `<date>.csv`.

    Raises:
        ConfigurationError: there is no such folder.
        SnapshotRefused: nothing is there, it is still being written, or it is not what its manifest says.
    """
    date = business_date.isoformat()
    own = [path for path in _entries(folder) if path.name.lstrip(".").startswith(date)]
    _refuse_unfinished(own, business_date)
    found = [path for path in own if path.name in (date, *(f"{date}{suffix}" for suffix in FORMATS))]
    if not found:
        raise SnapshotRefused(
            f"there is no snapshot of {date}: {folder} has no folder {date} and no file {date}.parquet or .csv"
        )
    if len(found) > 1:
        raise SnapshotRefused(f"the snapshot of {date} is there as {' and as '.join(p.name for p in found)}; keep one")
    if found[0].is_dir():
        files, manifest_path = _files_in(found[0], business_date), found[0] / MANIFEST_NAME
    else:
        files, manifest_path = (found[0],), folder / f"{date}.{MANIFEST_NAME}"
    manifest = _read_manifest(manifest_path) if manifest_path.exists() else None
    _refuse_mismatch(files, manifest, business_date)
    return Delivery(business_date, files, manifest)


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigurationError(f"the portfolio's source is the folder {folder}, which is not there; name or mount it")
    return sorted(folder.iterdir())


def _date_or_none(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _refuse_unfinished(paths: list[Path], business_date: datetime.date) -> None:
    unfinished = [path.name for path in paths if _UNFINISHED.search(path.name)]
    if unfinished:
        raise SnapshotRefused(
            f"the snapshot of {business_date} is still being written: found {', '.join(unfinished)}. "
            "Run again when it is finished, or remove what was left over."
        )


def _files_in(folder: Path, business_date: datetime.date) -> tuple[Path, ...]:
    entries = [path for path in sorted(folder.iterdir()) if path.name not in (MANIFEST_NAME, *_IGNORED)]
    _refuse_unfinished(entries, business_date)
    if not entries:
        raise SnapshotRefused(f"the folder of the snapshot of {business_date} is empty: nothing has been delivered yet")
    strange = [path.name for path in entries if path.suffix not in FORMATS or not path.is_file()]
    if strange:
        raise SnapshotRefused(
            f"the folder of the snapshot of {business_date} holds {', '.join(strange)}; "
            f"it may hold .parquet or .csv files and {MANIFEST_NAME} only"
        )
    if len({path.suffix for path in entries}) > 1:
        raise SnapshotRefused(
            f"the folder of the snapshot of {business_date} mixes .parquet and .csv; deliver one of them"
        )
    return tuple(entries)


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        found = "; ".join(
            f"{dotted(problem.place)}: {problem.message}" if problem.place else problem.message
            for problem in problems_of(error, Manifest)
        )
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
    raise SnapshotRefused(f"{path}: {found}. The delivery is still being written, or its manifest is wrong.")


def _refuse_mismatch(files: tuple[Path, ...], manifest: Manifest | None, business_date: datetime.date) -> None:
    """Hold what is there against what the manifest lists, before anything is copied."""
    if manifest is None:
        if files[0].suffix == ".csv":
            raise SnapshotRefused(
                f"the snapshot of {business_date} is CSV without a manifest: a CSV that was cut off cannot be told from a "
                "whole one. Deliver a manifest with row_count, or with rows or sha256 of every file."
            )
        return
    if manifest.business_date != business_date:
        raise SnapshotRefused(
            f"the manifest of the snapshot of {business_date} says business_date {manifest.business_date}; deliver the right day"
        )
    if manifest.files is not None:
        _refuse_other_files({path.name for path in files}, manifest.files, business_date)
    counted = manifest.files is not None and all(file.rows is not None or file.sha256 for file in manifest.files)
    if files[0].suffix == ".csv" and manifest.row_count is None and not counted:
        raise SnapshotRefused(
            f"the manifest of the snapshot of {business_date} cannot tell whether its CSV was cut off: "
            "it needs row_count, or rows or sha256 of every file"
        )


def _refuse_other_files(present: set[str], listed: tuple[ManifestFile, ...], business_date: datetime.date) -> None:
    names = [file.name for file in listed]
    problems = [f"it lists {name} twice" for name in sorted({name for name in names if names.count(name) > 1})]
    problems += [f"it lists {name}, which is not there" for name in names if name not in present]
    problems += [f"it does not list {name}, which is there" for name in sorted(present - set(names))]
    if problems:
        raise SnapshotRefused(
            f"the manifest of the snapshot of {business_date} does not fit its files: {shortened('; '.join(problems), 1000)}. "
            "The delivery is still being written, or is not the one that the manifest is for."
        )
