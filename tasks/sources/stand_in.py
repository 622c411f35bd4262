"""Snapshots of a sample world, written by its stand-in core system when they are asked for."""

import datetime
from collections.abc import Mapping
from pathlib import Path

from schemas.errors import SnapshotRefused
from schemas.handles import Snapshot
from schemas.vocabulary import AttributeType, Audience
from tasks.sample_data import SampleDataError
from tasks.sample_data.core_system import close_of_business
from tasks.sample_data.worlds import world_dates
from tasks.sources.folder import FolderSnapshots


def requests_folder(data: Path, portfolio: str) -> Path:
    """Where the stand-in core system of a portfolio looks for requests: what the file channel delivers to it."""
    return data / "deliveries" / portfolio / Audience.CORE_SYSTEM.value


class StandInSnapshots:
    """The snapshots of one world as its lines stand after the requests of the days before."""

    def __init__(self, portfolio: str, world: Path, data: Path, names: Mapping[str, str]) -> None:
        self._world = world
        self._requests = requests_folder(data, portfolio)
        self._snapshots = data / "stand_in" / portfolio
        self._folder = FolderSnapshots(portfolio, self._snapshots, names)

    def dates(self) -> list[datetime.date]:
        """The business dates of the world; see `Source.dates`."""
        dates = world_dates(self._world)
        if not dates:
            raise SnapshotRefused(
                f"there is no sample world in {self._world}; make one with `reinstate synthesize` or `reinstate import-uci`"
            )
        return dates

    def take(
        self,
        business_date: datetime.date,
        columns: Mapping[str, AttributeType],
        target: Path,
        rows_per_partition: int,
    ) -> Snapshot:
        """See `Source.take`."""
        try:
            close_of_business(self._world, self._requests, business_date, self._snapshots)
        except SampleDataError as error:
            problem = str(error)
        else:
            return self._folder.take(business_date, columns, target, rows_per_partition)
        raise SnapshotRefused(problem)
