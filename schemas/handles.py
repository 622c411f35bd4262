"""What travels between tasks: paths, hashes and counts, never frames."""

import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Handle(BaseModel):
    """A frozen, JSON-friendly reference to something in files or in the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Partition(Handle):
    """Some row groups of one Parquet file of the private copy of a snapshot."""

    number: int
    path: Path
    row_groups: tuple[int, ...]
    row_count: int


class Snapshot(Handle):
    """The private, immutable copy of one night's snapshot; `content_hash` is SHA-256 over its files."""

    portfolio: str
    business_date: datetime.date
    directory: Path
    content_hash: str
    row_count: int
    partitions: tuple[Partition, ...]
