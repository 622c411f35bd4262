"""Strict YAML: what a file may say, and the words with which every other one is refused."""

import datetime
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from schemas.errors import FileRefused
from schemas.policy import Identifier, Number, Shape, Text
from schemas.vocabulary import AttributeType
from tasks.yaml_files import SIZE_MAX_BYTES, Document, read_yaml, validate_shape

CHECKOUT = Path(__file__).parents[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.yaml"


def read(file: Path, text: str | bytes) -> Document:
    """What a file with `text` in it reads as."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return read_yaml(file)


def refusal(file: Path, text: str | bytes) -> list[tuple[int, str]]:
    """The lines and messages with which a file with `text` in it is refused."""
    with pytest.raises(FileRefused) as refused:
        read(file, text)
    assert {finding.file for finding in refused.value.findings} == {str(file)}
    return [(finding.line, finding.message) for finding in refused.value.findings]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-0", 0),
        ("-17", -17),
        ("9223372036854775807", 2**63 - 1),
        ("0.5", 0.5),
        ("-1.25", -1.25),
        ("1e5", 1e5),
        ("1.5E-3", 1.5e-3),
        ("2026-10-01", datetime.date(2026, 10, 1)),
        ("none", "none"),
        ("None", "None"),
        ("2026-10", "2026-10"),
        ("1E5 lines", "1E5 lines"),
        ("days_past_due == 0", "days_past_due == 0"),
        ("3 of 4", "3 of 4"),
        ("infinity", "infinity"),
        ("yes please", "yes please"),
        ("中文", "中文"),
        ('"yes"', "yes"),
        ("'010'", "010"),
        ('"2026-10-01"', "2026-10-01"),
        ('""', ""),
        ("|\n  no\n  off\n", "no\noff\n"),
        (">-\n  12:30\n", "12:30"),
    ],
)
def test_a_scalar_is_what_it_looks_like(file: Path, scalar: str, value: object) -> None:
    found = read(file, f"a: {scalar}\n").value["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("scalar", "words"),
    [
        *((word, "some programs read it as true or false") for word in ("yes", "No", "ON", "off", "y", "N")),
        *((word, "true and false are written in small letters") for word in ("True", "TRUE", "False", "FALSE")),
        *((word, "a missing value is written null") for word in ("~", "Null", "NULL")),
        *((word, "some programs read it as an octal number") for word in ("010", "-07", "0123_4", "00")),
        *((word, "numbers are written in decimal digits") for word in ("0x1F", "0o17", "0b11", "-0xff", "0X1f")),
        *(
            (word, "some programs read it as a number to base 60")
            for word in ("12:30", "1:2:3", "190:20:30.15", "-1:30")
        ),
        *((word, "write it without _") for word in ("1_000", "-1_0", "1_000.5", "1_0e3")),
        *((word, "a number has no plus sign") for word in ("+5", "+0.5", "+.5", "+12e3")),
        *((word, "write 0 before the point") for word in (".5", "-.5", ".5e3")),
        *((word, "write 0 after the point") for word in ("1.", "-1.", "1.e3")),
        *((word, "a number does not start with 0") for word in ("007.5", "-01.5", "01e5")),
        *((word, "is not a finite number") for word in (".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e400", "-1e999")),
        *((word, "whole numbers have at most 64 bits") for word in ("9223372036854775808", "9" * 5000)),
        *((word, "which is not a day of any calendar") for word in ("2026-02-30", "2026-13-01", "0000-01-01")),
        *((word, "a date is written YYYY-MM-DD") for word in ("2026-1-5", "2026-10-1")),
        ("2026-10-01T00:00:00Z", "a date stands without a time"),
        ("2026-10-01 10:30:00", "a date stands without a time"),
        ("=", "it is a sign of YAML's own"),
        ("<<", "it is a sign of YAML's own"),
    ],
)
def test_a_scalar_that_could_be_read_in_two_ways_is_refused(file: Path, scalar: str, words: str) -> None:
    ((line, message),) = refusal(file, f"first: 1\na: [{scalar}]\n")
    assert line == 2
    assert words in message
    assert "quote it if it is meant as text" in message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "found an empty file"),
        (" \n\n", 1, "found an empty file"),
        ("\ufeff", 1, "found an empty file"),
        ("# only a comment\n", 1, "found only comments"),
        ("a: 1\nb: 64", 2, "found no newline at the end; the file may be half-written"),
        ("a: 1\nb: [1,\n", 3, "is not YAML, or is half-written"),
        ("a: 'text\n", 2, "is not YAML, or is half-written: found unexpected end of stream"),
        ("a: 1\nb: c: d\n", 2, "mapping values are not allowed here"),
        ("a:\n\t- 1\n", 2, "is not YAML, or is half-written"),
        ("a: 1\n---\nb: 2\n", 2, "found a second document"),
        ("%YAML 1.1\n---\na: 1\n", 2, "found a % directive"),
        ("%TAG ! tag:example,2000:\n---\na: 1\n", 2, "found a % directive"),
        ("a: 1\nb: 2\na: 3\n", 3, "found the key 'a' twice, first in line 1"),
        ("a: {x: 1,\n  x: 2}\n", 2, "found the key 'x' twice"),
        ("true: 1\ntrue: 2\n", 2, "found the key 'true' twice"),
        ("a: &x 1\n", 1, "found the anchor &x"),
        ("&x a: 1\n", 1, "found the anchor &x"),
        ("a: 1\nb: *x\n", 2, "found the alias *x; write out what it stands for"),
        ("<<: {a: 1}\n", 1, "found the merge key <<; write out what it would bring in"),
        ("a: !!str 5\n", 1, "found the tag tag:yaml.org,2002:str; values have no tags"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "found the tag tag:yaml.org,2002:python/object/apply"),
        ("a: ! 5\n", 1, "found the tag !"),
        ("a: !x {b: 1}\n", 1, "found the tag !x"),
        ("!x a: 1\n", 1, "found the tag !x"),
        ("5: 1\n", 1, "found the key 5, which is not text; quote it if it is meant as text"),
        ("2026-10-01: 1\n", 1, "found the key 2026-10-01, which is not text"),
        ("null: 1\n", 1, "found the key null, which is not text"),
        ("on: 1\n", 1, "found on; some programs read it as true or false"),
        ("? [a]\n: 1\n", 1, "found a key that is not text"),
        ("? {a: 1}\n: 1\n", 1, "found a key that is not text"),
        ("a:\nb: 1\n", 1, "found nothing where a value stands: write null, or leave the key out"),
        ("a:\n- 1\n-\n", 3, "found nothing where a value stands"),
        ("{a, b: 1}\n", 1, "found nothing where a value stands"),
        ("a: " + "[" * 30 + "]" * 30 + "\n", 1, "found more than 30 levels of nesting"),
        ('a: "\\0"\n', 1, "found the character U+0000, which no text holds"),
        ('a: "\\uD800"\n', 1, "found the character U+D800, which no text holds"),
        ('a: "\\U00110000"\n', 1, "found a character that YAML does not allow"),
        ("a: 1\nb: \x01\n", 2, "found a character that YAML does not allow"),
        ("a: 1\nb: \x00\x00\x00\n", 2, "found a character that YAML does not allow"),
        (b"a: 1\nb: caf\xe9\n", 2, "found bytes that are not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "found bytes that are not UTF-8"),
        (b"a: '" + b"x" * SIZE_MAX_BYTES + b"'\n", 1, "found more than 1 MiB"),
    ],
)
def test_a_file_that_is_not_plainly_one_document_is_refused_at_its_line(
    file: Path, text: str | bytes, line: int, words: str
) -> None:
    found_line, message = refusal(file, text)[0]
    assert words in message
    assert found_line == line


def test_all_findings_come_at_once_in_the_order_of_their_lines(file: Path) -> None:
    lines = [line for line, _ in refusal(file, "a: yes\nb: &x 010\nc: *x\na: 1\n")]
    assert lines == [1, 2, 2, 3, 4]


def test_a_bomb_of_aliases_is_refused_at_once(file: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    assert len(refusal(file, "a0: &a0 [x, x]\n" + "\n".join(levels) + "\n")) == 19 * 10 + 1


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read: No such file or directory"):
        read_yaml(tmp_path / "absent.yaml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["unix", "windows"])
def test_the_text_of_a_document_is_exactly_its_bytes(file: Path, mark: str, ending: str) -> None:
    content = f"{mark}a: 1{ending}b: 中{ending}".encode()
    document = read(file, content)
    assert document.value == {"a": 1, "b": "中"}
    assert document.text.encode() == content
    assert document.sha256 == hashlib.sha256(content).hexdigest()


def test_booleans_may_be_keys(file: Path) -> None:
    assert read(file, "values: {true: 5, false: 0, 'true': 1}\n").value == {"values": {True: 5, False: 0, "true": 1}}


def test_every_place_has_the_line_of_its_key_or_entry(file: Path) -> None:
    document = read(
        file, "# comment\na:\n  b:\n    - x: 1\n\n    - q: >-\n        long\n        text\n  true: {c: 1,\n    d: 2}\n"
    )
    lines = {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "b", 0): 4,
        ("a", "b", 1): 6,
        ("a", "b", 1, "q"): 6,
        ("a", True): 9,
        ("a", True, "d"): 10,
    }
    assert {place: document.line_of(place) for place in lines} == lines


@pytest.mark.parametrize(
    ("place", "line"), [(("a", "z"), 1), (("a", "b", 5, "x"), 2), (("z",), 1), (("a", "b", 0, "q"), 3)]
)
def test_an_absent_place_has_the_line_of_what_is_nearest_around_it(
    file: Path, place: tuple[Any, ...], line: int
) -> None:
    assert read(file, "a:\n  b:\n    - 1\n").line_of(place) == line


def test_reading_loads_no_table_library_and_no_orchestrator() -> None:
    modules = "tasks.yaml_files, tasks.policy_files, tasks.portfolio_files"
    heavy = {"pandas", "pyarrow", "numpy", "prefect", "sqlalchemy", "pandera"}
    code = f"import sys, {modules}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert done.stdout == "\n"


class Square(Shape):
    kind: Literal["square"]
    side: int


class Circle(Shape):
    kind: Literal["circle"]
    radius: Number


class Drawing(Shape):
    title: Text
    since: datetime.date | None = None
    is_signed: bool = False
    shape: Annotated[Square | Circle, Field(discriminator="kind")] | None = None
    points: dict[Identifier | bool, Annotated[int, Field(ge=0, le=9)]] = Field(default_factory=dict)
    allowed: tuple[Number | Text, ...] | None = Field(default=None, strict=False, max_length=3)
    type: Annotated[AttributeType, Field(strict=False)] | None = None
    parts: tuple[Square, ...] = Field(default=(), strict=False)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("since: null\n", 1, "title: is missing"),
        ("title: x\ntitel: z\n", 2, "titel: unknown key 'titel'; did you mean 'title'?"),
        ("title: true\n", 1, "title: expected text, found the boolean true; quote it if it is meant as text"),
        ("title: 5\n", 1, "title: expected text, found the whole number 5; quote it if it is meant as text"),
        ("title: 2026-10-01\n", 1, "title: expected text, found the date 2026-10-01; quote it if it is meant as text"),
        ("title: null\n", 1, "title: expected text, found null"),
        ("title: [x]\n", 1, "title: expected text, found a list"),
        ("title: ''\n", 1, "title: is empty"),
        ("title: " + "x" * 2001 + "\n", 1, "title: must be at most 2000 characters long"),
        ("title: x\nsince: '2026-10-01'\n", 2, "since: expected a date, found the text '2026-10-01'; write it without quotes"),
        ("title: x\nis_signed: 'true'\n", 2, "is_signed: expected true or false, found the text 'true'; write it without quotes"),
        ("title: x\nis_signed: 1\n", 2, "is_signed: expected true or false, found the whole number 1"),
        ("title: x\nshape:\n  kind: square\n  side: 1.0\n", 4, "shape.side: expected a whole number, found the number 1.0"),
        ("title: x\nshape:\n  kind: square\n", 2, "shape.side: is missing"),
        ("title: x\nshape:\n  kind: square\n  side: 1\n  radius: 2\n", 5, "shape.radius: unknown key 'radius'"),
        (
            "title: x\nshape:\n  kind: circle\n  radius: wide\n", 4,
            "shape.radius: expected a whole number or a number, found the text 'wide'",
        ),
        (
            "title: x\nshape: {kind: circel}\n", 2,
            "shape: expected square, circle, found the text 'circel'; did you mean 'circle'?",
        ),
        ("title: x\nshape: {side: 1}\n", 2, "shape: 'kind' is missing: it says which keys belong here"),
        ("title: x\nshape: 5\n", 2, "shape: expected a mapping, found the whole number 5"),
        ("title: x\npoints:\n  a: 1\n  b: 10\n", 4, "points.b: must be at most 9, found the whole number 10"),
        ("title: x\npoints: {true: -1}\n", 2, "points.true: must be at least 0, found the whole number -1"),
        (
            "title: x\npoints: {a b: 1}\n", 2,
            "points.a b: expected a letter, then at most 63 letters, digits or _, found the text 'a b'",
        ),
        ("title: x\nallowed: [1, a, 2, 3]\n", 2, "allowed: must have at most 3 entries"),
        (
            "title: x\nallowed:\n- 1\n- true\n", 4,
            "allowed[entry 2]: expected a whole number or a number or text, found the boolean true; quote it if it is meant as text",
        ),
        ("title: x\nallowed: [1, '']\n", 2, "allowed[entry 2]: is empty"),
        ("title: x\nallowed: {a: 1}\n", 2, "allowed: expected a list, found a mapping"),
        (
            "title: x\ntype: bool\n", 2,
            "type: expected integer, number, boolean, date or category, found the text 'bool'; did you mean 'boolean'?",
        ),
        ("title: x\nparts:\n- {kind: square, side: 1}\n- {kind: square}\n", 4, "parts[entry 2].side: is missing"),
        ("title: x\ntrue: 1\n", 2, "true: expected a key that is text, found the boolean true; quote it if it is meant as text"),
        ("- x\n", 1, "expected a mapping, found a list"),
        ("title: postgresql://user:geheim@host\nis_signed: https://x\n", 2, "is_signed: expected true or false, found an address (not shown)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_shape_is_told_in_plain_words_at_its_line(
    file: Path, text: str, line: int, message: str
) -> None:
    document = read(file, text)
    with pytest.raises(FileRefused) as refused:
        validate_shape(document, Drawing)
    assert [(finding.line, finding.message) for finding in refused.value.findings] == [(line, message)]


def test_a_value_that_fits_becomes_its_shape(file: Path) -> None:
    document = read(
        file,
        "title: x\nsince: 2026-10-01\nshape: {kind: circle, radius: 1.5}\npoints: {true: 1, a: 2}\nallowed: [1, 0.5, x]\n",
    )
    drawing = validate_shape(document, Drawing)
    assert drawing.shape == Circle(kind="circle", radius=1.5)
    assert (drawing.points, drawing.allowed) == ({True: 1, "a": 2}, (1, 0.5, "x"))


def test_all_that_does_not_fit_is_told_at_once(file: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        validate_shape(read(file, "title: 1\nsince: 2\nis_signed: 3\ntype: 4\n"), Drawing)
    assert [finding.line for finding in refused.value.findings] == [1, 2, 3, 4]
