"""Reading the files of a policy series: the version in force on a date, and the texts of its reasons.

Loads no table library, so that a command that only looks at policies starts at once.
"""

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict

from schemas import reasons
from schemas.errors import ConfigurationError, FileRefused, Finding
from schemas.policy import InForce, Place, Policy, Problem, Shape
from schemas.reasons import Reason, Reasons
from schemas.vocabulary import PROGRAM_REASONS
from tasks.decisioning.compiling import PolicyError, compile_rules
from tasks.decisioning.expressions import did_you_mean
from tasks.decisioning.rules import Rules
from tasks.yaml_files import Document, read_on, read_yaml, shaped, validate_shape

REASONS_NAME: Final = "reasons.yaml"
PROGRAM_REASONS_FILE: Final = Path(reasons.__file__).with_name("program_reasons.yaml")
WARNINGS_MOST: Final = 5
_SERIES: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy that can judge, and the file that it stands in."""

    rules: Rules
    document: Document

    @property
    def policy(self) -> Policy:
        return self.rules.policy

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return self.document.sha256


class Heading(Shape):
    """What every version of a series says about itself, whatever else is wrong with it."""

    model_config = ConfigDict(extra="ignore")

    policy: str
    version: str
    in_force: InForce


def load_policy(path: Path) -> LoadedPolicy:
    """Read and compile one policy file.

    Raises:
        FileRefused: the file is wrong; every finding with its line.
    """
    return _compiled(read_on(path))


def policy_in_force(series: str, date: datetime.date, home: Path) -> LoadedPolicy:
    """The one version of `<home>/policies/<series>/` that decides on `date`.

    Only that version must compile; of the others the name and the dates must be readable.

    Raises:
        ConfigurationError: there is no such series, or not exactly one version is in force.
        FileRefused: a file is wrong, is of another series, or its review is overdue.
    """
    versions = series_versions(series_folder(series, home))
    found = [document for document, heading in versions if heading.in_force.covers(date)]
    if len(found) != 1:
        listed = "; ".join(
            f"{heading.version}, {_span(heading.in_force)}, in {doc.path.name}" for doc, heading in versions
        )
        count = "no version" if not found else f"{len(found)} versions"
        raise ConfigurationError(
            f"{count} of policy '{series}' in force on {date}, where there must be exactly one; found {listed or 'no file'}. "
            "Change the dates of in_force (until is the first day without the version)."
        )
    loaded = _compiled(found[0])
    review_by = loaded.policy.in_force.review_by
    if review_by is not None and date > review_by:
        message = f"the review was due by {review_by} and {date} is later; review the policy, then move the date"
        raise FileRefused(loaded.document.findings([Problem(("in_force", "review_by"), message)]))
    return loaded


def series_folder(series: str, home: Path) -> Path:
    """The folder of a series.

    Raises:
        ConfigurationError: `series` cannot be the name of one, or there is no such folder.
    """
    if not _SERIES.fullmatch(series):
        raise ConfigurationError(
            "the name of a policy series is small letters, digits, _ and -, the first a letter or digit"
        )
    folder = home / "policies" / series
    if folder.is_dir():
        return folder
    known = sorted(path.name for path in folder.parent.iterdir()) if folder.parent.is_dir() else []
    raise ConfigurationError(f"there is no policy series '{series}' in {folder.parent}{did_you_mean(series, known)}")


def series_versions(folder: Path) -> list[tuple[Document, Heading]]:
    """Every version in a series' folder, oldest first, read but not compiled.

    Raises:
        FileRefused: a file cannot be read, is of another series, or repeats a version's name.
    """
    findings: list[Finding] = []
    versions: list[tuple[Document, Heading]] = []
    for path in _policy_paths(folder):
        try:
            document = read_yaml(path)
            heading = validate_shape(document, Heading)
        except FileRefused as refused:
            findings += refused.findings
            continue
        findings += document.findings(_heading_problems(heading, folder, [known for _, known in versions]))
        versions.append((document, heading))
    if findings:
        raise FileRefused(findings)
    return sorted(versions, key=lambda version: version[1].in_force.from_)


def load_reasons(folder: Path) -> dict[str, Reason]:
    """The texts of a series' reasons by code, and the program's own where the series has none for its codes.

    Raises:
        FileRefused: the file is missing or wrong; every finding with its line.
    """
    return _program_reasons() | validate_shape(read_yaml(folder / REASONS_NAME), Reasons).root


@cache
def _program_reasons() -> dict[str, Reason]:
    return validate_shape(read_yaml(PROGRAM_REASONS_FILE), Reasons).root


def policy_schema() -> dict[str, Any]:
    """The shape of a policy file as JSON Schema, draft 2020-12, for editors; loading checks more than a shape can."""
    shape = _untitled(Policy.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A policy of Reinstate", **shape}


def _untitled(schema: Any) -> Any:
    """A schema without the titles that pydantic makes of names: they say nothing that the names do not."""
    if isinstance(schema, dict):
        return {key: _untitled(below) for key, below in schema.items() if key != "title" or not isinstance(below, str)}
    return [_untitled(below) for below in schema] if isinstance(schema, list) else schema


def check_reasons(folder: Path) -> list[Finding]:
    """Where the reasons that a series gives and the texts that it has do not fit together.

    Looks at all versions of the series. The reasons that the program itself gives have texts, and may have others here.

    Raises:
        FileRefused: a file of the series cannot be read.
    """
    path = folder / REASONS_NAME
    if not path.exists():
        return [
            Finding(str(path), 1, "there is no such file; every reason that the series gives needs its texts in it")
        ]
    document = read_yaml(path)
    texts = validate_shape(document, Reasons).root
    missing: dict[str, Finding] = {}
    used = set(PROGRAM_REASONS)
    for version, _ in series_versions(folder):
        for place, code in _reasons_given(version.value):
            used.add(code)
            if code not in {*texts, *PROGRAM_REASONS} and code not in missing:
                hint = did_you_mean(code, texts)
                missing[code] = version.finding(Problem(place, f"'{code}' has no text in {REASONS_NAME}{hint}"))
    unused = [
        Problem((code,), "no version of the series gives this reason; remove its text")
        for code in texts
        if code not in used
    ]
    return [*missing.values(), *document.findings(unused)]


def warnings_of(loaded: LoadedPolicy, date: datetime.date) -> list[str]:
    """What a night on `date` would refuse about a policy that may be tried out all the same."""
    path, in_force = loaded.document.path, loaded.policy.in_force
    warnings = []
    if not in_force.covers(date):
        warnings.append(f"{path} is not in force on {date}, but {_span(in_force)}")
    if in_force.review_by is not None and date > in_force.review_by:
        warnings.append(f"the review of {path} was due by {in_force.review_by}")
    if not (path.parent / REASONS_NAME).exists():
        return [*warnings, f"there is no {REASONS_NAME} beside {path}: a night needs a text for every reason"]
    try:
        findings = check_reasons(path.parent)
    except FileRefused as refused:
        findings = refused.findings
    warnings += [str(finding) for finding in findings[:WARNINGS_MOST]]
    if len(findings) > WARNINGS_MOST:
        warnings.append(f"and {len(findings) - WARNINGS_MOST} more; run `reinstate policy check {path}`")
    return warnings


def _compiled(document: Document) -> LoadedPolicy:
    """What a document says as rules; what is wrong with its words, its shape and its sense is told together."""
    policy, findings = shaped(document, Policy)
    if policy is not None:
        try:
            rules = compile_rules(policy)
        except PolicyError as error:
            findings += document.findings(error.problems)
        if not findings:
            return LoadedPolicy(rules, document)
    raise FileRefused(findings)


def _policy_paths(folder: Path) -> list[Path]:
    """The policy files of a folder; a file that looks like one and is not read would be a version silently ignored."""
    visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    misnamed = [path for path in visible if path.suffix.lower() in (".yml", ".yaml") and path.suffix != ".yaml"]
    if misnamed:
        raise FileRefused([Finding(str(path), 1, "name it .yaml, or it would not be read") for path in misnamed])
    return [path for path in visible if path.suffix == ".yaml" and path.name != REASONS_NAME]


def _heading_problems(heading: Heading, folder: Path, others: Iterable[Heading]) -> Iterator[Problem]:
    if heading.policy != folder.name:
        yield Problem(
            ("policy",), f"found '{heading.policy}' in the folder of '{folder.name}'; the two names are the same"
        )
    if any(heading.version == other.version for other in others):
        yield Problem(
            ("version",), f"'{heading.version}' stands in another file too; every version has a name of its own"
        )


def _span(in_force: InForce) -> str:
    return f"from {in_force.from_} until {in_force.until}" if in_force.until else f"from {in_force.from_} on"


def _reasons_given(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every `reason:` of a policy file with its place, also of a file that does not compile."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "reason" and isinstance(below, str):
                yield (*place, key), below
            else:
                yield from _reasons_given(below, (*place, key))
    elif isinstance(value, list):
        for position, below in enumerate(value):
            yield from _reasons_given(below, (*place, position))
