"""The shape of a policy file, as its author writes it.

These models hold what stands in the file, strictly typed and frozen. What one field means for another (names that
exist, types of expressions, hysteresis, reachable scores) is checked by `tasks.decisioning.rules`.
"""

import datetime
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.vocabulary import AttributeType

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Number = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True, allow_inf_nan=False)]
Cents = Annotated[int, Field(ge=0, le=10**13)]
BasisPoints = Annotated[int, Field(ge=0, le=100_000)]
Points = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class Shape(BaseModel):
    """A part of a file: nothing unknown, nothing converted, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class InForce(Shape):
    """The dates on which a version decides: `from` inclusive, `until` exclusive."""

    from_: datetime.date = Field(alias="from")
    until: datetime.date | None = None
    review_by: datetime.date | None = None

    def covers(self, date: datetime.date) -> bool:
        """Whether the version is in force on `date`."""
        return self.from_ <= date and (self.until is None or date < self.until)


class Attribute(Shape):
    """One column of the snapshot that the policy reads."""

    type: Annotated[AttributeType, Field(strict=False)]
    says: Text | None = None
    unit: Text | None = None
    allowed: tuple[Number | Text, ...] | None = Field(default=None, strict=False)
    actionable: bool = False
    observed_on: Identifier | None = None
    max_age_days: Annotated[int, Field(ge=0, le=36_500)] | None = None


class Exclusion(Shape):
    """A line for which `when` passes is never reopened by the job."""

    id: Identifier
    when: Expression
    reason: ReasonCode
    says: Text | None = None
    source: Text | None = None


class Freeze(Exclusion):
    """A line for which `when` passes is not reopened from `from` until before `until`."""

    from_: datetime.date = Field(alias="from")
    until: datetime.date | None = None


class Criterion(Shape):
    """A question that a line must answer with pass to be recoverable."""

    require: Expression
    reason: ReasonCode
    says: Text | None = None
    source: Text | None = None


class Cause(Shape):
    """The way back for lines closed for one cause."""

    criteria: tuple[Identifier, ...] = Field(strict=False)
    score_min: Points | None
    keep_open_score_min: Points | None


class Bin(Shape):
    """Points for values below an edge; the last bin has no edge."""

    below: Number | None = None
    points: Points


class ScorecardAttribute(Shape):
    """Points for the value of one attribute: `bins` of a number, `values` of a category or boolean."""

    bins: tuple[Bin, ...] | None = Field(default=None, strict=False, min_length=1)
    values: dict[Text | bool, Points] | None = Field(default=None, min_length=1)
    other: Points | None = None
    missing: Points
    reason: ReasonCode


class Scorecard(Shape):
    """The score of a line: `base_points` plus the points of every attribute."""

    version: Text
    base_points: Points
    attributes: dict[Identifier, ScorecardAttribute]


class Appeal(Shape):
    """How the outcome of a customer's appeal reads in the snapshot."""

    upheld_when: Expression
    pending_when: Expression
    refused_when: Expression
    limit_bp: BasisPoints


class Campaign(Shape):
    """A temporary reopening for lines that the criteria of their cause still keep closed."""

    code: Identifier
    when: Expression
    from_: datetime.date = Field(alias="from")
    until: datetime.date
    causes: tuple[Identifier, ...] = Field(strict=False, min_length=1)
    waives: tuple[Identifier, ...] = Field(default=(), strict=False)
    score_min: Points | None = None
    valid_days: Annotated[int, Field(ge=1, le=3650)]
    limit_bp: BasisPoints
    limit_max_cents: Cents | None = None


class Band(Shape):
    """The share of the closed limit that a score earns."""

    score_at_least: Points
    limit_bp: BasisPoints


class Cap(Shape):
    """An upper bound of a limit, computed from the line."""

    id: Identifier
    at_most: Expression
    says: Text | None = None
    source: Text | None = None


class Limit(Shape):
    """How the limit of a reopened line is found."""

    bands: tuple[Band, ...] = Field(strict=False)
    no_score_bp: BasisPoints | None = None
    caps: tuple[Cap, ...] = Field(default=(), strict=False)
    round_down_to_cents: Annotated[int, Field(ge=1, le=10**13)]
    floor_cents: Cents
    ceiling_cents: Cents


class NightlyBudget(Shape):
    """How many lines, and how much limit in all, one night may open."""

    lines: Annotated[int, Field(ge=0, le=10**13)]
    limit_cents: Annotated[int, Field(ge=0, le=10**18)]


class Probation(Shape):
    """How long, and by which question, a reopened line may be closed again."""

    days: Annotated[int, Field(ge=0, le=36_500)]
    reclose_when: Expression
    reason: ReasonCode


class Notices(Shape):
    """How often customers hear of a line that stays closed."""

    reasons_max: Annotated[int, Field(ge=1, le=100)]
    kept_closed_every_days: Annotated[int, Field(ge=1, le=36_500)]
    quiet_days: Annotated[int, Field(ge=0, le=36_500)]
    expiring_days_before: Annotated[int, Field(ge=0, le=3650)]


class Policy(Shape):
    """One version of a policy series."""

    policy: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    version: Text
    in_force: InForce
    attributes: dict[Identifier, Attribute]
    exclusions: tuple[Exclusion, ...] = Field(default=(), strict=False)
    freezes: tuple[Freeze, ...] = Field(default=(), strict=False)
    criteria: dict[Identifier, Criterion]
    causes: dict[Identifier, Cause]
    scorecard: Scorecard
    appeal: Appeal | None = None
    campaigns: tuple[Campaign, ...] = Field(default=(), strict=False)
    confirm_nights: Annotated[int, Field(ge=1, le=3650)] = 1
    limit: Limit
    nightly_budget: NightlyBudget | None = None
    probation: Probation | None = None
    notices: Notices


Place = tuple[str | int, ...]
"""Keys and indexes that lead from the top of a file to a value."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a policy, and where in the file."""

    place: Place
    message: str
