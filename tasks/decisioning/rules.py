"""A policy made ready to judge: its expressions typed, its scorecard laid out, what is in force on a date.

`tasks.decisioning.compiling` makes these from a policy file's shape; nothing else does.
"""

import datetime
import math
from dataclasses import dataclass
from functools import cached_property

from schemas.policy import (
    Attribute,
    Campaign,
    Cause,
    Freeze,
    Policy,
    ScorecardAttribute,
)
from schemas.vocabulary import (
    CORE_COLUMNS,
    PROGRAM_REASONS,
    WHOLE_NUMBER_LIMIT,
    AttributeType,
)
from tasks.decisioning.tree import Node, Variable


@dataclass(frozen=True)
class Question:
    """A named expression and the reason that its answer gives."""

    id: str
    node: Node
    reason: str


@dataclass(frozen=True)
class Scored:
    """One attribute of the scorecard.

    `edges` are the rising `below` of all bins but the last, `points` one per bin; a category or boolean has `values`
    and `other` instead. `best` is the most that a value within `allowed` can reach.
    """

    name: str
    shape: ScorecardAttribute
    attribute: Attribute

    @property
    def edges(self) -> tuple[int | float, ...]:
        return tuple(each.below for each in self.shape.bins[:-1] if each.below is not None) if self.shape.bins else ()

    @property
    def points(self) -> tuple[int, ...]:
        return tuple(each.points for each in self.shape.bins or ())

    @cached_property
    def reachable_bins(self) -> tuple[int, ...]:
        """Positions of the bins that hold at least one allowed value."""
        low, high = _bounds(self.attribute)
        floors: tuple[float, ...] = (-math.inf, *self.edges)
        ceilings: tuple[float, ...] = (*self.edges, math.inf)
        if self.attribute.type is AttributeType.INTEGER:
            floors = tuple(floor if math.isinf(floor) else math.ceil(floor) for floor in floors)
        return tuple(
            position
            for position, (floor, ceiling) in enumerate(zip(floors, ceilings, strict=True))
            if max(floor, low) < ceiling and max(floor, low) <= high
        )

    @cached_property
    def points_by_value(self) -> dict[str | bool, int]:
        """Points of every value that is allowed, or that the scorecard lists where nothing is said to be allowed."""
        listed = self.shape.values or {}
        known = closed_values(self.attribute) or tuple(listed)
        return {value: listed.get(value, self.shape.other or 0) for value in known}

    @property
    def best_listed(self) -> int:
        """The most points that the scorecard gives a known value, in a bin that no allowed value reaches too."""
        return max(self.points) if self.shape.bins else self.best

    @cached_property
    def best(self) -> int:
        if self.shape.bins:
            return max(self.points[position] for position in self.reachable_bins)
        open_ended = [self.shape.other or 0] if closed_values(self.attribute) is None else []
        return max([*self.points_by_value.values(), *open_ended])


@dataclass(frozen=True)
class CampaignRules:
    """A campaign and its question."""

    shape: Campaign
    when: Node


@dataclass(frozen=True)
class AppealRules:
    """The questions about an appeal and its share of the closed limit."""

    upheld: Node
    pending: Node
    refused: Node
    limit_bp: int


@dataclass(frozen=True)
class Rules:
    """A checked policy, ready to judge."""

    policy: Policy
    names: dict[str, Variable]
    exclusions: tuple[Question, ...]
    freezes: tuple[tuple[Freeze, Question], ...]
    criteria: dict[str, Question]
    causes: dict[str, Cause]
    scorecard: tuple[Scored, ...]
    appeal: AppealRules | None
    campaigns: tuple[CampaignRules, ...]
    caps: tuple[tuple[str, Node], ...]
    reclose: Question | None

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Every reason code that a judgement under these rules can give, without repetition."""
        given = (
            *(question.reason for question in self.exclusions),
            *(question.reason for _, question in self.freezes),
            *(question.reason for question in self.criteria.values()),
            *([self.reclose.reason] if self.reclose else []),
            *(scored.shape.reason for scored in self.scorecard),
            *PROGRAM_REASONS,
        )
        return tuple(dict.fromkeys(given))

    def freezes_on(self, date: datetime.date) -> tuple[Question, ...]:
        """The freezes that are active on `date`, in file order."""
        return tuple(question for freeze, question in self.freezes if _active(freeze, date))

    def campaigns_on(self, date: datetime.date) -> tuple[CampaignRules, ...]:
        """The campaigns that are active on `date`, in file order."""
        return tuple(campaign for campaign in self.campaigns if _active(campaign.shape, date))

    @cached_property
    def snapshot_columns(self) -> dict[str, AttributeType]:
        """The type of every column of a snapshot under this policy, but for `account_id`, which is text."""
        return {
            "business_date": AttributeType.DATE,
            **CORE_COLUMNS,
            **{name: attribute.type for name, attribute in self.policy.attributes.items()},
            **dict.fromkeys(self.observed_columns, AttributeType.DATE),
        }

    @cached_property
    def observed_columns(self) -> tuple[str, ...]:
        """The columns that only say when an attribute was observed, sorted."""
        named = {each.observed_on for each in self.policy.attributes.values() if each.observed_on}
        return tuple(sorted(named - set(self.policy.attributes)))


def _active(part: Freeze | Campaign, date: datetime.date) -> bool:
    return part.from_ <= date and (part.until is None or date < part.until)


def _bounds(attribute: Attribute) -> tuple[float, float]:
    if attribute.allowed and len(attribute.allowed) == 2:  # noqa: PLR2004 - a range has two ends
        low, high = attribute.allowed
        return low, high  # type: ignore[return-value]
    if attribute.type is AttributeType.INTEGER:
        return -WHOLE_NUMBER_LIMIT, WHOLE_NUMBER_LIMIT
    return -math.inf, math.inf


def closed_values(attribute: Attribute) -> tuple[str | bool, ...] | None:
    """The closed list of values of a category or boolean, None where any text will do."""
    if attribute.type is AttributeType.BOOLEAN:
        return (False, True)
    return attribute.allowed  # type: ignore[return-value]
