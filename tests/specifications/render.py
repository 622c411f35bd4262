"""The page of specifications in the policy manual, written from the cases: `python -m tests.specifications.render`."""

import datetime
import json
from typing import Any

from tasks.evidence import write_text
from tasks.settings import CHECKOUT
from tests.specifications.cases import ALONE, FOLDER, Case, themes

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
    for name, given in case.given.items():
        who = "" if name == ALONE else f"{name}: "
        start = _listed(given) if given else "the line as it is"
        lines.append(f"- {who}{start} → {_listed(case.then.get(name, {}), none='none')}")
    return lines


def _listed(values: dict[str, Any], none: str = "missing") -> str:
    return ", ".join(
        f"`{name}` {_value(value, none)}" if name != "is" else str(value) for name, value in values.items()
    )


def _value(value: Any, none: str) -> str:
    if isinstance(value, dict | list):
        return f"`{json.dumps(value, default=_date, ensure_ascii=False)}`"
    if value is None:
        return none
    if isinstance(value, bool):
        return "true" if value else "false"
    return _date(value) if isinstance(value, datetime.date) else f"`{value}`"


def _date(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


if __name__ == "__main__":
    write_text(PAGE, rendered())
