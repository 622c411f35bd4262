"""Reading the project's YAML files strictly: what stands there is what is meant, or the file is refused with its lines.

One pass over the parser's events builds plain Python values and notes the line of every place. Aliases are never
followed and nothing is resolved, so a small file cannot become a large value.
"""

import contextlib
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from schemas.errors import FileRefused, Finding
from schemas.policy import Place, Problem
from tasks.shape_problems import dotted, problems_of, without_unknown_keys
from tasks.yaml_scalars import QUOTE_IT, ScalarRefused, plain_value, shortened

SIZE_MAX_BYTES: Final = 1024 * 1024
DEPTH_MAX: Final = 30
BYTE_ORDER_MARK: Final = "\ufeff"

ShapeT = TypeVar("ShapeT", bound=BaseModel)

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_REFUSED: Final = object()


@dataclass(frozen=True)
class Document:
    """A file that was read: its value, its text, and the line of every place in it.

    `text` encodes to exactly the bytes of the file, of which `sha256` is the hash.
    """

    path: Path
    value: Any
    text: str
    sha256: str
    lines: dict[Place, int] = field(repr=False)
    doubts: tuple[Finding, ...] = field(default=(), repr=False)
    """What could be read in two ways."""
    unread: frozenset[Place] = field(default=frozenset(), repr=False)
    """The places of values that could be; something that fits no shape stands there."""

    def line_of(self, place: Place) -> int:
        """The line, from 1, of `place` (for a key, the line of the key) or of what is nearest around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def findings(self, problems: Iterable[Problem]) -> list[Finding]:
        """Problems of this file with their lines, their places in words."""
        return [self.finding(problem) for problem in problems]

    def finding(self, problem: Problem) -> Finding:
        """One problem of this file with its line."""
        where = dotted(problem.place)
        return Finding(
            str(self.path), self.line_of(problem.place), f"{where}: {problem.message}" if where else problem.message
        )


def read_yaml(path: Path) -> Document:
    """Read one strict YAML file.

    Values are dict, list, str, int, float, bool, None and datetime.date; keys are text, `true` or `false`.

    Raises:
        FileRefused: the file cannot be read, is not whole, or holds something that could be read in two ways.
    """
    document = read_on(path)
    if document.doubts:
        raise FileRefused(document.doubts)
    return document


def read_on(path: Path) -> Document:
    """Read one strict YAML file as `read_yaml` does, past what it would refuse: `doubts` says what.

    Raises:
        FileRefused: the file cannot be read, is not whole, or is not YAML.
    """
    content = _bytes_of(path)
    text = _text_of(path, content)
    built = _built(text)
    findings = [Finding(str(path), line, message) for line, message in built.said]
    if built.is_broken:
        raise FileRefused(findings)
    digest = hashlib.sha256(content).hexdigest()
    return Document(path, built.value, text, digest, built.lines, tuple(findings), frozenset(built.unread))


def shaped(document: Document, shape: type[ShapeT]) -> tuple[ShapeT | None, list[Finding]]:
    """The value of `document` as `shape` without what the shape does not know, and everything that is wrong with it.

    The value is None where more is wrong than keys that are unknown.
    """
    findings = list(document.doubts)
    try:
        return shape.model_validate(document.value), findings
    except ValidationError as error:
        problems = [problem for problem in problems_of(error, shape) if problem.place not in document.unread]
        known = without_unknown_keys(document.value, error)
    findings += document.findings(problems)
    with contextlib.suppress(ValidationError):
        return shape.model_validate(known), findings
    return None, findings


def validate_shape(document: Document, shape: type[ShapeT]) -> ShapeT:
    """The value of `document` as `shape`.

    Raises:
        FileRefused: with one finding for every place that does not fit.
    """
    try:
        return shape.model_validate(document.value)
    except ValidationError as error:
        problems = problems_of(error, shape)
    raise FileRefused(document.findings(problems))


def _bytes_of(path: Path) -> bytes:
    try:
        is_file = path.is_file()
        with path.open("rb") as file:
            content = file.read(SIZE_MAX_BYTES + 1) if is_file else b""
    except OSError as error:
        reason = error.strerror or type(error).__name__
    else:
        if not is_file:
            raise _refused(path, 1, "expected a file, found something else; name a YAML file")
        if len(content) > SIZE_MAX_BYTES:
            raise _refused(path, 1, "found more than 1 MiB; a file that people write is smaller: split it")
        return content
    raise _refused(path, 1, f"cannot be read: {reason}")


def _text_of(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    else:
        if not text.removeprefix(BYTE_ORDER_MARK).strip():
            raise _refused(path, 1, "found an empty file; it may have been cut off: write it again")
        if not text.endswith("\n"):
            last = text.count("\n") + 1
            words = (
                "found no newline at the end; the file may be half-written: save it whole, with a newline at its end"
            )
            raise _refused(path, last, words)
        return text
    raise _refused(path, line, "found bytes that are not UTF-8; save the file as UTF-8")


def _refused(path: Path, line: int, message: str) -> FileRefused:
    return FileRefused([Finding(str(path), line, message)])


@lru_cache(maxsize=32)
def _built(text: str) -> "_Builder":
    """What a text holds. A night reads the same few files several times, and parsing takes longer than all else of it."""
    builder = _Builder()
    builder.value = builder.build(text)
    return builder


class _Builder:
    """Builds a value from events; what it refuses is said with its line, and the rest of the text is still read."""

    def __init__(self) -> None:
        self.value: Any = None
        self.said: list[tuple[int, str]] = []
        self.unread: set[Place] = set()
        self.is_broken = False
        self.lines: dict[Place, int] = {}
        self.events: Iterator[yaml_events.Event] = iter(())

    def say(self, line: int, message: str) -> None:
        self.said.append((line, message))

    def stop(self, line: int, message: str) -> None:
        """Say something after which the rest of the file says nothing any more."""
        self.say(line, message)
        self.is_broken = True

    def build(self, text: str) -> Any:
        """The value of the only document in `text`; None, and findings, if there is no such thing."""
        self.events = YAML(typ="safe", pure=True).parse(text.removeprefix(BYTE_ORDER_MARK))
        value, documents = None, 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for event in self.events:
                    if isinstance(event, yaml_events.DocumentStartEvent):
                        documents += 1
                        self._directives(event)
                        if documents > 1:
                            self.stop(_line(event), "found a second document; a file holds one: remove the --- between")
                            return None
                        value = self._node(next(self.events), (), 1)
        except _TooDeep:
            return None
        except MarkedYAMLError as error:
            self._syntax(error)
        except (YAMLError, ValueError, RecursionError) as error:
            self._unreadable(text, error)
        if not documents and not self.said:
            self.stop(1, "found only comments; the file may have been cut off: write it again")
        return value

    def _directives(self, event: yaml_events.DocumentStartEvent) -> None:
        if event.version or event.tags:
            self.say(_line(event), "found a % directive; files are YAML 1.2 without any: remove it")

    def _syntax(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        what = shortened(f"{error.problem}{f' {error.context}' if error.context else ''}", 120)
        line = mark.line + 1 if mark else 1
        self.stop(line, f"is not YAML, or is half-written: {what}")

    def _unreadable(self, text: str, error: Exception) -> None:
        position = getattr(error, "position", None)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        self.stop(line, "found a character that YAML does not allow; remove it, or save the file again")

    def _node(self, event: yaml_events.Event, place: Place, depth: int) -> Any:
        value = self._value(event, place, depth)
        if value is _REFUSED:
            self.unread.add(place)
        return value

    def _value(self, event: yaml_events.Event, place: Place, depth: int) -> Any:
        self.lines.setdefault(place, _line(event))
        if depth > DEPTH_MAX:
            self.stop(_line(event), f"found more than {DEPTH_MAX} levels of nesting; write it flatter")
            raise _TooDeep
        if isinstance(event, yaml_events.AliasEvent):
            self.say(_line(event), f"found the alias *{shortened(event.anchor)}; write out what it stands for")
            return _REFUSED
        self._marks(cast("yaml_events.ScalarEvent", event))
        if isinstance(event, yaml_events.MappingStartEvent):
            return self._mapping(place, depth)
        if isinstance(event, yaml_events.SequenceStartEvent):
            return self._sequence(place, depth)
        scalar = cast("yaml_events.ScalarEvent", event)
        return self._scalar(scalar, _line(event) if scalar.value else self.lines[place])

    def _marks(self, event: yaml_events.ScalarEvent | yaml_events.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self.say(_line(event), f"found the anchor &{shortened(event.anchor)}; nothing may refer to it: remove it")
        if event.ctag is not None:
            self.say(_line(event), f"found the tag {shortened(str(event.tag))}; values have no tags: remove it")

    def _sequence(self, place: Place, depth: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self.events), yaml_events.SequenceEndEvent):
            values.append(self._node(event, (*place, len(values)), depth + 1))
        return values

    def _mapping(self, place: Place, depth: int) -> dict[str | bool, Any]:
        values: dict[str | bool, Any] = {}
        while not isinstance(event := next(self.events), yaml_events.MappingEndEvent):
            key = self._key(event, place, depth)
            known = key is not _REFUSED
            if known and key in values:
                first = self.lines[*place, key]
                self.say(_line(event), f"found the key '{dotted((key,))}' twice, first in line {first}; keep one")
                known = False
            if known:
                self.lines[*place, key] = _line(event)
            value = self._node(next(self.events), (*place, key if known else "?"), depth + 1)
            if known:
                values[key] = value
        return values

    def _key(self, event: yaml_events.Event, place: Place, depth: int) -> Any:
        if not isinstance(event, yaml_events.ScalarEvent):
            self._node(event, (*place, "?"), depth + 1)
            self.say(_line(event), "found a key that is not text; a key is one word or a quoted text")
            return _REFUSED
        self._marks(event)
        if event.value == "<<" and not event.style:
            self.say(_line(event), "found the merge key <<; write out what it would bring in")
            return _REFUSED
        key = self._scalar(event, _line(event))
        if key is _REFUSED or isinstance(key, str | bool):
            return key
        self.say(_line(event), f"found the key {shortened(event.value)}, which is not text; {QUOTE_IT}")
        return _REFUSED

    def _scalar(self, event: yaml_events.ScalarEvent, line: int) -> Any:
        if unprintable := _UNPRINTABLE.search(event.value):
            self.say(line, f"found the character U+{ord(unprintable[0]):04X}, which no text holds: remove it")
            return _REFUSED
        if event.style or event.ctag is not None:
            return event.value
        try:
            return plain_value(event.value)
        except ScalarRefused as error:
            self.say(line, str(error))
        return _REFUSED


class _TooDeep(Exception):
    """Nesting beyond which nothing more is read."""


def _line(event: yaml_events.Event) -> int:
    return int(event.start_mark.line) + 1
