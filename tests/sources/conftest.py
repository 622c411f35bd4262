"""What the tests of the sources share."""

from pathlib import Path

import pytest

from tests.sources.small_snapshots import Drops


@pytest.fixture
def drops(tmp_path: Path) -> Drops:
    """An empty folder of deliveries."""
    return Drops(tmp_path)
