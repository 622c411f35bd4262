"""The tree of an expression: frozen nodes that carry their types."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.vocabulary import AttributeType

INTEGER, NUMBER, BOOLEAN, DATE, CATEGORY = AttributeType
NUMERIC = (INTEGER, NUMBER)
TYPE_WORDS = {
    INTEGER: "a whole number",
    NUMBER: "a number",
    BOOLEAN: "a yes-or-no answer",
    DATE: "a date",
    CATEGORY: "a category",
}


@dataclass(frozen=True)
class Variable:
    """What a name stands for: its type and, for a category with a closed list, its values."""

    type: AttributeType
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Node:
    """A typed part of an expression; `column` is where it starts in the text, from 1."""

    type: AttributeType
    column: int


@dataclass(frozen=True)
class Literal(Node):
    """A number, quoted text, `true`, `false`, or a quoted date that is compared with a date."""

    value: int | float | str | bool | datetime.date


@dataclass(frozen=True)
class Name(Node):
    """An attribute, a core column or a ledger count."""

    name: str


@dataclass(frozen=True)
class DaysSince(Node):
    """Whole days from a date to the business date."""

    name: str


@dataclass(frozen=True)
class Missing(Node):
    """Whether a value is unknown."""

    name: str


@dataclass(frozen=True)
class Negative(Node):
    """Minus a number."""

    operand: Node


@dataclass(frozen=True)
class Arithmetic(Node):
    """`left + - * / right`, always a double."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison(Node):
    """`left == != < <= > >= right`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Membership(Node):
    """`operand in [..]`."""

    operand: Node
    members: tuple[int | float | str | bool | datetime.date, ...]


@dataclass(frozen=True)
class Not(Node):
    """Swaps pass and fail."""

    operand: Node


@dataclass(frozen=True)
class All(Node):
    """`and` over two or more."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Any(Node):
    """`or` over two or more."""

    operands: tuple[Node, ...]


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and every node below it, each before its parts."""
    yield node
    match node:
        case Not(operand=part) | Negative(operand=part) | Membership(operand=part):
            yield from walk(part)
        case All(operands=parts) | Any(operands=parts):
            for part in parts:
                yield from walk(part)
        case Comparison(left=left, right=right) | Arithmetic(left=left, right=right):
            yield from walk(left)
            yield from walk(right)


def names_in(node: Node) -> set[str]:
    """The names that an expression reads."""
    return {part.name for part in walk(node) if isinstance(part, Name | DaysSince | Missing)}


def moves_with_calendar(node: Node) -> bool:
    """Whether the answer can change by the passing of days alone."""
    return any(isinstance(part, DaysSince) for part in walk(node))
