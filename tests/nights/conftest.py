"""One small world, and its nine nights run once, for all tests of this folder."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.handles import Published, Run
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, make_world, stand_in

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Book:
    """A world whose nights have been run."""

    world: Path
    data: Path
    nights: list[tuple[Run, Published]]

    @property
    def home(self) -> Path:
        return self.data.parent / "home"


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("worlds") / "small")


@pytest.fixture(scope="session")
def book(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Nine nights, on SQLite."""
    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, folder / "data", make_home(folder / "home", stand_in(world)))
        nights = [run_plainly("small", FIRST_NIGHT + number * DAY) for number in range(9)]
        yield Book(world, folder / "data", nights)
    forget()
