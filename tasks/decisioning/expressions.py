"""The policy language: its grammar, its tree and its types.

Text becomes a tree of frozen nodes, or an `ExpressionError` that points at the character. Nothing is ever handed to
`eval`. The tree carries its types, so that `tasks.decisioning.answers` can evaluate it without asking again.

    question   = and ("or" and)*
    and        = not ("and" not)*
    not        = "not" not | comparison
    comparison = sum [("==" | "!=" | "<" | "<=" | ">" | ">=") sum | ["not"] "in" list]
    sum        = product (("+" | "-") product)*
    product    = unary (("*" | "/") unary)*
    unary      = "-" unary | atom
    atom       = NUMBER | TEXT | "true" | "false" | NAME | "days_since" "(" NAME ")" | "missing" "(" NAME ")"
               | "(" question ")"
    list       = "[" literal ("," literal)* "]"
"""

import contextlib
import datetime
import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from schemas.vocabulary import AttributeType
from tasks.decisioning.tree import (
    BOOLEAN,
    CATEGORY,
    DATE,
    INTEGER,
    NUMBER,
    NUMERIC,
    TYPE_WORDS,
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
    Variable,
    walk,
)

DEPTH_MAX = 40
"""How deep an expression may nest: beyond it an author has lost the reader too."""
DIGITS_MAX = 18
TERMS_MAX = 200
"""How many arithmetic signs one expression may hold."""

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
WORDS = ("or", "and", "not", "in", "true", "false", "days_since", "missing")

NOT_NAMED = {
    "account_id": "leave it out; a rule is for every line alike",
    "business_date": "days_since(..) counts from it, and in_force says when a policy holds",
    "line_status": "leave it out; where a question stands says which lines it is asked of",
}
"""Columns of every snapshot that no expression names, and what to do."""


