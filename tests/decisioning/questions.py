"""Expressions over a handful of names of every type, asked of rows given as plain values."""

from typing import Any

import pandas as pd

from schemas.vocabulary import AttributeType
from tasks.decisioning.answers import amount, answer
from tasks.decisioning.columns import Columns, Rows
from tasks.decisioning.expressions import ExpressionError, parse_amount, parse_question
from tasks.decisioning.tree import Variable
from tests.factories import NIGHT, policy_dict, rules, series

NAMES = {
    "late_days": Variable(AttributeType.INTEGER),
    "debt_cents": Variable(AttributeType.INTEGER),
    "used_ratio": Variable(AttributeType.NUMBER),
    "growth": Variable(AttributeType.NUMBER),
    "flagged": Variable(AttributeType.BOOLEAN),
    "verified": Variable(AttributeType.BOOLEAN),
    "cured_on": Variable(AttributeType.DATE),
    "closed_on": Variable(AttributeType.DATE),
    "status": Variable(AttributeType.CATEGORY, ("red", "green", "blue")),
    "region": Variable(AttributeType.CATEGORY),
}
WORDS = ("fail", "unknown", "pass")
NO_STALENESS = rules(policy_dict())


def rows_of(count: int, values: dict[str, list[Any]]) -> Rows:
    """Rows with these columns; what is not given is missing."""
    columns = {name: series(values.get(name, [None] * count), variable.type) for name, variable in NAMES.items()}
    return Rows(Columns(pd.DataFrame(columns), NO_STALENESS, NIGHT), slice(0, count))


def ask(text: str, **values: Any) -> str:
    """The answer to `text` on one row."""
    return asked(text, **{name: [value] for name, value in values.items()})[0]


def asked(text: str, **values: list[Any]) -> list[str]:
    """The answers to `text` on several rows, one after the other."""
    count = max((len(column) for column in values.values()), default=1)
    return [WORDS[code] for code in answer(parse_question(text, NAMES), rows_of(count, values))]


def computed(text: str, **values: Any) -> float | None:
    """What `text` gives on one row; None where it is unknown."""
    found = amount(parse_amount(text, NAMES), rows_of(1, {name: [value] for name, value in values.items()}))
    return None if found.unknown is not None and found.unknown[0] else found.values[0].item()


def refusal(text: str, *, of_amount: bool = False) -> str:
    """The words with which an expression is refused, or nothing where it is not."""
    try:
        (parse_amount if of_amount else parse_question)(text, NAMES)
    except ExpressionError as error:
        return str(error)
    return ""
