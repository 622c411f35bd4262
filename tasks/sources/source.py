"""What every source of snapshots can do, and what it is asked for."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType


class Source(Protocol):
    """Where a portfolio's snapshots come from."""

    def dates(self) -> list[datetime.date]:
        """The business dates that are there, oldest first; empty where the source cannot list them.

        Raises:
            ReinstateError: the source cannot be reached, or holds dates that cannot be read.
        """
        ...

    def take(
        self,
        business_date: datetime.date,
        columns: Mapping[str, AttributeType],
        target: Path,
        rows_per_partition: int,
    ) -> Snapshot:
        """Make a private copy of one snapshot in the folder `target`, whole or not at all.

        A complete copy that is there already is checked and returned as it is.

        Args:
            business_date: the date that every row must carry.
            columns: the type of every column but `account_id`, which is text.
            target: the folder to make; its parent folders are made too.
            rows_per_partition: the most rows that one partition may have.

        Raises:
            SnapshotRefused: the snapshot is absent, still being written, altered, of another shape or date, or empty.
        """
        ...


@dataclass(frozen=True)
class Request:
    """One snapshot asked of a source; `names` leads from a column's name in the source to its name here."""

    portfolio: str
    business_date: datetime.date
    columns: Mapping[str, AttributeType]
    target: Path
    rows_per_partition: int
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