class ExpressionError(Exception):
    """An expression that cannot be a question about a line; `column` counts characters from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (at character {column})")
        self.column = column


def parse_question(text: str, names: Mapping[str, Variable]) -> Node:
    """Parse `text` as a question about a line, over `names`.

    Raises:
        ExpressionError: the text does not parse, names something undeclared, or does not answer yes or no.
    """
    node = _Parser(text, names).whole()
    if node.type is not BOOLEAN:
        raise ExpressionError(
            f"expected a question that answers yes or no, found {TYPE_WORDS[node.type]}; compare it with something",
            node.column,
        )
    return node


def parse_amount(text: str, names: Mapping[str, Variable]) -> Node:
    """Parse `text` as a number computed from a line, over `names`.

    Raises:
        ExpressionError: as `parse_question`, or the text is not a number.
    """
    node = _Parser(text, names).whole()
    if isinstance(node, DaysSince):
        raise ExpressionError("days_since(..) stands alone on one side of a comparison with a whole number", 1)
    if node.type not in NUMERIC:
        raise ExpressionError(f"expected a number, found {TYPE_WORDS[node.type]}", node.column)
    return node


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>(?:[0-9]+(?:_[0-9]+)*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<text>"[^"\\\n]*"|'[^'\\\n]*')
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol>==|!=|<=|>=|[<>+\-*/()\[\],])""",
    re.VERBOSE,
)


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHOWN_MOST = 60
"""Characters of a name that a message repeats."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int

    def __str__(self) -> str:
        return "the end of the expression" if self.kind == "end" else f"'{_shown(self.text)}'"


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise ExpressionError(_stray(text, position), position + 1)
        if date := _DATE.fullmatch(text, position - 8, found.end()) if position >= 8 else None:  # noqa: PLR2004 - YYYY-MM-
            raise ExpressionError(f'found {date.group()}, a date is quoted like "2026-10-01"', position - 7)
        if found.lastgroup != "space":
            tokens.append(_Token(str(found.lastgroup), found.group(), position + 1))
        position = found.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


def _stray(text: str, position: int) -> str:
    character = text[position]
    if character in "\"'":
        return "a quoted text that does not end, or holds a backslash or a line break"
    if character == "=":
        return "found '=', to compare write '=='"
    if character.isdigit() or re.match(r"\.[0-9]", text[position:]):
        return "found a number that does not read as one; write it like 12, 0.5 or 1e6"
    return f"found {character!r}, which is not part of the language"


class _Parser:
    """Recursive descent, typing on the way up."""

    def __init__(self, text: str, names: Mapping[str, Variable]) -> None:
        self._tokens = _tokens(text)
        self._names = names
        self._at = 0
        self._depth = 0
        self._terms = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _accept(self, *texts: str) -> _Token | None:
        if self._next.kind in ("word", "symbol") and self._next.text in texts:
            return self._take()
        return None

    def _expect(self, text: str) -> _Token:
        token = self._accept(text)
        if token is None:
            raise ExpressionError(f"expected '{text}', found {self._next}", self._next.column)
        return token

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(
                f"nested more than {DEPTH_MAX} deep; split it into several criteria", self._next.column
            )

    def whole(self) -> Node:
        if self._next.kind == "end":
            raise ExpressionError("the expression is empty", 1)
        node = self._question()
        if self._next.kind != "end":
            raise ExpressionError(f"expected the end of the expression, found {self._next}", self._next.column)
        return node

    def _question(self) -> Node:
        return self._joined("or", Any, lambda: self._joined("and", All, self._negated))

    def _joined(self, word: str, kind: type[All] | type[Any], part: Callable[[], Node]) -> Node:
        first = part()
        if not (self._next.kind == "word" and self._next.text == word):
            return first
        operands = [_question_side(first, word)]
        while self._accept(word):
            operands.append(_question_side(part(), word))
        return kind(BOOLEAN, first.column, tuple(operands))

    def _negated(self) -> Node:
        token = self._accept("not")
        if token is None:
            return self._comparison()
        self._deeper()
        operand = _question_side(self._negated(), "not")
        self._depth -= 1
        return Not(BOOLEAN, token.column, operand)

    def _comparison(self) -> Node:
        left = self._sum()
        token = self._next
        if self._accept(*COMPARISONS):
            node: Node = _compared(token, left, self._sum())
        elif self._accept("in"):
            node = self._members(left)
        elif token.text == "not" and token.kind == "word":
            self._take()
            self._expect("in")
            node = Not(BOOLEAN, left.column, self._members(left))
        else:
            return left
        if self._next.text in (*COMPARISONS, "in") and self._next.kind in ("word", "symbol"):
            raise ExpressionError("comparisons do not chain; join two with 'and'", self._next.column)
        return node

    def _members(self, operand: Node) -> Membership:
        if isinstance(operand, DaysSince):
            raise ExpressionError(
                "days_since(..) stands alone on one side of a comparison with a whole number", operand.column
            )
        self._expect("[")
        members = [self._literal()]
        while self._accept(","):
            members.append(self._literal())
        self._expect("]")
        family = {_family(member.type) for member in members}
        if len(family) > 1:
            raise ExpressionError("the values of a list must be of one type", members[0].column)
        matched = tuple(_matched(operand, member, "in").value for member in members)
        return Membership(BOOLEAN, operand.column, operand, matched)

    def _literal(self) -> Literal:
        token = self._next
        negative = self._accept("-")
        node = self._atom() if self._next.text not in ("(", "[", "]") else None
        if not isinstance(node, Literal) or (negative and node.type not in NUMERIC):
            raise ExpressionError("a list holds numbers, quoted texts, true or false, and at least one", token.column)
        return _minus(node, token.column) if negative else node

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), lambda: self._arithmetic(("*", "/"), self._unary))

    def _arithmetic(self, operators: tuple[str, ...], part: Callable[[], Node]) -> Node:
        left = part()
        while token := self._accept(*operators):
            self._terms += 1
            if self._terms > TERMS_MAX:
                raise ExpressionError(f"more than {TERMS_MAX} arithmetic signs; split it up", token.column)
            left = Arithmetic(NUMBER, left.column, token.text, _number_side(left, token), _number_side(part(), token))
        return left

    def _unary(self) -> Node:
        token = self._accept("-")
        if token is None:
            return self._atom()
        self._deeper()
        operand = _number_side(self._unary(), token)
        self._depth -= 1
        if isinstance(operand, Literal):
            return _minus(operand, token.column)
        return Negative(NUMBER, token.column, operand)

    def _atom(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return _number(token)
        if token.kind == "text":
            return Literal(CATEGORY, token.column, token.text[1:-1])
        if token.text == "(" and token.kind == "symbol":
            self._deeper()
            node = self._question()
            self._depth -= 1
            self._expect(")")
            return node
        if token.kind != "word" or token.text in ("or", "and", "in", "not"):
            raise ExpressionError(f"expected a value or a name, found {token}", token.column)
        if token.text in ("true", "false"):
            return Literal(BOOLEAN, token.column, token.text == "true")
        if token.text in ("days_since", "missing"):
            return self._call(token)
        if self._next.text == "(":
            raise ExpressionError(
                f"there is no function '{_shown(token.text)}'; the language has days_since(..) and missing(..)",
                token.column,
            )
        return Name(self._variable(token).type, token.column, token.text)

    def _call(self, function: _Token) -> Node:
        self._expect("(")
        token = self._take()
        if token.kind != "word" or token.text in WORDS:
            raise ExpressionError(f"{function.text}(..) takes one name, found {token}", token.column)
        variable = self._variable(token)
        self._expect(")")
        if function.text == "missing":
            return Missing(BOOLEAN, function.column, token.text)
        if variable.type is not DATE:
            raise ExpressionError(
                f"days_since(..) takes a date, '{token.text}' is {TYPE_WORDS[variable.type]}", token.column
            )
        return DaysSince(INTEGER, function.column, token.text)

    def _variable(self, token: _Token) -> Variable:
        variable = self._names.get(token.text)
        if variable is None and token.text in NOT_NAMED:
            raise ExpressionError(
                f"'{token.text}' may not be named in an expression: {NOT_NAMED[token.text]}", token.column
            )
        if variable is None:
            raise ExpressionError(
                f"'{_shown(token.text)}' is not declared{did_you_mean(token.text, self._names)}", token.column
            )
        return variable


def did_you_mean(word: str, known: Mapping[str, object] | tuple[str, ...] | list[str]) -> str:
    """`; did you mean '..'?` where something known is close to `word`, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_MOST else f"{text[: SHOWN_MOST - 2]}.."


