"""Dates, amounts and values of a line in words, in English or Chinese."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.explanation import Unknown, Value
from schemas.vocabulary import AttributeType
from tasks import notice_texts, wording
from tasks.decisioning import tree
from tasks.decisioning.rules import Rules
from tasks.explanation_words import VOCABULARIES, Vocabulary

SUFFIXES: Final = {"_cents": "cents", "_bp": "basis points"}
NO_BREAK: Final = wording.NO_BREAK
BETWEEN_CHINESE: Final = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


@dataclass(frozen=True)
class ValueSpeaker:
    """Says what a line was found to be.

    Args:
        language: `en` or `zh`.
        currency: the portfolio's.
        rules: the policy of the night: the types and units of names.
        words: the series' own words: see `tasks.series_words`.
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
            return f"{digits(count)}{NO_BREAK}{unit}"
        one, many = self.vocabulary.units[unit]
        return f"{digits(count)}{NO_BREAK}{one if count == 1 else many}"

    def share(self, basis_points: float) -> str:
        """Basis points as per cent."""
        return f"{digits(basis_points / 100)}{NO_BREAK}%"

    def called(self, name: str) -> str:
        """What an attribute or column is called."""
        if name in self.words:
            return self.words[name]
        if name in self.vocabulary.columns:
            return self.vocabulary.columns[name]
        ending = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
        return name.removesuffix(ending).replace("_", " ") if self.language == "en" else name

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
        return self.counted(value, unit) if unit else digits(value)

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

    def stated(self, name: str, value: Any, sign: str = "==") -> str | None:
        """The series' own words for "it is" or "it is not" this value, if it has any."""
        said = str(value).lower() if isinstance(value, bool) else value
        return self.words.get(f"{name}.{'is' if sign == '==' else 'not'}.{said}")

    def exactly(self, name: str, value: Any) -> str:
        """One value of a name where it stands alone: no count of things reads `0`."""
        is_count = name.endswith("_count") and self._unit(tree.Name(AttributeType.NUMBER, 0, name)) is None
        return self.phrase("no count") if is_count and value == 0 else self.amount(name, value)

    def value(self, found: Value) -> str:
        """The value found, a date with how long ago it was; nothing for one that is missing."""
        if found.value is None:
            return ""
        said = self.exactly(found.name, found.value)
        if found.type is not AttributeType.DATE:
            return said
        days = (self.business_date - datetime.date.fromisoformat(str(found.value))).days
        return self.phrase("ago" if days >= 0 else "ahead", left=said, right=self.counted(abs(days), "days"))

    def found(self, value: Value) -> str:
        """What was found under a name, or that it is not known, and why."""
        left = self.called(value.name)
        if value.unknown is None:
            said = self.stated(value.name, value.value)
            return said or self.phrase("found", left=left, right=self.value(value))
        if value.unknown is Unknown.MISSING:
            return self.phrase("none" if value.is_none else "unknown", left=left)
        if value.unknown_since is None or value.observed_on is None:
            return self.phrase("undated", left=left)
        return self.phrase(
            "too old",
            left=left,
            since=self.day(value.unknown_since),
            on=self.day(value.observed_on),
            right=self.value(value),
            days=self.counted(value.max_age_days or 0, "days"),
        )

    def all_called(self, names: tuple[str, ...]) -> str:
        """What some attributes are called."""
        return self.phrase("comma").join(self.called(name) for name in names)


def digits(value: float) -> str:
    """A number with thousands separators, without digits after the point that say nothing."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace("-", "\N{MINUS SIGN}")
    return f"{value:,.4f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")
