"""What differs between two policies as far as it decides: a name for each part, and how it reads before and after.

Texts, reasons, sources, units, dates of force and notices decide nothing and are not looked at; neither is the order of
anything but campaigns.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from schemas.policy import Attribute, Cause, Criterion, Policy, Shape
from tasks.decisioning.mixtures import asked_by_both, in_one_order
from tasks.decisioning.pieces import pieces_of

ARROW = " → "
NOT_THERE = "not there"
CAMPAIGN_FIELDS = (
    "when",
    "from_",
    "until",
    "causes",
    "waives",
    "score_min",
    "valid_days",
    "limit_bp",
    "limit_max_cents",
)
LIMIT_FIELDS = ("bands", "no_score_bp", "round_down_to_cents", "floor_cents", "ceiling_cents")
CAUSE_FIELDS = ("criteria", "score_min", "keep_open_score_min")


@dataclass(frozen=True)
class Change:
    """Something that differs between two policies, and how, in words of their files."""

    name: str
    text: str


def changes_between(before: Policy, after: Policy) -> list[Change]:
    """Everything that differs and may decide, in the order of a policy file."""
    both = before, after
    found = [
        *_attributes(both),
        *_parts("exclusion", [{each.id: each for each in policy.exclusions} for policy in both], ("when",)),
        *_parts("freeze", [{each.id: each for each in policy.freezes} for policy in both], ("when", "from_", "until")),
        *(_criterion(name, both) for name in _names([policy.criteria for policy in both])),
        *_causes(both),
        *_scorecard(both),
        _section("section appeal", [policy.appeal for policy in both], ("upheld_when", "pending_when", "limit_bp")),
        *_parts("campaign", _campaigns(both), CAMPAIGN_FIELDS),
        _order_of_campaigns(both),
        _value("threshold confirm_nights", [policy.confirm_nights for policy in both]),
        _section("section limit", [policy.limit for policy in both], LIMIT_FIELDS),
        *_parts("cap", [{each.id: each for each in policy.limit.caps} for policy in both], ("at_most",)),
        _section("section nightly_budget", [policy.nightly_budget for policy in both], ("lines", "limit_cents")),
        _section("section probation", [policy.probation for policy in both], ("days", "reclose_when")),
    ]
    return [change for change in found if change is not None]


def _names(both: list[Mapping[str, Any]]) -> list[str]:
    return in_one_order(list(both[0]), list(both[1]))


def _parts(kind: str, both: list[Mapping[str, Shape]], fields: tuple[str, ...]) -> Iterator[Change | None]:
    for name in _names(both):
        yield _section(f"{kind} {name}", [each.get(name) for each in both], fields)


def _section(name: str, both: Iterable[Shape | None], fields: tuple[str, ...]) -> Change | None:
    """A change of those of `fields` that differ; all of them where one policy lacks the part."""
    old, new = both
    if old is None or new is None:
        return None if old is new else Change(name, ARROW.join(_whole(part, fields) for part in (old, new)))
    differing = [each for each in fields if getattr(old, each) != getattr(new, each)]
    if not differing:
        return None
    texts = [
        ("" if len(fields) == 1 else f"{each.rstrip('_')} ") + _arrow(getattr(old, each), getattr(new, each))
        for each in differing
    ]
    return Change(name, "; ".join(texts))


def _whole(part: Shape | None, fields: tuple[str, ...]) -> str:
    if part is None:
        return NOT_THERE
    if len(fields) == 1:
        return _said(getattr(part, fields[0]))
    known = {each.rstrip("_"): getattr(part, each) for each in fields}
    return "; ".join(f"{each} {_said(value)}" for each, value in known.items() if value is not None and value != ())


def _value(name: str, both: list[Any]) -> Change | None:
    return None if both[0] == both[1] else Change(name, _arrow(*both))


def _attributes(both: tuple[Policy, Policy]) -> Iterator[Change | None]:
    for name in _names([policy.attributes for policy in both]):
        old, new = (policy.attributes.get(name) for policy in both)
        if old is None or new is None:
            yield _section(f"attribute {name}", (old, new), ("type", "allowed", "observed_on", "max_age_days"))
            continue
        yield _value(f"attribute {name} allowed", [_or_not_there(each.allowed) for each in (old, new)])
        if old.observed_on and new.observed_on:
            for field in ("observed_on", "max_age_days"):
                yield _value(f"attribute {name} {field}", [getattr(each, field) for each in (old, new)])
        else:
            yield _value(f"attribute {name} max_age_days", [_dating(each) for each in (old, new)])


def _dating(attribute: Attribute) -> str:
    if attribute.observed_on is None:
        return NOT_THERE
    return f"{attribute.max_age_days}, observed_on {attribute.observed_on}"


def _criterion(name: str, both: tuple[Policy, Policy]) -> Change | None:
    """A change of the question, or of which of the causes that both policies cover ask it."""
    old, new = (_required(policy.criteria.get(name)) for policy in both)
    common = both[0].causes.keys() & both[1].causes.keys()
    before, after = ({cause for cause in common if name in policy.causes[cause].criteria} for policy in both)
    texts = [] if old == new else [_arrow(old, new)]
    if NOT_THERE not in (old, new):
        texts += [f"no longer asked of {cause}" for cause in sorted(before - after)]
        texts += [f"now asked of {cause}" for cause in sorted(after - before)]
    return Change(f"criterion {name}", "; ".join(texts)) if texts else None


def _required(criterion: Criterion | None) -> str:
    return NOT_THERE if criterion is None else criterion.require


def _causes(both: tuple[Policy, Policy]) -> Iterator[Change | None]:
    causes: list[Mapping[str, Cause]] = [policy.causes for policy in both]
    common = [name for name in _names(causes) if all(name in each for each in causes)]
    for name in _names(causes):
        if name not in common:
            yield _section(f"cause {name}", [each.get(name) for each in causes], CAUSE_FIELDS)
    for threshold in ("score_min", "keep_open_score_min"):
        values = {name: [getattr(each[name], threshold) for each in causes] for name in common}
        texts = [f"{name} {_arrow(*pair)}" for name, pair in values.items() if pair[0] != pair[1]]
        yield Change(f"threshold {threshold}", "; ".join(texts)) if texts else None


def _scorecard(both: tuple[Policy, Policy]) -> Iterator[Change | None]:
    scorecards = [policy.scorecard for policy in both]
    yield _value("scorecard base_points", [scorecard.base_points for scorecard in scorecards])
    for name in _names([scorecard.attributes for scorecard in scorecards]):
        cards = scorecards[0].attributes.get(name), scorecards[1].attributes.get(name)
        for piece in pieces_of(name, cards):
            if piece.points[0] != piece.points[1]:
                yield Change(piece.name, ARROW.join(piece.said))


def _campaigns(both: tuple[Policy, Policy]) -> list[Mapping[str, Shape]]:
    """Campaigns with what they waive of their own choice; those of one policy as they are."""
    codes = [{campaign.code for campaign in policy.campaigns} for policy in both]
    sides: list[Mapping[str, Shape]] = []
    for policy in both:
        campaigns = {campaign.code: campaign for campaign in policy.campaigns}
        for code in codes[0] & codes[1]:
            choice = asked_by_both(*both, code)
            waives = tuple(name for name in campaigns[code].waives if name in choice)
            campaigns[code] = campaigns[code].model_copy(update={"waives": waives})
        sides.append(campaigns)
    return sides


def _order_of_campaigns(both: tuple[Policy, Policy]) -> Change | None:
    codes = [[campaign.code for campaign in policy.campaigns] for policy in both]
    old, new = ([code for code in own if code in codes[0] and code in codes[1]] for own in codes)
    return None if old == new else Change("section campaigns", f"in the order {_arrow(tuple(old), tuple(new))}")


def _arrow(old: Any, new: Any) -> str:
    return _said(old) + ARROW + _said(new)


def _or_not_there(value: Any) -> Any:
    return NOT_THERE if value is None else value


def _said(value: Any) -> str:
    """A value as a policy file has it."""
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return f"[{', '.join(_said(each) for each in value)}]"
    if isinstance(value, Shape):
        return f"{{{', '.join(f'{name}: {_said(each)}' for name, each in value)}}}"
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
