"""Values that no line should have, and clocks that say what they like: doubt keeps a line closed, and no clock decides."""

import datetime
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import NightRefused
from tasks import nights, runs
from tasks.nights import store_of
from tests.digest import digest
from tests.nights.canaries import Aviary, as_csv
from tests.nights.tiny import NAME, NIGHTS, tiny_eve, untroubled
from tests.plain_nights import forget, run_again, use_home

LINES = tuple(f"canarybirdclean-3-{number}" for number in range(4))
"""The lines that the third night reopens if they are as they should be."""
DOUBTFUL = {
    "utilisation_ratio": ("NaN", "inf", "-inf", "1e400", "-1e400", "1e308", "-0.1", "0x1", "1,5", "\u0661"),
    "days_past_due": (
        "9223372036854775807",
        "9223372036854775808",
        "9" * 30,
        "-1",
        "0.0",
        "0e0",
        " 0",
        "\u0660",
        "0\x00",
    ),
    "closed_limit_cents": ("99999999999999999", "1e6", "-1", ""),
    "closed_on": ("2026-02-30", "10000-01-01", "0000-00-00", "2999-01-01", "0"),
    "deceased": ("1", "yes", "0"),
    "employment": ("FULL_TIME\x00", "full_time\x1b"),
    "closure_cause": ("credit_assessment\x00", "Credit_Assessment", "=credit_assessment", "NA"),
}
AS_IT_SHOULD_BE = {"utilisation_ratio": ("-0.0", "1e-400", ".25"), "days_past_due": ("-0", "000")}


def reopened(aviary: Aviary, column: str, odd: dict[str, str]) -> set[str]:
    """The lines that the third night reopens where some lines have odd cells in a column."""
    table = aviary.table()
    place = table.column_names.index(column)
    lines = [line.split(",") for line in as_csv(table).splitlines()]
    for cells in lines:
        if cells[0] in odd:
            cells[place] = f'"{odd[cells[0]]}"' if "," in odd[cells[0]] else odd[cells[0]]
    aviary.deliver_csv("\n".join(map(",".join, lines)) + "\n", len(table))
    run_again(NAME, aviary.night)
    entries = store_of(NAME).select_mine("ledger", business_date=aviary.night, decision="reopen")
    return {entry["account_id"] for entry in entries}


def by_lines(cells_by_column: dict[str, tuple[str, ...]]) -> list[tuple[str, dict[str, str]]]:
    """Cells of each column, given to as many lines at a time as the third night reopens."""
    return [
        (column, dict(zip(LINES, cells[start : start + len(LINES)], strict=False)))
        for column, cells in cells_by_column.items()
        for start in range(0, len(cells), len(LINES))
    ]


@pytest.mark.parametrize(("column", "odd"), by_lines(DOUBTFUL))
def test_a_doubtful_cell_keeps_its_line_closed_and_no_other(aviary: Aviary, column: str, odd: dict[str, str]) -> None:
    assert reopened(aviary, column, odd) == {*LINES} - {*odd}


@pytest.mark.parametrize(("column", "odd"), by_lines(AS_IT_SHOULD_BE))
def test_a_number_written_oddly_is_that_number(aviary: Aviary, column: str, odd: dict[str, str]) -> None:
    assert reopened(aviary, column, odd) == {*LINES}


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def eve(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The book after two nights."""
    tiny_eve(base, 2).use(tmp_path / "data", monkeypatch)
    yield
    forget()


def set_clock(moment: datetime.datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the clock say something else, for the window of dates and for what is recorded."""
    monkeypatch.setattr(nights, "today_in", lambda _: moment.date())
    monkeypatch.setattr("tasks.opening.today_in", lambda _: moment.date())
    monkeypatch.setattr(runs, "now", lambda: moment)


@pytest.mark.usefixtures("eve")
def test_a_clock_that_jumps_back_delays_a_night_and_changes_nothing(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(store_of(NAME))
    with monkeypatch.context() as patch:
        set_clock(datetime.datetime(2026, 10, 26, 3, tzinfo=datetime.UTC), patch)
        assert nights.nights_to_run(NAME) == []
        with pytest.raises(NightRefused, match="2026-10-28 has not ended: today is 2026-10-26"):
            run_again(NAME, NIGHTS[2])
    assert digest(store_of(NAME)) == before
    run_again(NAME, NIGHTS[2])
    assert digest(store_of(NAME)) == untroubled(base, 3)


@pytest.mark.usefixtures("eve")
@pytest.mark.parametrize("year", [2027, 2031, 2400])
def test_a_night_decides_the_same_in_whatever_year_it_is_run(
    base: Path, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    set_clock(datetime.datetime(year, 2, 28, 23, 59, 59, tzinfo=datetime.UTC), monkeypatch)
    run_again(NAME, NIGHTS[2])
    assert digest(store_of(NAME)) == untroubled(base, 3)


@pytest.mark.usefixtures("eve")
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_a_night_decides_the_same_in_every_time_zone_of_the_machine(
    base: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, zone: str
) -> None:
    request.addfinalizer(time.tzset)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        run_again(NAME, NIGHTS[2])
        found: Any = digest(store_of(NAME))
    assert found == untroubled(base, 3)


def test_a_snapshot_with_a_third_fewer_rows_is_held(
    aviary: Aviary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = shutil.copytree(aviary.home, tmp_path / "home", symlinks=True)
    with (home / "deployments" / "portfolios" / f"{NAME}.yaml").open("a") as file:
        file.write("caps: {row_count_change_max_bp: 3000, people: 2}\n")
    use_home(monkeypatch, aviary.data, home)
    before = digest(store_of(NAME))
    table = aviary.table()
    aviary.deliver(table.slice(len(table) // 3))
    run_again(NAME, aviary.night)
    assert store_of(NAME).run(aviary.night)["status"] == "held"
    assert digest(store_of(NAME)) == before
