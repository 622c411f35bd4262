"""What is wrong with a file's values, in plain words and at places of the file, from what pydantic says about them."""

import copy
import datetime
import types
from collections.abc import Iterator
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.policy import Place, Problem
from tasks.decisioning.expressions import did_you_mean
from tasks.yaml_scalars import QUOTE_IT, ScalarRefused, plain_value, shortened

_KEY: Final = "[key]"
_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "date_type": "a date",
    "none_required": "null",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
}
_BOUNDS: Final = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_PLAIN: Final = {
    "missing": "is missing",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_too_long": "must be at most {max_length} characters long",
    "too_long": "must have at most {max_length} entries",
    "union_tag_not_found": "{discriminator} is missing: it says which keys belong here",
    "value_error": "{error}",
}
_PATTERNS: Final = {
    r"^[A-Za-z][A-Za-z0-9_]{0,63}$": "a letter, then at most 63 letters, digits or _",
    r"^[a-z][a-z0-9_]{0,63}$": "a small letter, then at most 63 small letters, digits or _",
    r"^[a-z0-9][a-z0-9_-]{0,63}$": "at most 64 small letters, digits, _ or -, the first a letter or digit",
    r"^[A-Z]{3}$": "three capital letters, such as EUR",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "the name of a variable: letters, digits or _, the first no digit",
    r"\S": "text that is not blank",
}


def problems_of(error: ValidationError, shape: type[BaseModel]) -> list[Problem]:
    """One problem for every place of which `error` complains, in the order of the complaints.

    Args:
        error: what validating a file's value as `shape` raised, in Python mode.
        shape: the model; its annotations tell keys of the file from branches of a union.
    """
    complaints: dict[Place, list[tuple[ErrorDetails, tuple[str, ...]]]] = {}
    for item in error.errors(include_url=False):
        place, known = _place(shape, item)
        complaints.setdefault(place, []).append((item, known))
    return [
        Problem(place, message) for place, items in complaints.items() for message in dict.fromkeys(_messages(items))
    ]


def without_unknown_keys(value: Any, error: ValidationError) -> Any:
    """A copy of a file's `value` without the keys of which `error` says that nobody knows them."""
    known = copy.deepcopy(value)
    for item in error.errors(include_url=False, include_input=False):
        if item["type"] != "extra_forbidden":
            continue
        part = known
        for key in item["loc"][:-1]:
            part = part[key] if isinstance(part, list) or key in part else part
        if isinstance(part, dict):
            part.pop(item["loc"][-1], None)
    return known


def dotted(place: Place) -> str:
    """A place in words: `limit.bands[entry 2].limit_bp`; entries count from 1."""
    words = ""
    for part in place:
        if isinstance(part, int) and not isinstance(part, bool):
            words += f"[entry {part + 1}]"
        else:
            words += f".{_key_text(part)}" if words else _key_text(part)
    return words


def found(value: object) -> str:
    """What stands in a file: its type and, shortened, its value; never an address, which may hold a password."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int():
            return f"the whole number {shortened(str(value))}"
        case float():
            return f"the number {value}"
        case str() if "://" in value:
            return "an address (not shown)"
        case str():
            return f"the text '{shortened(value)}'"
        case datetime.date():
            return f"the date {value}"
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return "something else"


def _place(shape: type[BaseModel], item: ErrorDetails) -> tuple[Place, tuple[str, ...]]:
    """Where in the file a complaint belongs, and the keys that are known beside its last part."""
    current: Any = shape
    known: tuple[str, ...] = ()
    place: list[str | int] = []
    for part in item["loc"]:
        if part == _KEY:
            break
        members = _members(current)
        if len(members) > 1:
            current = _branch(members, str(part))
            continue
        known = _keys(members[0]) if members else ()
        is_entry = bool(members) and get_origin(members[0]) in (tuple, list)
        place.append(bool(part) if isinstance(part, int) and not is_entry else part)
        current = _below(members[0], part) if members else None
    return tuple(place), known


def _members(annotation: Any) -> list[Any]:
    """The types that an annotation allows beside None, without what is only added to them."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for each in get_args(annotation) for member in _members(each)]
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return _members(annotation.model_fields["root"].annotation)
    return [] if annotation in (None, type(None)) else [annotation]


