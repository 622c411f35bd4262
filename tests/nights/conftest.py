"""One small world, and its nine nights run once, for all tests of this folder."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.handles import Published, Run
from tests.nights.canaries import Aviary, copied, make_aviary
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import DAY, FIRST_NIGHT, make_home, make_world, stand_in


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


def publish_two(root: Path, source: str) -> Path:
    """Run the first two nights of a home below `root`, and keep beside it all that is there by then; returns `root`."""
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, root / "data", make_home(root / "home", source))
        for date in (FIRST_NIGHT, FIRST_NIGHT + DAY):
            run_plainly("small", date)
    forget()
    shutil.copytree(root, root.with_suffix(".kept"), symlinks=True)
    return root


def put_back(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on where `publish_two` ended, and in the same place: what a night sets down names its files by whole paths."""
    shutil.rmtree(root)
    shutil.copytree(root.with_suffix(".kept"), root, symlinks=True)
    use_home(monkeypatch, root / "data", root / "home")


@pytest.fixture(scope="session")
def whole_aviary(tmp_path_factory: pytest.TempPathFactory) -> Aviary:
    """The tiny book with canaries in its lines, after two nights."""
    return make_aviary(tmp_path_factory.mktemp("aviary"))


@pytest.fixture
def aviary(whole_aviary: Aviary, tmp_path: Path) -> Iterator[Aviary]:
    """A copy of it."""
    with copied(whole_aviary, tmp_path / "data") as copy:
        yield copy
