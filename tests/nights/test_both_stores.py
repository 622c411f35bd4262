"""Nine nights on SQLite and on PostgreSQL end alike: line states, ledger, notices, waiting lines, and what was delivered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.nights import store_of
from tests.digest import contents, digest
from tests.nights.conftest import DAY, Book
from tests.nights.eve import database
from tests.plain_nights import forget, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in


@pytest.fixture(scope="module")
def on_postgresql(book: Book, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of the nine nights, run on PostgreSQL; the settings still point at them."""
    folder = tmp_path_factory.mktemp("postgresql")
    home = make_home(folder / "home", stand_in(book.world))
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, folder / "data", home, database(postgres_url, "nine-nights"))
        for number in range(len(book.nights)):
            run_plainly("small", FIRST_NIGHT + number * DAY)
        yield folder / "data"
    forget()


def delivered(data: Path) -> dict[str, str]:
    """Every file that was delivered, by its name below the data directory."""
    return {str(path.relative_to(data)): path.read_text() for path in sorted(data.rglob("deliveries/**/*.jsonl"))}


def test_nine_nights_leave_the_same_digest_on_both_stores(
    book: Book, on_postgresql: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = contents(store_of("small"))
    found = digest(store_of("small"))
    with monkeypatch.context() as patch:
        use_home(patch, book.data, book.home)
        expected = digest(store_of("small"))
    forget()
    assert found == expected
    assert all(left[table] for table in ("line_states", "ledger", "notices", "recoverable_nights"))


def test_nine_nights_deliver_the_same_files_from_both_stores(book: Book, on_postgresql: Path) -> None:
    assert delivered(on_postgresql) == delivered(book.data) != {}