def _minus(number: Literal, column: int) -> Literal:
    return Literal(number.type, column, -number.value)  # type: ignore[operator]


def _number(token: _Token) -> Literal:
    digits = token.text.replace("_", "")
    if digits.isdigit():
        if len(digits) > 1 and digits[0] == "0":
            raise ExpressionError(f"found '{token.text}': a whole number does not start with 0", token.column)
        if len(digits) > DIGITS_MAX:
            raise ExpressionError(f"found '{token.text}': whole numbers have at most {DIGITS_MAX} digits", token.column)
        return Literal(INTEGER, token.column, int(digits))
    value = float(digits)
    if not math.isfinite(value):
        raise ExpressionError(f"found '{token.text}', which is not a finite number", token.column)
    return Literal(NUMBER, token.column, value)


def _family(kind: AttributeType) -> AttributeType:
    return NUMBER if kind in NUMERIC else kind


def _question_side(node: Node, word: str) -> Node:
    if node.type is not BOOLEAN:
        raise ExpressionError(f"'{word}' joins questions, found {TYPE_WORDS[node.type]}", node.column)
    return node


def _number_side(node: Node, token: _Token) -> Node:
    if isinstance(node, DaysSince):
        raise ExpressionError(
            "days_since(..) stands alone on one side of a comparison with a whole number", node.column
        )
    if node.type not in NUMERIC:
        raise ExpressionError(f"'{token.text}' is for numbers, found {TYPE_WORDS[node.type]}", node.column)
    return node


def _compared(token: _Token, left: Node, right: Node) -> Comparison:
    for side, other in ((left, right), (right, left)):
        if isinstance(side, DaysSince) and not (other.type is INTEGER and isinstance(other, Literal | Name)):
            raise ExpressionError(
                "days_since(..) stands alone on one side of a comparison with a whole number", side.column
            )
    if isinstance(left, Literal) and not isinstance(right, Literal):
        left = _matched(right, left, token.text)
    elif isinstance(right, Literal):
        right = _matched(left, right, token.text)
    if _family(left.type) is not _family(right.type):
        raise ExpressionError(
            f"'{token.text}' cannot compare {TYPE_WORDS[left.type]} with {TYPE_WORDS[right.type]}", token.column
        )
    if left.type in (CATEGORY, BOOLEAN) and token.text not in ("==", "!="):
        raise ExpressionError(f"{TYPE_WORDS[left.type]} is compared only by '==', '!=' and 'in'", token.column)
    return Comparison(BOOLEAN, left.column, token.text, left, right)


def _matched(operand: Node, literal: Literal, operator: str) -> Literal:
    """`literal` as a value of the operand's type, or the error that says why it cannot be."""
    if operand.type is DATE and literal.type is CATEGORY:
        return Literal(DATE, literal.column, _date(literal))
    if _family(operand.type) is not _family(literal.type):
        raise ExpressionError(
            f"'{operator}' cannot compare {TYPE_WORDS[operand.type]} with {TYPE_WORDS[literal.type]}", literal.column
        )
    return literal


def _date(literal: Literal) -> datetime.date:
    text = str(literal.value)
    if _DATE.fullmatch(text):
        with contextlib.suppress(ValueError):
            return datetime.date.fromisoformat(text)
    raise ExpressionError(f'found "{text}", a date is quoted like "2026-10-01"', literal.column)


def unallowed_values(node: Node, names: Mapping[str, Variable]) -> Iterator[tuple[int, str]]:
    """Yield character and message for every quoted value that its category does not allow."""
    for part in walk(node):
        match part:
            case Membership(operand=Name(name=name), members=members):
                found = [(name, member) for member in members]
            case (
                Comparison(left=Name(name=name), right=Literal(value=value))
                | Comparison(left=Literal(value=value), right=Name(name=name))
            ):
                found = [(name, value)]
            case _:
                continue
        for name, value in found:
            allowed = names[name].allowed
            if allowed is not None and isinstance(value, str) and value not in allowed:
                yield part.column, f"'{name}' does not allow \"{value}\"{did_you_mean(value, allowed)}"
