"""What customers read when access to their line changes, in English and Chinese.

A template is a text file: its first line is the subject, the rest the body. Facts are put into it as they are and
never read as a template themselves.
"""

import datetime
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from schemas.errors import ConfigurationError
from schemas.vocabulary import NoticeKind
from tasks.wording import MONTHS, amount

Language = Literal["en", "zh"]

NEEDED: Final[Mapping[NoticeKind, tuple[str, ...]]] = {
    NoticeKind.LINE_REOPENED: ("limit_cents",),
    NoticeKind.LINE_TEMPORARILY_REOPENED: ("limit_cents", "valid_until"),
    NoticeKind.TEMPORARY_LINE_EXPIRED: ("valid_until",),
    NoticeKind.LINE_RECLOSED: ("reasons",),
    NoticeKind.LINE_WITHDRAWN: (),
    NoticeKind.CORRECTION_LINE_OPEN: ("limit_cents",),
    NoticeKind.CORRECTION_LINE_CLOSED: (),
}
"""The kinds that customers get, and the facts that each of them tells beside lender, currency and business date."""

CHINESE_UNITS: Final[Mapping[str, str]] = {
    "CNY": "元", "HKD": "港元", "MOP": "澳门元", "TWD": "新台币元", "USD": "美元", "EUR": "欧元", "GBP": "英镑",
    "JPY": "日元", "SGD": "新加坡元",
}  # fmt: skip

DIRECTION_SIGNS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of reading, so that a text can look like another."""


@dataclass(frozen=True)
class Rendered:
    """A notice ready to be sent: one line of subject, and the body."""

    subject: str
    body: str


def _one_line(text: str) -> str:
    for at, sign in enumerate(text):
        if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} or DIRECTION_SIGNS.match(sign):
            raise ValueError(f"holds a control character or a line break, U+{ord(sign):04X} at place {at + 1}")
    return text


def _date(value: object) -> object:
    """Only a date or its ISO text: a number would be read as seconds since 1970."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str):
        return datetime.date.fromisoformat(value)
    raise ValueError("is not a date such as 2026-11-05")


Said = Annotated[str, Field(strict=True, min_length=1, max_length=2000), AfterValidator(_one_line)]
Day = Annotated[datetime.date, BeforeValidator(_date)]


class Fact(BaseModel):
    """A frozen part of what a notice tells."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Reason(Fact):
    """Why, and what helps, in the language of the notice."""

    means: Said
    helps: Said


class Facts(Fact):
    """Everything that a notice may tell; `valid_until` is the first day without access."""

    lender: Annotated[Said, Field(max_length=200)]
    currency: Annotated[str, Field(pattern=r"\A[A-Z]{3}\z")]
    business_date: Day
    limit_cents: Annotated[int, Field(strict=True, gt=0)] | None = None
    valid_until: Day | None = None
    reasons: tuple[Reason, ...] = ()


def render_notice(kind: str, language: str, facts: Mapping[str, Any], templates: Path) -> Rendered:
    """Write a customer's notice.

    Args:
        kind: one of the customer's kinds of `NoticeKind`.
        language: `en` or `zh`.
        facts: `lender`, `currency`, `business_date`, and what the kind needs of `limit_cents`, `valid_until` and
            `reasons`, each of which has `means` and `helps`. Dates may be ISO texts.
        templates: the folder that holds `notices/`.

    Raises:
        ValueError: a kind or language that there is no notice for, or a fact that is missing, misshapen or holds
            line breaks or control characters; the message never holds the value.
        ConfigurationError: a template that is missing or wrong.
    """
    name = f"notices/{_kind(kind)}.{_language(language)}.txt.j2"
    known = _facts(NoticeKind(kind), facts)
    try:
        text = _environment(templates.resolve()).get_template(name).render(_said(known, language))
    except TemplateNotFound:
        raise ConfigurationError(f"{templates / name}: this notice template is missing") from None
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"{templates / name}:{error.lineno}: {error.message}") from None
    except TemplateError as error:
        raise ConfigurationError(f"{templates / name}: {error.message}") from None
    subject, _, body = text.partition("\n")
    if not subject.strip() or not body.strip():
        raise ConfigurationError(f"{templates / name}: the first line must be the subject, and a body must follow")
    return Rendered(subject.strip(), body.strip() + "\n")


def english_day(date: datetime.date) -> str:
    """Write a date for customers, such as `5 November 2026`."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def chinese_day(date: datetime.date) -> str:
    """Write a date for customers, such as `2026 年 11 月 5 日`."""
    return f"{date.year} 年 {date.month} 月 {date.day} 日"


def english_money(cents: int, currency: str) -> str:
    """Write an amount for customers, such as `CNY 12,000`."""
    return f"{currency} {amount(cents, currency)}"


def chinese_money(cents: int, currency: str) -> str:
    """Write an amount for customers, such as `12,000 元`, and with the code where a currency has no known name."""
    unit = CHINESE_UNITS.get(currency)
    return f"{amount(cents, currency)} {unit}" if unit else english_money(cents, currency)


DAYS: Final = {"en": english_day, "zh": chinese_day}
MONIES: Final = {"en": english_money, "zh": chinese_money}


def _kind(kind: str) -> str:
    if kind not in NEEDED:
        raise ValueError(f"no notice for customers is of this kind; there are {', '.join(NEEDED)}")
    return NoticeKind(kind).value


def _language(language: str) -> str:
    if language not in get_args(Language):
        raise ValueError(f"no notice is written in this language; there are {', '.join(get_args(Language))}")
    return language


def _facts(kind: NoticeKind, facts: Mapping[str, Any]) -> Facts:
    try:
        known = Facts.model_validate(dict(facts))
    except ValidationError as error:
        found = ((".".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_input=False))
        wrong = "; ".join(f"{name}: {said}" for name, said in found)
    else:
        missing = [name for name in NEEDED[kind] if not getattr(known, name)]
        if not missing:
            return known
        wrong = f"{', '.join(missing)} must be told"
    raise ValueError(f"facts of a {kind} notice: {wrong}")


def _said(facts: Facts, language: str) -> dict[str, object]:
    """The names that templates use: every fact in words of the language."""
    day, money = DAYS[language], MONIES[language]
    ends = facts.valid_until
    said: dict[str, object] = {
        "lender": facts.lender,
        "business_date": day(facts.business_date),
        "reasons": facts.reasons,
    }
    if facts.limit_cents is not None:
        said["limit"] = money(facts.limit_cents, facts.currency)
    if ends is not None:
        said |= {"last_day": day(ends - datetime.timedelta(days=1)), "first_day_without": day(ends)}
    return said


@lru_cache(maxsize=8)
def _environment(templates: Path) -> ImmutableSandboxedEnvironment:
    """Plain text, so nothing is escaped; a template reaches nothing but the facts."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(templates),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
