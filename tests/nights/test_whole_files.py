"""Whatever a night writes has its final name only when it is whole."""

import builtins
import errno
import io
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Audience
from tasks import holds, revising, whole_files
from tasks.channels import FileChannel
from tasks.whole_files import write_whole
from tests.crashes.children import in_child
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


def killed_while_writing(path: Path, host: str) -> Path:
    """What a process of a host leaves of a file when it is killed in the middle of it."""
    before = set(path.parent.iterdir())

    def write(_: object) -> None:
        socket.gethostname = lambda: host
        write_whole(path, lambda _: os.kill(os.getpid(), signal.SIGKILL))

    assert in_child(write).was_killed
    (left,) = set(path.parent.iterdir()) - before
    return left


def test_what_a_dead_process_left_of_a_file_is_removed_on_its_own_host_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a folder that hosts share the process may live on the other one, whatever number it has."""
    monkeypatch.setattr(socket, "gethostname", lambda: "here")
    path = tmp_path / "report.html"
    mine, elsewhere, alike = [killed_while_writing(path, host) for host in ("here", "elsewhere", "here.too")]
    write_whole(path, lambda sink: sink.write(b"whole"))
    assert set(tmp_path.iterdir()) == {path, elsewhere, alike}
    assert mine not in {elsewhere, alike}


def test_what_a_living_process_writes_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    mine = path.with_name(f".report.html.{socket.gethostname()}.{os.getpid()}-999.unfinished")
    mine.write_bytes(b"not yet")
    write_whole(path, lambda sink: sink.write(b"whole"))
    assert mine.exists()


def test_a_delivery_that_a_killed_process_left_is_gone_once_it_is_delivered(tmp_path: Path) -> None:
    (tmp_path / "customer").mkdir()
    killed_while_writing(tmp_path / "customer" / "2026-10-26.jsonl", socket.gethostname())
    delivered = FileChannel(tmp_path).deliver(Audience.CUSTOMER, "2026-10-26", [])
    assert list(delivered.parent.iterdir()) == [delivered]


def test_a_folder_that_is_closed_to_who_reads_takes_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(whole_files, "to_disk", closed)
    write_whole(tmp_path / "letters.jsonl", lambda sink: sink.write(b"whole"))
    assert (tmp_path / "letters.jsonl").read_bytes() == b"whole"
