"""The page of specifications in the policy manual, written from the cases: `python -m tests.specifications.render`."""

import datetime
import json
from collections.abc import Iterator
from typing import Any

from tasks.evidence import write_text
from tasks.settings import CHECKOUT
from tests.specifications.cases import ALONE, FOLDER, LEFT_OUT, NIGHT, Case, Judged, themes

PAGE = CHECKOUT / "deployments" / "policies" / "SPECIFICATIONS.md"
HEAD = """\
# Specifications

Every rule of a judgement in a sentence, with a case. The cases run as tests, against the program and against a second,
slow implementation; this page is written from them (`make specifications`). Each case starts from the policy and the
line at the end of the page, judged on {night}, and says only what is different.
"""


def rendered() -> str:
    """The whole page."""
    parts = [HEAD.format(night="28 October 2026")]
    parts += [f"- [{theme.name}](#{_anchor(theme.name)})" for theme in themes()]
    for theme in themes():
        parts += ["", f"## {theme.name}", "", theme.says]
        for case in theme.cases:
            parts += ["", *_case(case)]
    source = (FOLDER / "base.yaml").read_text(encoding="utf-8")
    parts += ["", "## The policy and the line", "", "```yaml", source.split("\n", 1)[1].rstrip(), "```", ""]
    return "\n".join(parts)


def _case(case: Case) -> list[str]:
    lines = [f"**{case.rule}**", ""]
    if case.changes:
        lines.append(f"- policy: {_listed(case.changes)}")
    lines += [f"- version `{name}`: {_listed(each)}" for name, each in case.files.get("versions", {}).items()]
    if "portfolio" in case.files:
        lines.append(f"- portfolio: {_listed(case.files['portfolio'])}")
    lines += [f"- {_said_of_files(case.files)}"] if _said_of_files(case.files) else []
    lines += [f"- refused: {words}" for words in case.refuses]
    for night in case.nights:
        on = f"{_date(night.on)}, " if case.takes_turns else ""
        lines += [f"- {on}{each}" for each in _night(night)]
    return lines


def _night(night: Judged) -> Iterator[str]:
    for name in dict.fromkeys([*night.given, *night.then]):
        who = "" if name == ALONE and len(night.given) == 1 else f"{name}: "
        start = "absent" if name not in night.given else _listed(night.given[name]) or "the line as it is"
        if name == NIGHT:
            yield f"{name} → {_listed(night.then[name])}"
        elif name in night.then:
            yield f"{who}{start} → {_listed(night.then[name], none='none')}"
        else:
            yield f"{who}{start}"
    if night.refuses:
        yield f"all of it is refused: {night.refuses}"


def _said_of_files(files: dict[str, Any]) -> str:
    """What is said of files, in words."""
    delivered, texts = files.get("delivered", {}), files.get("texts", {})
    words = [f"in place of `{there}` stands `{_one_line(text)}`" for there, text in files.get("written", {}).items()]
    words += ["the snapshot is a text file (CSV)"] if delivered.get("as") == "text" else []
    words += [f"the snapshot has no column `{delivered['without']}`"] if "without" in delivered else []
    words += [f"the column `{name}` is text, such as `{text}`" for name, text in delivered.get("with", {}).items()]
    words += [f"`reasons.yaml` has no text for `{texts['without']}`"] if "without" in texts else []
    words += [f"`reasons.yaml` has a text for `{texts['more']}`"] if "more" in texts else []
    return "; ".join(words)


def _one_line(text: str) -> str:
    return text.strip().replace("\n", "` and then `")


def _listed(values: dict[str, Any], none: str = "missing") -> str:
    return ", ".join(
        f"`{name}` {_value(value, none)}" if name != "is" else str(value) for name, value in values.items()
    )


def _value(value: Any, none: str) -> str:
    if isinstance(value, dict | list):
        return f"`{json.dumps(value, default=_date, ensure_ascii=False)}`"
    if value is None:
        return none
    if value == LEFT_OUT:
        return "left out"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _date(value) if isinstance(value, datetime.date) else f"`{value}`"


def _date(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


if __name__ == "__main__":
    write_text(PAGE, rendered())
