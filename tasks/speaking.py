"""Questions, caps and steps of a policy in words, in English or Chinese."""

import math
from collections.abc import Iterable
from typing import Any, Final

from schemas.explanation import Cap, Condition, ConditionKind, ScoreStep
from schemas.vocabulary import AttributeType
from tasks.decisioning import tree
from tasks.decisioning.expressions import parse_amount, parse_question
from tasks.speaking_values import NO_BREAK, ValueSpeaker

FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
SIGNS: Final = {"+": "+", "-": "\N{MINUS SIGN}", "*": "\N{MULTIPLICATION SIGN}", "/": "/"}


class Speaker(ValueSpeaker):
    """Says what stands in an explanation."""

    def asks(self, asked: Condition | Cap) -> str:
        """What a question or cap of the policy asks, as a sentence.

        The policy's own words are English; where there are none, it is its expression that is said.
        """
        if isinstance(asked, Condition) and asked.kind is ConditionKind.PROBATION:
            return self.phrase("probation")
        if said := self.words.get(asked.id) or (asked.says if self.language == "en" else None):
            return said.replace(" %", f"{NO_BREAK}%")
        if isinstance(asked, Cap):
            return self._sentence(self.phrase("cap", left=self.computed(asked.expression)))
        return self._sentence(self.needed(asked))

    def _sentence(self, said: str) -> str:
        return self.phrase("sentence", left=said[0].upper() + said[1:] if self.language == "en" else said)

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
                return self._truth(name, is_so=True)
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

    def _truth(self, name: str, *, is_so: bool) -> str:
        return self.stated(name, is_so) or self.phrase("so" if is_so else "not so", left=self.called(name))

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
        name, low, high = step.attribute, step.at_least, step.below
        left, known = self.called(name), self.rules.names[name].type
        if step.values is not None:
            values = [value == "true" if known is AttributeType.BOOLEAN else value for value in step.values]
            said = self.stated(name, values[0]) if len(values) == 1 else None
            return said or self.phrase("in", left=left, right=self._listed(name, values))
        if high is not None and known is AttributeType.INTEGER and (exact := self._only_below(name, low, high)):
            return exact
        if low is not None and high is not None:
            return self.phrase("from to", left=left, low=self.amount(name, low), high=self.amount(name, high))
        edge = (">=", low) if low is not None else ("<", high)
        return self.phrase(edge[0], left=left, right=self.amount(name, edge[1]))

    def _only_below(self, name: str, low: float | None, high: float) -> str | None:
        """What whole numbers below an edge are called if there is only one, or if they count things."""
        most, attribute = math.ceil(high) - 1, self.rules.policy.attributes[name]
        least = low if low is not None else float(attribute.allowed[0]) if attribute.allowed else None
        if least == most:
            return self.phrase("==", left=self.called(name), right=self.exactly(name, most))
        if low is None and attribute.unit is None:
            return self.phrase("<=", left=self.called(name), right=self.amount(name, most))
        return None

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
                return self._truth(name, is_so=False)
            case tree.Missing(name=name):
                return self.phrase("known", left=self.called(name))
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
            if isinstance(right.value, bool):
                return self._truth(left.name, is_so=right.value is (sign == "=="))
            if sign in ("==", "!=") and (said := self.stated(left.name, right.value, sign)):
                return said
            write = self.exactly if sign == "==" else self.amount
            return self.phrase(sign, left=self.called(left.name), right=write(left.name, right.value))
        unit = self._unit(left) or self._unit(right)
        sides = (self._side(left, unit), self._side(right, unit))
        return self.phrase(sign, left=sides[0], right=sides[1])

    def _side(self, node: tree.Node, unit: str | None) -> str:
        is_number = isinstance(node, tree.Literal) and node.type in tree.NUMERIC
        return self._term(node, unit) if is_number else self.expression(node, inner=True)


def _is_reverse(condition: Condition) -> bool:
    """Whether the expression asks what would close the line, so that its opposite is what is needed."""
    return condition.kind is ConditionKind.PROBATION
