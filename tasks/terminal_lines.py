"""Text laid out for a terminal, where a Chinese character is two columns wide."""

# ruff: noqa: RUF001 - Chinese signs are meant

import re
import unicodedata
from typing import Final

NO_BREAK: Final = "\N{NO-BREAK SPACE}"
CLOSING: Final = "，。；：！？、）》」』】”’"
"""Signs that never begin a line."""
HOLDING: Final = f"（《「『【“‘{NO_BREAK}"
"""Signs that never end one."""
PIECES: Final = re.compile(r"\s+|[^\s\u2e80-\u9fff\uff00-\uffef]+|.", re.DOTALL)
"""What a line may be broken between: spaces, runs of narrow signs, and single wide ones."""


def width(text: str) -> int:
    """Columns that a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def padded(text: str, columns: int, *, to_the_right: bool = False) -> str:
    """A text filled with spaces to a width; `to_the_right` puts them before it."""
    spaces = " " * max(columns - width(text), 0)
    return spaces + text if to_the_right else text + spaces


def laid_out(text: str, columns: int = 80) -> str:
    """Break the lines of a text that are too long; those of a list go on two columns further in.

    No-break spaces, which hold amounts and dates together, become plain ones.
    """
    lines = [broken for line in text.splitlines() for broken in _broken(line.rstrip(), columns)]
    return "\n".join(lines).replace(NO_BREAK, " ") + "\n"


def _broken(line: str, columns: int) -> list[str]:
    if width(line) <= columns:
        return [line]
    start = len(line) - len(line.lstrip(" "))
    further = start + 2 if start or line.startswith("- ") else 0
    lines, current = [], " " * start
    for piece in _pieces(line[start:]):
        if width(current + piece.rstrip(" ")) > columns and current.strip():
            lines.append(current.rstrip(" "))
            current = " " * further + piece.lstrip(" ")
        else:
            current += piece
    return [*lines, current.rstrip(" ")]


def _pieces(text: str) -> list[str]:
    """What may stand on a line of its own: brackets and signs stay with what they belong to."""
    pieces: list[str] = []
    for found in PIECES.findall(text.replace(NO_BREAK, "\x00")):
        piece = found.replace("\x00", NO_BREAK)
        if pieces and (piece in CLOSING or pieces[-1][-1] in HOLDING or piece[0] == NO_BREAK):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces
