"""A full disk, wherever it is met: said in plain words, nothing half-written, and gone on with once there is room."""

import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.command_line import main
from schemas.errors import ReinstateError
from tasks.guarding import guarded
from tasks.nights import store_of
from tests.crashes.book import WITHDRAWN
from tests.crashes.children import in_child
from tests.crashes.promises import Left, broken_promises
from tests.digest import digest
from tests.nights.eve import told
from tests.nights.full_disks import FULL, full_above, full_for, left_unfinished, limit_files
from tests.nights.tiny import NAME, NIGHTS, tiny_eve, untroubled
from tests.plain_nights import forget, run_again, use_home

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
KINDS = (
    "nights/tiny/2026-10-27/ledger.parquet", "nights/tiny/2026-10-27/policy.yaml", "nights/tiny/2026-10-27/night.json",
    "nights/tiny/2026-10-27/snapshot/snapshot.json", "nights/tiny/2026-10-27/evidence/part-00000.parquet",
    "nights/tiny/2026-10-27/plan.parquet", "nights/tiny/2026-10-27/report.html",
)  # fmt: skip


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def data(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data directory of the book on the eve of its second night."""
    tiny_eve(base, 1).use(tmp_path / "data", monkeypatch)
    yield tmp_path / "data"
    forget()


def stopped() -> str:
    """Run the second night, which must stop with an error of the project's own; what a log would show of it."""
    with pytest.raises(ReinstateError) as failed:
        guarded(run_again)(NAME, NIGHTS[1])
    return told(failed.value, store_of(NAME))


def error_of(run: Callable[..., object]) -> str | None:
    """What a log would show of the error with which the second night stops, if it does."""
    try:
        guarded(run)(NAME, NIGHTS[1])
    except ReinstateError as error:
        return "".join(traceback.format_exception(error))
    return None


def check_left(data: Path) -> None:
    """Every promise is kept, and nothing unfinished is left."""
    forget()
    assert broken_promises(Left(store_of(NAME), data)) == []
    assert left_unfinished(data) == []


def goes_on(base: Path) -> None:
    """Run the night with room; it must end as if there always had been."""
    forget()
    run_again(NAME, NIGHTS[1])
    assert digest(store_of(NAME)) == untroubled(base, 2)


def test_a_disk_that_is_full_for_one_file_after_the_other_names_each_and_leaves_nothing_of_it(
    data: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        tiny_eve(base, 1).use(tmp_path / "rehearsal", patch)
        with full_for("", tmp_path / "rehearsal") as written:
            run_again(NAME, NIGHTS[1])
        forget()
    assert {*KINDS} <= {*written}
    for name in dict.fromkeys(name for name in written if not name.startswith("deliveries/")):
        with full_for(name, data):
            text = stopped()
        assert "No space left on device" in text
        assert str(data / name) in text or "/snapshot/" in name
        assert not (data / name).exists()
        check_left(data)
    goes_on(base)


@pytest.mark.parametrize("audience", ["core_system", "customer"])
def test_a_disk_that_is_full_for_a_delivery_is_told_at_the_end_and_leaves_nothing_of_it(
    data: Path, base: Path, audience: str
) -> None:
    name = f"deliveries/tiny/{audience}/2026-10-27.jsonl"
    with full_for(name, data):
        result = run_again(NAME, NIGHTS[1])
    assert result is not None
    assert f"wait to be sent: No space left on device ({data / name})" in result.outstanding
    assert not (data / name).exists()
    check_left(data)
    goes_on(base)


SIZES = {
    "sqlite": (0, 20_000, 33_000, *range(40_000, 200_000, 20_000)),
    "postgresql": (0, 500, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 15_000, 20_000, 40_000),
}
"""Where the store is on PostgreSQL, only the files of the night are limited; else it is the database that meets it first."""


@pytest.mark.parametrize("store", SIZES)
def test_files_that_may_not_grow_above_a_size_stop_the_night_and_are_not_cut_short(
    store: str, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A limit that the kernel keeps, whoever writes."""
    eve = tiny_eve(base, 1, str(request.getfixturevalue("postgres_url")) if store == "postgresql" else None)
    eve.use(tmp_path / "data", monkeypatch, eve.copy_of_database("full-disk"))
    stops = 0
    for size in SIZES[store]:
        forget()
        ended = in_child(lambda _, size=size: (limit_files(size), error_of(run_again))[1])
        assert ended.error == "", size
        stops += ended.answer is not None
        assert ended.answer is None or re.search(r"(SQLITE_IOERR\w*$|File too large)", ended.answer.strip()), (
            ended.answer
        )
        check_left(tmp_path / "data")
    assert stops >= 5
    goes_on(base)


def test_a_full_database_leaves_each_chunk_whole_or_absent_and_says_what_it_answered(data: Path, base: Path) -> None:
    pages = stops = 0
    while True:
        forget()
        with full_above(pages):
            try:
                guarded(run_again)(NAME, NIGHTS[1])
            except ReinstateError as error:
                text = told(error, store_of(NAME))
                forget()
            else:
                break
        assert "the database answered SQLITE_FULL" in text
        check_left(data)
        pages, stops = pages + 1, stops + 1
    assert stops >= 3
    assert digest(store_of(NAME)) == untroubled(base, 2)


def test_a_store_that_cannot_be_made_for_want_of_room_is_made_once_there_is_some(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_home(monkeypatch, tmp_path / "data", tiny_eve(base, 1).home)
    for pages in (1, 5, 20):
        with (
            full_above(pages),
            pytest.raises(ReinstateError, match="cannot be used: the database answered SQLITE_FULL"),
        ):
            store_of(NAME)
    run_again(NAME, NIGHTS[0])
    run_again(NAME, NIGHTS[1])
    assert digest(store_of(NAME)) == untroubled(base, 2)
    forget()


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("nights/tiny/2026-10-27-revision-2/evidence/part-00000.parquet", ("revise",)),
        ("nights/tiny/2026-10-27-revision-2/ledger.parquet", ("revise",)),
        ("deliveries/tiny/customer/2026-10-27-withdrawn-12.jsonl", ("withdraw", WITHDRAWN)),
    ],
)
def test_a_command_that_meets_a_full_disk_says_so_in_one_line(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    file: str,
    arguments: tuple[str, ...],
) -> None:
    data = tmp_path / "data"
    tiny_eve(base, 2).use(data, monkeypatch)
    command = [*arguments, "--portfolio", NAME, "--reason", "why not"]
    with full_for(file, data), pytest.raises(SystemExit) as ended:
        main(command)
    shown = capfd.readouterr().err
    assert ended.value.code == 1
    begins = "1 notice waits to be sent" if arguments[0] == "withdraw" else "reinstate stopped"
    assert shown.startswith(f"Error: {begins}: No space left on device (")
    assert f"{file})" in shown
    assert shown.count("\n") == 1
    assert not (data / file).exists()
    check_left(data)
    forget()
