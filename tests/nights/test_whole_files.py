"""Whatever a night writes has its final name only when it is whole."""

import builtins
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks import holds, revising
from tests.nights.conftest import Book
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in


@pytest.fixture
def opened(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The files of the data directory that are opened to be written, by their names in it."""
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", stand_in(book.world)))
    found: list[Path] = []
    really_open = io.open

    def opening(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        path = Path(file) if isinstance(file, str | Path) else Path()
        if set(mode) & set("wxa+") and path.is_relative_to(tmp_path / "data"):
            found.append(path.relative_to(tmp_path / "data"))
        return really_open(file, mode, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", opening)
    monkeypatch.setattr(io, "open", opening)
    yield found
    forget()


def test_no_file_of_a_night_or_of_a_revision_is_written_under_its_final_name(opened: list[Path]) -> None:
    run_plainly("small", FIRST_NIGHT)
    revising.revise("small", holds.this_person("ann"), "delivered again")
    assert len(opened) > 30
    assert [path for path in opened if not any(part.startswith(".") for part in path.parts)] == []
