"""Values, expressions and steps of a policy in words, in English or Chinese."""

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.explanation import Condition, ConditionKind, ScoreStep, Value
from schemas.vocabulary import AttributeType
from tasks import notice_texts, wording
from tasks.decisioning import tree
from tasks.decisioning.expressions import parse_amount, parse_question
from tasks.decisioning.rules import Rules
from tasks.explanation_words import VOCABULARIES, Vocabulary

FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
SIGNS: Final = {"+": "+", "-": "\N{MINUS SIGN}", "*": "\N{MULTIPLICATION SIGN}", "/": "/"}
SUFFIXES: Final = {"_cents": "cents", "_bp": "basis points"}
NO_BREAK: Final = wording.NO_BREAK
BETWEEN_CHINESE: Final = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


@dataclass(frozen=True)
class Speaker:
    """Says what stands in an explanation.

    Args:
        language: `en` or `zh`.
        currency: the portfolio's.
        rules: the policy of the night: the types and units of names.
        words: the series' own words by name, `name.value` or id.
        business_date: dates are said with how long ago they are.
    """

    language: str
    currency: str
    rules: Rules
    words: Mapping[str, str]
    business_date: datetime.date

    @property
    def vocabulary(self) -> Vocabulary:
        return VOCABULARIES[self.language]

    def phrase(self, name: str, **places: str) -> str:
        """A phrase of the vocabulary with its places filled; between two Chinese signs stands no space."""
        return BETWEEN_CHINESE.sub("", self.vocabulary.phrases[name].format(**places))

    def day(self, date: datetime.date) -> str:
        """A date in full, never broken over two lines."""
        said = wording.day(date) if self.language == "en" else notice_texts.chinese_day(date)
        return said.replace(" ", NO_BREAK)

    def last_day(self, until: datetime.date) -> str:
        """The last day before `until`, the first one without access."""
        return self.day(until - datetime.timedelta(days=1))

    def money(self, cents: int) -> str:
        """An amount with its currency, never broken over two lines."""
        write = wording.money if self.language == "en" else notice_texts.chinese_money
        return write(cents, self.currency).replace(" ", NO_BREAK)

    def counted(self, count: float, unit: str) -> str:
        """A number with its unit."""
        if unit not in self.vocabulary.units:
            return f"{_digits(count)}{NO_BREAK}{unit}"
        one, many = self.vocabulary.units[unit]
        return f"{_digits(count)}{NO_BREAK}{one if count == 1 else many}"

    def share(self, basis_points: float) -> str:
        """Basis points as per cent."""
        return f"{_digits(basis_points / 100)}{NO_BREAK}%"

    def called(self, name: str) -> str:
        """What an attribute or column is called."""
        if name in self.words:
            return self.words[name]
        if name in self.vocabulary.columns:
            return self.vocabulary.columns[name]
        ending = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
        return name.removesuffix(ending).replace("_", " ") if self.language == "en" else name

    def asks(self, question: str, says: str | None) -> str:
        """What a question, cap or freeze of the policy asks; the policy's own words are English."""
        own = says if self.language == "en" else None
        return self.words.get(question) or own or question

    def amount(self, name: str, value: Any) -> str:
        """One value of a name, with its unit."""
        known = self.rules.names.get(name)
        if isinstance(value, bool):
            return self.phrase("true" if value else "false")
        if isinstance(value, datetime.date):
            return self.day(value)
        if known and known.type is AttributeType.DATE:
            return self.day(datetime.date.fromisoformat(str(value)))
        if isinstance(value, str):
            return self._category(name, value)
        return self.number(value, self._unit(tree.Name(AttributeType.NUMBER, 0, name)))

    def number(self, value: float, unit: str | None) -> str:
        """A number in its unit."""
        if unit == "cents":
            return self.money(int(value))
        if unit == "basis points":
            return self.share(value)
        return self.counted(value, unit) if unit else _digits(value)

    def _unit(self, node: tree.Node) -> str | None:
        """The unit of a name, or of a sum of amounts; a product or quotient of two units has none."""
        match node:
            case tree.Name(name=name):
                attribute = self.rules.policy.attributes.get(name)
                ending = next((unit for suffix, unit in SUFFIXES.items() if name.endswith(suffix)), None)
                return (attribute.unit if attribute else None) or ending
            case tree.Negative(operand=part):
                return self._unit(part)
            case tree.Arithmetic(operator=sign, left=left, right=right):
                first, second = self._unit(left), self._unit(right)
                if sign in "+-":
                    return first or second
                return None if first and second else first or (second if sign == "*" else None)
        return None

    def _category(self, name: str, value: str) -> str:
        known = {"closure_cause": self.vocabulary.causes, "closure_initiator": self.vocabulary.initiators}.get(name, {})
        if said := self.words.get(f"{name}.{value}") or known.get(value):
            return said[0].lower() + said[1:] if known and self.language == "en" else said
        is_code = value.islower() and value.replace("_", "").isalnum()
        return value.replace("_", " ") if self.language == "en" and is_code else value

    def value(self, found: Value) -> str:
        """The value found, a date with how long ago it was; nothing for one that is missing."""
        if found.value is None:
            return ""
        said = self.amount(found.name, found.value)
        if found.type is not AttributeType.DATE:
            return said
        days = (self.business_date - datetime.date.fromisoformat(str(found.value))).days
        return self.phrase("ago" if days >= 0 else "ahead", left=said, right=self.counted(abs(days), "days"))

    def needed(self, condition: Condition) -> str:
        """What a condition asks of the values, in words."""
        node = parse_question(condition.expression, self.rules.names)
        return self.expression(tree.Not(node.type, node.column, node) if _is_reverse(condition) else node)

    def computed(self, expression: str) -> str:
        """How a cap is computed, in words."""
        return self.expression(parse_amount(expression, self.rules.names))

    def expression(self, node: tree.Node, *, inner: bool = False) -> str:
        """An expression in words; `inner` asks for brackets around what has several parts."""
        match node:
            case tree.Name(name=name) if node.type is AttributeType.BOOLEAN:
                return self.phrase("==", left=self.called(name), right=self.phrase("true"))
            case tree.Missing(name=name):
                return self.phrase("missing", left=self.called(name))
            case tree.All(operands=parts):
                return self._joined(parts, self.phrase("all"), inner=inner)
            case tree.Any(operands=parts):
                return self._joined(parts, self.phrase("any"), inner=inner)
            case tree.Not(operand=part):
                return self._negation(part)
            case tree.Comparison():
                return self._comparison(node)
            case tree.Membership(operand=operand, members=members):
                name = operand.name if isinstance(operand, tree.Name) else ""
                return self.phrase("in", left=self.expression(operand), right=self._listed(name, members))
        return self._quantity(node)

    def _quantity(self, node: tree.Node) -> str:
        match node:
            case tree.Name(name=name):
                return self.called(name)
            case tree.DaysSince(name=name):
                return self.phrase("since", left=self.called(name))
            case tree.Literal(value=value):
                return self.amount("", value)
            case tree.Negative(operand=part):
                return f"{SIGNS['-']}{self._term(part, divides=True)}"
            case tree.Arithmetic(operator=sign, left=left, right=right):
                unit = self._unit(node) if sign in "+-" else None
                return f"{self._term(left, unit)} {SIGNS[sign]} {self._term(right, unit, divides=sign == '/')}"
        raise TypeError(f"{type(node).__name__} has no words")

    def step(self, step: ScoreStep) -> str:
        """What an attribute must come to for a step of the score."""
        name = step.attribute
        left = self.called(name)
        low = None if step.at_least is None else self.amount(name, step.at_least)
        high = None if step.below is None else self.amount(name, step.below)
        if low and high:
            return self.phrase("from to", left=left, low=low, high=high)
        if low or high:
            return self.phrase(">=" if low else "<", left=left, right=low or high or "")
        known = self.rules.names[name].type is AttributeType.BOOLEAN
        values = [value == "true" if known else value for value in step.values or ()]
        return self.phrase("in", left=left, right=self._listed(name, values))

    def _listed(self, name: str, values: Iterable[Any]) -> str:
        *first, last = (self.amount(name, value) for value in values)
        return self.phrase("list").join([self.phrase("comma").join(first), last] if first else [last])

    def _joined(self, parts: Any, between: str, *, inner: bool) -> str:
        said = between.join(self.expression(part, inner=True) for part in parts)
        return self.phrase("brackets", left=said) if inner else said

    def _term(self, node: tree.Node, unit: str | None = None, *, divides: bool = False) -> str:
        """A part of a sum or product, in brackets where it needs them; a number of a sum has the sum's unit."""
        if isinstance(node, tree.Literal):
            return self.number(float(node.value), unit)  # type: ignore[arg-type]
        is_sum = isinstance(node, tree.Arithmetic) and (divides or node.operator in "+-")
        said = self.expression(node)
        return self.phrase("brackets", left=said) if is_sum else said

    def _negation(self, part: tree.Node) -> str:
        opposite = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
        match part:
            case tree.Not(operand=inside):
                return self.expression(inside)
            case tree.Name(name=name):
                return self.phrase("==", left=self.called(name), right=self.phrase("false"))
            case tree.Comparison(operator=sign):
                turned = tree.Comparison(part.type, part.column, opposite[sign], part.left, part.right)
                return self._comparison(turned)
        return self.phrase("not", left=self.expression(part))

    def _comparison(self, node: tree.Comparison) -> str:
        left, right, sign = node.left, node.right, node.operator
        if isinstance(left, tree.Literal) and not isinstance(right, tree.Literal):
            left, right, sign = right, left, FLIPPED[sign]
        if isinstance(left, tree.DaysSince) and isinstance(right, tree.Literal):
            days = self.counted(float(right.value), "days")  # type: ignore[arg-type]
            return self.phrase(f"ago {sign}", left=self.called(left.name), right=days)
        if left.type is AttributeType.DATE:
            sign = f"day {sign}"
        if isinstance(left, tree.Name) and isinstance(right, tree.Literal):
            return self.phrase(sign, left=self.called(left.name), right=self.amount(left.name, right.value))
        unit = self._unit(left) or self._unit(right)
        sides = (self._side(left, unit), self._side(right, unit))
        return self.phrase(sign, left=sides[0], right=sides[1])

    def _side(self, node: tree.Node, unit: str | None) -> str:
        is_number = isinstance(node, tree.Literal) and node.type in tree.NUMERIC
        return self._term(node, unit) if is_number else self.expression(node, inner=True)


def _is_reverse(condition: Condition) -> bool:
    """Whether the expression asks what would close the line, so that its opposite is what is needed."""
    return condition.kind is ConditionKind.PROBATION


def _digits(value: float) -> str:
    """A number with thousands separators, without digits after the point that say nothing."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace("-", "\N{MINUS SIGN}")
    return f"{value:,.4f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")
