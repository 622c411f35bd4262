"""Three-valued answers of expressions over rows.

An answer is one byte a row: 0 fail, 1 unknown, 2 pass. So `and` is the least, `or` the greatest, and `not` is two
minus the answer: Kleene's strong logic by arithmetic on bytes.
"""

import datetime
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any as Anything

import numpy as np
from numpy.typing import NDArray

from schemas.vocabulary import AttributeType
from tasks.decisioning.columns import Bools, Column, Rows, day_number
from tasks.decisioning.tree import (
    All,
    Any,
    Arithmetic,
    Comparison,
    DaysSince,
    Literal,
    Membership,
    Missing,
    Name,
    Negative,
    Node,
    Not,
)

FAIL, UNKNOWN, PASS = np.int8(0), np.int8(1), np.int8(2)
Answers = NDArray[np.int8]
Operation = Callable[[Anything, Anything], Anything]

_COMPARE: dict[str, Operation] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_COMPUTE: dict[str, Operation] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def answer(node: Node, rows: Rows) -> Answers:
    """Answer the question `node` for every row."""
    match node:
        case All(operands=parts):
            return reduce(np.minimum, (answer(part, rows) for part in parts))
        case Any(operands=parts):
            return reduce(np.maximum, (answer(part, rows) for part in parts))
        case Not(operand=part):
            return PASS - answer(part, rows)
        case Missing(name=name):
            unknown = rows[name].unknown
            return np.zeros(len(rows), np.int8) if unknown is None else unknown * PASS
        case Literal(value=value):
            return np.full(len(rows), PASS if value else FAIL)
        case Name(name=name):
            column = rows[name]
            return _answers(column.values, column.unknown)
        case Comparison():
            return _comparison(node, rows)
        case Membership():
            return _membership(node, rows)
    raise TypeError(f"{type(node).__name__} is not a question")


def amount(node: Node, rows: Rows) -> Column:
    """The number, date or whole number that `node` gives for every row; arithmetic is in doubles."""
    match node:
        case Literal(value=value):
            return Column(np.full(len(rows), day_number(value) if isinstance(value, datetime.date) else value), None)
        case Name(name=name):
            return rows[name]
        case DaysSince(name=name):
            return rows.days_since(name)
        case Negative(operand=part):
            return _computed(np.multiply, Column(np.full(len(rows), -1.0), None), amount(part, rows))
        case Arithmetic(operator=sign, left=left, right=right):
            return _computed(_COMPUTE[sign], amount(left, rows), amount(right, rows))
    raise TypeError(f"{type(node).__name__} is not an amount")


def _answers(truth: Bools, *unknowns: Bools | None) -> Answers:
    out = truth.astype(np.int8) << 1
    for unknown in unknowns:
        if unknown is not None:
            np.putmask(out, unknown, UNKNOWN)
    return out


def _computed(compute: Operation, left: Column, right: Column) -> Column:
    with np.errstate(all="ignore"):
        values = compute(left.values.astype(np.float64), right.values.astype(np.float64))
    unknown = ~np.isfinite(values)
    for side in (left, right):
        if side.unknown is not None:
            unknown |= side.unknown
    return Column(values, unknown) if unknown.any() else Column(values, None)


def _comparison(node: Comparison, rows: Rows) -> Answers:
    left, right, compare = node.left, node.right, _COMPARE[node.operator]
    if left.type is AttributeType.BOOLEAN:
        first, second = answer(left, rows), answer(right, rows)
        return _answers(compare(first, second), first == UNKNOWN, second == UNKNOWN)
    if left.type is AttributeType.CATEGORY:
        return _category_comparison(left, right, compare, rows)
    # A literal stays a scalar: no array of a constant, and whole numbers compare exactly.
    if isinstance(right, Literal) and not isinstance(left, Literal):
        known = amount(left, rows)
        return _answers(compare(known.values, _scalar(right)), known.unknown)
    if isinstance(left, Literal) and not isinstance(right, Literal):
        known = amount(right, rows)
        return _answers(compare(_scalar(left), known.values), known.unknown)
    one, two = amount(left, rows), amount(right, rows)
    return _answers(compare(one.values, two.values), one.unknown, two.unknown)


def _scalar(literal: Literal) -> int | float:
    value = literal.value
    return day_number(value) if isinstance(value, datetime.date) else value  # type: ignore[return-value]


def _category_comparison(left: Node, right: Node, compare: Operation, rows: Rows) -> Answers:
    if isinstance(left, Literal):
        left, right = right, left
    if isinstance(left, Literal):
        return np.full(len(rows), PASS if compare(left.value, right.value) else FAIL)  # type: ignore[attr-defined]
    first = rows[left.name]  # type: ignore[attr-defined]
    if isinstance(right, Literal):
        return _by_category(first, lambda value: compare(value, right.value))
    second = rows[right.name]  # type: ignore[attr-defined]
    positions = {value: code for code, value in enumerate(second.categories)}
    same = np.array([*(positions.get(value, -2) for value in first.categories), -2])
    return _answers(compare(same[first.values], second.values), first.unknown, second.unknown)


def _by_category(column: Column, passes: Callable[[str], bool]) -> Answers:
    """Answer once per category; the last entry of the table is for the code -1, unknown."""
    table = np.array([*(PASS if passes(value) else FAIL for value in column.categories), UNKNOWN], np.int8)
    return table[column.values]


def _membership(node: Membership, rows: Rows) -> Answers:
    operand, members = node.operand, node.members
    if operand.type is AttributeType.CATEGORY:
        if isinstance(operand, Literal):
            return np.full(len(rows), PASS if operand.value in members else FAIL)
        return _by_category(rows[operand.name], lambda value: value in members)  # type: ignore[attr-defined]
    if operand.type is AttributeType.BOOLEAN:
        found = answer(operand, rows)
        return _answers(np.isin(found, [PASS if member else FAIL for member in members]), found == UNKNOWN)
    column = amount(operand, rows)
    plain = [day_number(member) if isinstance(member, datetime.date) else member for member in members]
    return _answers(reduce(np.logical_or, (column.values == member for member in plain)), column.unknown)
