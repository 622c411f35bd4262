"""Snapshots delivered as CSV in a folder."""

from typing import Any

import pytest

from tasks.sources import csv_files
from tests.sources.small_snapshots import HEADER, NIGHT, Drops, csv_text, digest, read_all, row, rows


def taken(drops: Drops, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that lines of CSV become."""
    drops.csv(csv_text(lines), len(lines))
    return read_all(drops.take())


def test_a_csv_reads_as_the_rows_that_it_was_written_from(drops: Drops) -> None:
    drops.csv(csv_text(rows(30)), 30)
    assert read_all(drops.take()) == [{**line, "unparsable": None} for line in rows(30)]


def test_a_long_csv_is_cut_into_partitions(drops: Drops) -> None:
    drops.csv(csv_text(rows(25)), 25)
    assert [part.row_count for part in drops.take(rows_per_partition=10).partitions] == [10, 10, 5]


def test_several_files_may_have_their_columns_in_another_order(drops: Drops) -> None:
    drops.csv(csv_text(rows(3)), 6, "a.csv")
    drops.csv(csv_text(rows(3, 3), tuple(reversed(HEADER))), 6, "b.csv")
    assert [line["account_id"] for line in read_all(drops.take())] == [line["account_id"] for line in rows(6)]


def test_one_file_named_by_its_date_has_its_manifest_beside_it(drops: Drops) -> None:
    (drops.folder / f"{NIGHT}.csv").write_text(csv_text(rows(3)))
    (drops.folder / f"{NIGHT}.manifest.json").write_text(f'{{"business_date": "{NIGHT}", "row_count": 3}}')
    assert drops.take().row_count == 3


@pytest.mark.parametrize("identifier", ["000123", "NA", "1E5", "null", "-1", " A1 ", "é中", "0x1F", "True"])
def test_an_id_stays_what_it_is(drops: Drops, identifier: str) -> None:
    (line,) = taken(drops, row(1, account_id=identifier))
    assert line["account_id"] == identifier


@pytest.mark.parametrize("cell", ['"a,b"', '"a ""quoted"" b"', '"two\r\nlines"', '"two\nlines"'])
def test_quoted_cells_follow_rfc_4180(drops: Drops, cell: str) -> None:
    (line,) = taken(drops, row(1, line_status=cell))
    assert line["line_status"] == cell[1:-1].replace('""', '"')


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_line_ends_and_byte_order_marks_do_not_matter(drops: Drops, ending: str, mark: str) -> None:
    drops.csv(mark + csv_text(rows(3)).replace("\r\n", ending), 3)
    assert drops.take().row_count == 3


def test_the_last_line_may_be_open_where_a_hash_tells_that_it_is_whole(drops: Drops) -> None:
    path = drops.csv(csv_text(rows(3)).rstrip(), None)
    drops.manifest(files=[{"name": path.name, "sha256": digest(path)}])
    assert drops.take().row_count == 3


def test_an_empty_cell_is_a_missing_value_quoted_or_not(drops: Drops) -> None:
    empty = dict.fromkeys(("line_status", "closed_limit_cents", "utilisation_ratio", "deceased", "closed_on"), "")
    (line,) = taken(drops, {**row(1), **empty, "line_status": '""', "account_id": ""})
    assert line == {**row(1), **dict.fromkeys(empty), "account_id": None, "unparsable": None}


def test_a_cell_that_does_not_read_as_its_type_is_missing_and_marked(drops: Drops) -> None:
    first, second = taken(drops, row(1, closed_limit_cents="1.0"), row(2))
    assert first == {**row(1), "closed_limit_cents": None, "unparsable": "closed_limit_cents"}
    assert second == {**row(2), "unparsable": None}


def test_a_row_names_every_column_that_does_not_read(drops: Drops) -> None:
    lines = [
        row(1, deceased="x", closed_on="y"),
        row(2),
        row(3, closed_limit_cents="z"),
        row(4, deceased="x", closed_on="y"),
    ]
    marked = [line["unparsable"] for line in taken(drops, *lines)]
    assert marked == ["deceased,closed_on", None, "closed_limit_cents", "deceased,closed_on"]


def test_unparsable_cells_are_named_by_the_names_here_not_in_the_source(drops: Drops) -> None:
    names = {"dead": "deceased"}
    drops.csv(csv_text([row(1, deceased="x")]).replace("deceased", "dead"), 1)
    (line,) = read_all(drops.take(columns=names), names)
    assert line["unparsable"] == "deceased"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (csv_text(rows(3)) + "A9,2026-10-28\r\n", "lines.csv: line 5 has 2 cells, the header has 7"),
        (csv_text(rows(3)) + "secret," * 9 + "\r\n", "line 5 has 10 cells, the header has 7"),
        (csv_text([row(1, line_status='"a\nb"')]) + "A9,x\r\n", "line 4 has 2 cells"),
        (csv_text(rows(2)) + csv_text(rows(1))[:20], "line 4 has 2 cells"),
        (
            csv_text(rows(2)) + ",,,,,,\r\n",
            "1 of 3 rows of the snapshot of 2026-10-28 carry another business_date or none",
        ),
        (csv_text(rows(2)) + "\r\n", "the files have 2 rows, the manifest says row_count 3"),
        (csv_text(rows(1)) + "\r\n\r\nA9,x\r\n", "line 5 has 2 cells"),
        (csv_text(rows(2)).encode() + b"A\xff,,,,,,\r\n", "holds bytes that are not UTF-8"),
        (csv_text(rows(2)).encode("utf-16"), "has no header"),
        ("", "lines.csv has no header"),
        ("\r\n\r\n", "has no header"),
        (csv_text([]), "the files have 0 rows, the manifest says row_count 3"),
        (csv_text(rows(2), HEADER[1:]), "column 'account_id' is missing (text)"),
        (csv_text(rows(2), (*HEADER, "deceased")), "column 'deceased' stands twice"),
        (
            csv_text(rows(2)).replace("deceased", "decased"),
            "column 'decased' is not expected; did you mean 'deceased'?",
        ),
        (csv_text(rows(2)).replace("account_id", " account_id"), "column ' account_id' is not expected"),
        (csv_text(rows(2)).replace(",", ";"), "column 'account_id' is missing"),
        (csv_text([row(1, business_date="2026-10-27")]), "1 of 1 rows of the snapshot"),
        (csv_text([row(1, business_date="today")]), "1 of 1 rows of the snapshot"),
    ],
)
def test_a_csv_that_is_not_whole_or_not_plain_is_refused(drops: Drops, content: str | bytes, words: str) -> None:
    drops.csv(content, 3)
    message = drops.refusal()
    assert words in message
    assert "A9" not in message
    assert "secret" not in message


def test_an_empty_line_holds_no_row(drops: Drops) -> None:
    first, *others = csv_text(rows(3)).splitlines(keepends=True)
    drops.csv("".join([first, "\r\n", *others, "\r\n", "\r\n"]), 3)
    assert drops.take().row_count == 3


def test_a_row_longer_than_a_block_is_refused(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 2**20)
    drops.csv(csv_text([row(1, line_status="x" * 2**21)]), 1)
    assert "a row is longer than 1 MiB, or a quote is never closed" in drops.refusal()


def test_line_breaks_in_cells_do_not_matter_where_blocks_end(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 400)
    lines = [row(number, line_status='"' + "x\n" * (number % 90) + '"') for number in range(200)]
    found = [line["line_status"] for line in taken(drops, *lines)]
    assert found == ["x\n" * (number % 90) or None for number in range(200)]


def test_a_cell_of_ten_megabytes_is_kept(drops: Drops) -> None:
    (line,) = taken(drops, row(1, line_status="x" * 10_000_000))
    assert len(line["line_status"]) == 10_000_000


def test_a_csv_without_a_manifest_is_refused(drops: Drops) -> None:
    drops.csv(csv_text(rows(3)), None)
    assert "CSV without a manifest: a CSV that was cut off cannot be told from a whole one" in drops.refusal()


def test_a_csv_whose_manifest_counts_nothing_is_refused(drops: Drops) -> None:
    drops.csv(csv_text(rows(3)), None)
    drops.manifest(files=[{"name": "lines.csv"}])
    assert "it needs row_count, or rows or sha256 of every file" in drops.refusal()


def test_a_csv_cut_at_any_byte_is_refused_where_only_its_rows_are_counted(drops: Drops) -> None:
    """A number cut short is a number, and its row is there."""
    header = tuple(name for name in HEADER if name != "closed_limit_cents")
    whole = csv_text(rows(3), (*header, "closed_limit_cents"))
    for cut in range(len(whole) - len("\n")):
        drops.csv(whole[:cut], 3)
        drops.refusal()
    drops.csv(whole, 3)
    assert drops.take().row_count == 3


@pytest.mark.parametrize("cut", [1, 2, 30, 60, 200])
def test_a_csv_cut_anywhere_is_refused(drops: Drops, cut: int) -> None:
    whole = csv_text([*rows(9), row(9, line_status='"a, b"')])
    path = drops.csv(whole, None)
    drops.manifest(files=[{"name": "lines.csv", "sha256": digest(path)}])
    path.write_text(whole[:-cut], newline="")
    assert "the SHA-256 is not the one in the manifest" in drops.refusal()


def test_rows_are_counted_against_the_manifest(drops: Drops) -> None:
    drops.csv(csv_text(rows(9)), 10)
    assert "the files have 9 rows, the manifest says row_count 10" in drops.refusal()


def test_a_copy_of_a_csv_is_returned_when_it_is_there(drops: Drops) -> None:
    drops.csv(csv_text(rows(9)), 9)
    first = drops.take()
    assert drops.take() == first
