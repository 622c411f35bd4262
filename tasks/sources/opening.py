"""From a portfolio's `source` to something that lists and takes its snapshots."""

import os
from collections.abc import Callable
from pathlib import Path

from schemas.errors import ConfigurationError
from schemas.portfolio import DatabaseAddress, FolderSource, Portfolio, SqlSource, StandInSource
from tasks.sources.folder import FolderSnapshots
from tasks.sources.source import Source
from tasks.sources.sql import SqlSnapshots
from tasks.sources.stand_in import StandInSnapshots

SecretReader = Callable[[str], str]
"""Reads the value of a secret block by its name."""


def open_source(portfolio: Portfolio, data: Path, read_secret: SecretReader | None = None) -> Source:
    """The source of a portfolio's snapshots; nothing is read yet.

    Args:
        portfolio: says which source, and how its columns are called there.
        data: the data directory, where relative paths start.
        read_secret: reads secret blocks; needed only where the portfolio keeps its database's address in one.

    Raises:
        ConfigurationError: the address of the database cannot be found, or is no address.
    """
    source = portfolio.source
    match source:
        case FolderSource():
            return FolderSnapshots(portfolio.portfolio, data / source.path, portfolio.columns)
        case SqlSource():
            address = _address(source.url, read_secret)
            return SqlSnapshots(portfolio.portfolio, address, source, portfolio.columns)
        case StandInSource():
            return StandInSnapshots(portfolio.portfolio, data / source.world, data, portfolio.columns)


def _address(kept: DatabaseAddress, read_secret: SecretReader | None) -> str:
    if kept.environment is not None:
        address = os.environ.get(kept.environment, "")
        if not address:
            raise ConfigurationError(
                f"the environment variable {kept.environment} is not set; it holds the database's URL"
            )
        return address
    if read_secret is None:
        raise ConfigurationError(
            f"the database's URL is in the secret block {kept.secret_block}, which only a flow can read; run the flow, or "
            "keep the URL in an environment variable"
        )
    return read_secret(str(kept.secret_block))
