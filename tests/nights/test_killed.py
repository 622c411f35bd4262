"""A night that is killed where it gives a file its final name, or before it commits, and is run again."""

import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from schemas.handles import Snapshot
from tasks import nights
from tests.nights.conftest import Book
from tests.plain_nights import forget, run_again, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in

KILL_POINTS = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20)


def killed_at(point: int) -> int:
    """Run the first night in a child that kills itself before its `point`th file replacement or commit."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        _kill_before(point)
        run_plainly("small", FIRST_NIGHT)
    finally:
        os._exit(0)
    return 0


def _kill_before(point: int) -> None:
    reached = 0

    def count(*_: object) -> None:
        nonlocal reached
        reached += 1
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def counting(function):
        def counted(*args, **kwargs):
            count()
            return function(*args, **kwargs)

        return counted

    os.replace, os.rename = counting(os.replace), counting(os.rename)
    Path.replace, Path.rename = counting(Path.replace), counting(Path.rename)
    event.listen(Engine, "commit", count)


def unfinished_under_final_names(data: Path) -> list[str]:
    """Files that look finished and cannot be read."""
    broken = []
    for path in (path for path in data.rglob("*.parquet") if "/." not in str(path.relative_to(data.parent))):
        try:
            pq.read_metadata(path)
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            broken.append(path.name)
    for path in data.rglob("[!.]*/snapshot.json"):
        snapshot = Snapshot.model_validate_json(path.read_text())
        broken += [part.path.name for part in snapshot.partitions if not part.path.exists()]
    return broken


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_killed_night_leaves_nothing_half_done_and_can_be_run_again(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", stand_in(book.world)))
    assert killed_at(point) in (0, -signal.SIGKILL)
    assert unfinished_under_final_names(tmp_path / "data") == []
    forget()
    run_again("small", FIRST_NIGHT)
    assert nights.store_of("small").ledger_head()[1] == book.nights[0][1].ledger_head
    forget()
    assert delivered(tmp_path / "data") == delivered(book.data)


def delivered(data: Path) -> dict[str, str]:
    """The first night's notices by audience, as they were delivered."""
    return {path.parent.name: path.read_text() for path in (data / "deliveries").rglob(f"{FIRST_NIGHT}.jsonl")}