def _branch(members: list[Any], label: str) -> Any:
    """The member of a union that pydantic calls by its class or by its discriminator's value."""
    for member in members:
        if isinstance(member, type) and issubclass(member, BaseModel):
            tags = {tag for field in member.model_fields.values() for tag in get_args(field.annotation)}
            if label == member.__name__ or label in tags:
                return member
    return None


def _keys(member: Any) -> tuple[str, ...]:
    if isinstance(member, type) and issubclass(member, BaseModel):
        return tuple(field.alias or name for name, field in member.model_fields.items())
    return ()


def _below(member: Any, part: str | int) -> Any:
    """The annotation of what stands under one key or index."""
    if isinstance(member, type) and issubclass(member, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in member.model_fields.items()}
        return fields.get(str(part))
    arguments = get_args(member)
    if get_origin(member) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _messages(items: list[tuple[ErrorDetails, tuple[str, ...]]]) -> Iterator[str]:
    """What to say about one place; where a union complains once per branch, the branch of the right type speaks."""
    kinds = {item["type"] for item, _ in items}
    wrong_type = kinds & set(_EXPECTED)
    if wrong_type and kinds == wrong_type:
        expected = list(dict.fromkeys(_EXPECTED[item["type"]] for item, _ in items))
        yield _type_message(expected, items[0][0])
        return
    for item, known in items:
        if item["type"] not in _EXPECTED:
            yield _message(item, known)


def _type_message(expected: list[str], item: ErrorDetails) -> str:
    value = item["input"]
    wanted = " or ".join(expected)
    at = "expected a key that is" if _KEY in item["loc"] else "expected"
    hint = ""
    if "text" in expected and isinstance(value, bool | int | float | datetime.date):
        hint = f"; {QUOTE_IT}"
    elif isinstance(value, str) and _fits_unquoted(value, expected):
        hint = "; write it without quotes"
    return f"{at} {wanted}, found {found(value)}{hint}"


def _fits_unquoted(text: str, expected: list[str]) -> bool:
    try:
        value = plain_value(text)
    except ScalarRefused:
        return False
    kinds: dict[str, tuple[type, ...]] = {
        "a whole number": (int,), "a number": (int, float), "true or false": (bool,), "a date": (datetime.date,),
    }  # fmt: skip
    return type(value) in {kind for words in expected for kind in kinds.get(words, ())}


def _message(item: ErrorDetails, known: tuple[str, ...]) -> str:
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    last = str(item["loc"][-1]) if item["loc"] else ""
    if kind in _PLAIN:
        return _PLAIN[kind].format(**context)
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"must be {words} {context[key]}, found {found(value)}"
    match kind:
        case "extra_forbidden":
            return f"unknown key '{shortened(last)}'{did_you_mean(last, known)}"
        case "invalid_key":
            return f"expected a key that is text, found {found(value)}; {QUOTE_IT}"
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return f"expected {_PATTERNS.get(pattern, f'text of the form {pattern}')}, found {found(value)}"
        case "enum" | "literal_error" | "union_tag_invalid":
            return _choice_message(value, context)
    return f"{item['msg']}, found {found(value)}"


def _choice_message(value: Any, context: dict[str, Any]) -> str:
    expected = str(context.get("expected_tags") or context["expected"])
    given = context.get("tag", value)
    hint = (
        did_you_mean(given, expected.replace("'", "").replace(" or ", ", ").split(", "))
        if isinstance(given, str)
        else ""
    )
    return f"expected {expected.replace(chr(39), '')}, found {found(given)}{hint}"


def _key_text(part: str | int) -> str:
    return str(part).lower() if isinstance(part, bool) else shortened(str(part))
