"""What an unquoted scalar of a YAML file means, and which ones are refused because programs disagree about them.

YAML 1.1 and 1.2 read `yes`, `010`, `12:30` or `1_000` differently, and a person who wrote one of them rarely meant
either. Here an unquoted scalar is `true`, `false`, `null`, a decimal number, a date, or text; a scalar that looks like
one of these and is not is refused with what would be right.
"""

import datetime
import math
import re
from typing import Final

Scalar = str | int | float | bool | datetime.date | None

QUOTE_IT: Final = "quote it if it is meant as text"

_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INTEGER_BITS: Final = 63
_INTEGER_DIGITS: Final = 19

_SURPRISES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"y|n|yes|no|on|off", "some programs read it as true or false: write true or false"),
        (r"true|false", "true and false are written in small letters: write true or false"),
        (r"null|~", "a missing value is written null"),
        (r"[-+]?\.(inf|nan)", "it is not a finite number: write a number"),
        (r"[-+]?0[0-9][0-9_]*", "some programs read it as an octal number: write it without the leading 0"),
        (r"[-+]?0(x[0-9a-f_]+|o[0-7_]+|b[01_]+)", "numbers are written in decimal digits"),
        (
            r"[-+]?[0-9][0-9_]*(:[0-9]{1,2})+(\.[0-9_]*)?",
            "some programs read it as a number to base 60: write a number",
        ),
        (r"\+(\.?[0-9]).*", "a number has no plus sign: write it without"),
        (r"[-+]?[0-9]+_[0-9_]*(\.[0-9_]*)?(e[-+]?[0-9]+)?", "a number has digits only: write it without _"),
        (r"-?\.[0-9_]+(e[-+]?[0-9]+)?", "a number starts with a digit: write 0 before the point"),
        (r"-?[0-9]+\.(e[-+]?[0-9]+)?", "a number ends with a digit: write 0 after the point, or no point"),
        (r"-?0[0-9]+(\.[0-9]*)?(e[-+]?[0-9]+)?", "a number does not start with 0: write it without the leading 0"),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t \t].*[0-9]:.*)", "a date stands without a time: write YYYY-MM-DD"),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "a date is written YYYY-MM-DD"),
        (r"=|<<", "it is a sign of YAML's own"),
    )
)


class ScalarRefused(ValueError):
    """A scalar that cannot be read; the message says what was found and what would be right."""


def plain_value(text: str) -> Scalar:
    """The value of an unquoted scalar.

    Raises:
        ScalarRefused: it looks like a number, a date or a word of YAML and is not one beyond doubt.
    """
    if text == "":
        raise ScalarRefused("found nothing where a value stands: write null, or leave the key out")
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _DATE.fullmatch(text):
        return _date(text)
    for pattern, words in _SURPRISES:
        if pattern.fullmatch(text):
            raise ScalarRefused(f"found {shortened(text)}; {words}, or {QUOTE_IT}")
    return text


def shortened(text: str, most: int = 40) -> str:
    """`text` on one line for a message, cut after `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 2]}.."


def _integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS + 1 or int(text).bit_length() > _INTEGER_BITS:
        raise ScalarRefused(f"found {shortened(text)}; whole numbers have at most 64 bits: {QUOTE_IT}")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ScalarRefused(
            f"found {shortened(text)}, which is not a finite number: write a smaller one, or {QUOTE_IT}"
        )
    return value


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        words = f"found {text}, which is not a day of any calendar: write a date as YYYY-MM-DD, or {QUOTE_IT}"
    raise ScalarRefused(words)
