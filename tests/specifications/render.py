"""The page of specifications in the policy manual, written from the cases: `python -m tests.specifications.render`."""

import datetime
import json
from collections.abc import Iterator
from typing import Any

from tasks.settings import CHECKOUT
from tasks.whole_files import write_text
from tests.specifications.cases import ALONE, FOLDER, LEFT_OUT, NIGHT, Case, Judged, themes

PAGE = CHECKOUT / "deployments" / "policies" / "SPECIFICATIONS.md"
HEAD = """\
# Specifications

Every rule of a judgement in a sentence, with a case. The cases run as tests, against the program and against a second,
slow implementation; this page is written from them (`make specifications`). Each case starts from the policy and the
line at the end of the page, judged on {night}, and says only what is different: before the arrow what is given, after it
what follows. `criteria.CURRENT.require` is the part of the policy that stands there in the file; parts of a list go by
their id or code. A line that is *not judged* has no decision; one that is *quarantined* was set aside for the reasons given,
before anything was asked of it. Where several nights follow each other each begins with its date, and the ledger goes
on from one to the next.
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
    lines += [f"- policy: {_listed(_flat(case.changes), none='none')}"] if case.changes else []
    for name, each in case.files.get("versions", {}).items():
        lines.append(f"- version `{name}`: {_listed(_flat(each), none='none') or 'the policy as it is'}")
    lines += [f"- portfolio: {_listed(case.files['portfolio'])}"] if "portfolio" in case.files else []
    lines += [f"- {_said_of_files(case.files)}"] if _said_of_files(case.files) else []
    lines += [f"- the policy is refused: `{words}`" for words in case.refuses]
    for night in case.nights:
        on = f"{_date(night.on)}, " if case.takes_turns else ""
        lines += [f"- {on}{each}" for each in _night(night)]
        lines += [f"- {on}the {'night' if on else 'snapshot'} is refused: `{night.refuses}`"] if night.refuses else []
    return lines


def _night(night: Judged) -> Iterator[str]:
    for name in dict.fromkeys([*night.given, *night.then]):
        who = "" if list(night.given) == [name] == [ALONE] else f"{name}: "
        start = _listed(night.given[name]) or "the line as it is" if name in night.given else "not in the snapshot"
        start = name if name == NIGHT else f"{who}{start}"
        follows = _listed(_flat(night.then[name]), none="none") if name in night.then else ""
        yield f"{start} → {follows}" if follows else start


def _flat(changes: dict[str, Any]) -> dict[str, Any]:
    """Changes by their whole path."""
    flat: dict[str, Any] = {}
    for name, value in changes.items():
        within = _flat(value) if isinstance(value, dict) else {}
        flat |= {f"{_word(name)}.{key}": each for key, each in within.items()} or {_word(name): value}
    return flat


def _said_of_files(files: dict[str, Any]) -> str:
    """What is said of files, in words."""
    delivered, texts = files.get("delivered", {}), files.get("texts", {})
    words = [f"in place of `{there}` stands `{_one_line(text)}`" for there, text in files.get("written", {}).items()]
    words += ["the snapshot is a text file (CSV)"] if delivered.get("as") == "text" else []
    words += [f"the snapshot has no column `{delivered['without']}`"] if "without" in delivered else []
    words += [
        f"the snapshot has a column `{name}` of text: `{text}`" for name, text in delivered.get("with", {}).items()
    ]
    words += [f"`reasons.yaml` has no text for `{texts['without']}`"] if "without" in texts else []
    words += [f"`reasons.yaml` has a text for `{texts['more']}`"] if "more" in texts else []
    return "; ".join(words)


def _one_line(text: str) -> str:
    return text.strip().replace("\n", "` and then `")


def _listed(values: dict[str, Any], none: str = "missing") -> str:
    return ", ".join(
        str(value) if name == "is" else "not judged" if name == "not_judged" else f"`{name}` {_value(value, none)}"
        for name, value in values.items()
    )


def _value(value: Any, none: str) -> str:
    if value is None:
        return none
    if value == LEFT_OUT:
        return "left out"
    if value == "":
        return "empty"
    if isinstance(value, list):
        words = [_word(each) if isinstance(each, str) else json.dumps(each, default=_date) for each in value]
        return f"`[{', '.join(words).replace('Infinity', '.inf')}]`"
    if isinstance(value, str) and not value.strip(" 0123456789.-"):
        return f'`"{value}"`'
    return _date(value) if isinstance(value, datetime.date) else f"`{_word(value)}`"


def _word(value: object) -> str:
    """A key or a value as it stands in a policy file, on one line."""
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\n", "\\n")


def _date(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter == "-")


if __name__ == "__main__":
    write_text(PAGE, rendered())
