"""Random expressions as text, over names whose types are known.

`Author` writes questions and amounts the way the grammar allows, brackets only where it must or feels like it, so that
precedence is tried too. It remembers which literals stand beside which name: rows are then drawn near them.
"""

import datetime
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests import oracle

FAR_INTEGERS = (10**13, 10**13 + 1, 2**53 + 1, 10**17 + 1)
"""Whole numbers that a double cannot tell from their neighbours, or that no column holds."""
LEAF, NOT, AND, OR = range(4)
ATOM, PRODUCT, SUM = range(3)
DAYS = (-30, -1, 0, 1, 30, 90, 91, 365, 730, 731, 800)


@dataclass
class Known:
    """What a name stands for: its type, what it allows, and its value on a line with which all is well."""

    type: str
    good: Any
    allowed: list[Any] | None = None

    def allows(self, value: Any) -> bool:
        """Whether a snapshot may hold `value` here."""
        if value is None or self.allowed is None or not isinstance(value, int | float):
            return value is None or self.allowed is None or self.type == "boolean" or value in self.allowed
        return not math.isfinite(value) or self.allowed[0] <= value <= self.allowed[1]


@dataclass
class Author:
    """Writes expressions over `names`; `choose(n)` is whatever chance there is: a whole number from 0 to n - 1."""

    choose: Callable[[int], int]
    night: datetime.date
    names: dict[str, Known]
    near: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def pick(self, *options: Any) -> Any:
        """One of `options`."""
        return options[self.choose(len(options))]

    def some(self, options: Iterable[Any], least: int = 0, most: int | None = None) -> list[Any]:
        """Some of `options`, each at most once, in any order."""
        left = list(options)
        most = len(left) if most is None else min(most, len(left))
        return [left.pop(self.choose(len(left))) for _ in range(least + self.choose(most - least + 1))]

    def named(self, *kinds: str) -> str:
        """A name of one of these types."""
        return self.pick(*(name for name, known in self.names.items() if known.type in kinds))

    def value(self, text: str) -> Any:
        """What `text` gives on a line with which all is well."""
        good = {name: known.good for name, known in self.names.items()}
        return oracle.evaluate(oracle.parse(text), good, self.night)

    def leaning(self, wanted: bool, depth: int = 2) -> str:
        """A question that a line with which all is well usually answers with `wanted`."""
        text = self.question(depth)
        if self.pick(True, True, True, True, True, True, True, False) and self.value(text) is not wanted:
            return f"not ({text})" if self.value(text) is (not wanted) else str(wanted).lower()
        return text

    def question(self, depth: int = 2) -> str:
        return self._question(depth)[0]

    def amount(self, depth: int = 2) -> str:
        return self._amount(depth)[0]

    def _question(self, depth: int) -> tuple[str, int]:
        shape = self.pick("leaf", "leaf", "and", "or", "not", "alike") if depth else "leaf"
        if shape == "leaf":
            return self._leaf(), LEAF
        if shape == "not":
            return f"not {self._within(NOT, depth)}", NOT
        if shape == "alike":
            return f"{self._within(-1, depth)} {self.pick('==', '!=')} {self._within(-1, depth)}", LEAF
        rank = AND if shape == "and" else OR
        return f" {shape} ".join(self._within(rank - 1, depth) for _ in range(self.pick(2, 2, 3))), rank

    def _within(self, most: int, depth: int) -> str:
        """A smaller question, in brackets where its words bind less than `most`."""
        text, rank = self._question(depth - 1)
        return f"({text})" if rank > most or self.pick(False, False, False, True) else text

    def _leaf(self) -> str:
        write = self.pick(
            self._compared_numbers, self._compared_numbers, self._age, self._age, self._compared_dates,
            self._compared_categories, self._listed, self._yes_or_no, self._yes_or_no, self._missing,
        )  # fmt: skip
        return write()

    def _sign(self) -> str:
        return self.pick("==", "!=", "<", "<=", ">", ">=")

    def _either_way(self, left: str, sign: str, right: str) -> str:
        mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
        return self.pick(f"{left} {sign} {right}", f"{right} {mirrored} {left}")

    def _compared_numbers(self) -> str:
        if self.pick(True, True, False):
            name = self.named("integer", "number")
            return self._either_way(name, self._sign(), self.literal(name))
        return f"{self.amount(2)} {self._sign()} {self.amount(1)}"

    def literal(self, name: str) -> str:
        """A number near the good value of `name`, sometimes one that a double blurs."""
        known = self.names[name]
        near_good = [known.good + step for step in (0, 1, -1, 2, 0.5, -0.25)]
        value = self.pick(*near_good, *(FAR_INTEGERS if known.type == "integer" else (0.1, 1e300)))
        self.near[name] += [value, value + 1, value - 1]
        return repr(value)

    def _age(self) -> str:
        name, other = self.named("date"), self.named("integer")
        if self.pick(False, False, False, True):
            return self._either_way(f"days_since({name})", self._sign(), other)
        days = self.pick(*DAYS)
        self.near[name] += [self.night - datetime.timedelta(days=days + step) for step in (0, 1, -1, -100, -730)]
        return self._either_way(f"days_since({name})", self._sign(), repr(days))

    def _compared_dates(self) -> str:
        name, other = self.named("date"), self.named("date")
        if self.pick(False, True):
            self.near[name].append(self.names[other].good)
            return f"{name} {self._sign()} {other}"
        return self._either_way(name, self._sign(), self._quoted_date(name))

    def _quoted_date(self, name: str) -> str:
        date = self.names[name].good + datetime.timedelta(days=self.pick(0, 1, -1, 40))
        self.near[name] += [date, date + datetime.timedelta(days=1), date - datetime.timedelta(days=1)]
        return f'"{date.isoformat()}"'

    def _compared_categories(self) -> str:
        name, sign = self.named("category"), self.pick("==", "!=")
        if self.pick(False, False, True):
            return f"{name} {sign} {self.named('category')}"
        return self._either_way(name, sign, self._quoted(name))

    def _quoted(self, name: str) -> str:
        known = self.names[name]
        word = self.pick(known.good, *(known.allowed or ("red", "green", "elsewhere")))
        self.near[name].append(word)
        return self.pick(f'"{word}"', f"'{word}'")

    def _listed(self) -> str:
        name = self.named("integer", "number", "category", "category", "date", "boolean")
        write = {"category": self._quoted, "date": self._quoted_date, "boolean": lambda _: self.pick("true", "false")}
        members = [write.get(self.names[name].type, self.literal)(name) for _ in range(self.pick(1, 2, 3))]
        computed = self.names[name].type in ("integer", "number") and self.pick(False, False, True)
        return f"{self.amount(1) if computed else name} {self.pick('in', 'not in')} [{', '.join(members)}]"

    def _yes_or_no(self) -> str:
        name = self.named("boolean")
        return self.pick(name, name, f"not {name}", f"{name} == {self.pick('true', 'false')}", "true", "false")

    def _missing(self) -> str:
        return f"missing({self.pick(*self.names)})"

    def _amount(self, depth: int) -> tuple[str, int]:
        sign = self.pick("", "", "+", "-", "*", "/", "minus") if depth else ""
        if not sign:
            name = self.named("integer", "number")
            return self.pick(name, name, self.literal(name)), ATOM
        if sign == "minus":
            return f"-{self._operand(ATOM, depth)}", ATOM
        rank = SUM if sign in "+-" else PRODUCT
        return f"{self._operand(rank, depth)} {sign} {self._operand(rank - 1, depth)}", rank

    def _operand(self, most: int, depth: int) -> str:
        text, rank = self._amount(depth - 1)
        return f"({text})" if rank > most or self.pick(False, False, False, True) else text
