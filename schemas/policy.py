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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class InForce(Shape):
    """The dates on which a version decides: `from` inclusive, `until` exclusive."""

    from_: datetime.date = Field(alias="from")
    """The first business date on which the version decides."""
    until: datetime.date | None = None
    """The first business date without it; null while there is no successor."""
    review_by: datetime.date | None = None
    """The last business date on which it decides without having been reviewed."""

    def covers(self, date: datetime.date) -> bool:
        """Whether the version is in force on `date`."""
        return self.from_ <= date and (self.until is None or date < self.until)


class Attribute(Shape):
    """One column of the snapshot that the policy reads."""

    type: Annotated[AttributeType, Field(strict=False)]
    says: Text | None = None
    """What the attribute is, in words."""
    unit: Text | None = None
    """What is counted, such as days, months, cents or bp."""
    allowed: tuple[Number | Text, ...] | None = Field(default=None, strict=False)
    """For numbers `[least, most]`, for categories every value; a value outside refuses its row."""
    actionable: bool = False
    """Whether the customer can do something about it."""
    observed_on: Identifier | None = None
    """The column that says when the value was observed."""
    max_age_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    """A value observed longer ago is unknown."""


class Exclusion(Shape):
    """A line for which `when` passes is never reopened by the job."""

    id: Identifier
    when: Expression
    """The question, as an expression; where it passes the line stays closed, where it is unknown a person looks."""
    reason: ReasonCode
    says: Text | None = None
    source: Text | None = None
    """Where the rule comes from."""


class Freeze(Exclusion):
    """A line for which `when` passes is not reopened from `from` until before `until`."""

    from_: datetime.date = Field(alias="from")
    """The first business date of the freeze."""
    until: datetime.date | None = None
    """The first business date after it; null for one without an end."""


class Criterion(Shape):
    """A question that a line must answer with pass to be recoverable."""

    require: Expression
    """The question, as an expression, quoted where YAML needs it."""
    reason: ReasonCode
    """What customers are told where it fails; its text stands in `reasons.yaml`."""
    says: Text | None = None
    """The question in words."""
    source: Text | None = None
    """Where the rule comes from."""


class Cause(Shape):
    """The way back for lines closed for one cause."""

    criteria: tuple[Identifier, ...] = Field(strict=False)
    """What is asked, in the order in which customers hear of it."""
    score_min: Points | None
    """The least score that opens a line; null where no score is asked."""
    keep_open_score_min: Points | None
    """The least score that keeps a line on probation open; below `score_min`."""


class Bin(Shape):
    """Points for values below an edge; the last bin has no edge."""

    below: Number | None = None
    """The edge; a value below it, and not below the edge before, has these points."""
    points: Points


class ScorecardAttribute(Shape):
    """Points for the value of one attribute: `bins` of a number, `values` of a category or boolean."""

    bins: tuple[Bin, ...] | None = Field(default=None, strict=False, min_length=1)
    values: dict[Text | bool, Points] | None = Field(default=None, min_length=1)
    other: Points | None = None
    """Points of a category's values that are not listed."""
    missing: Points
    """Points where the value is unknown; at most those of the best value."""
    reason: ReasonCode
    """What customers are told where points are lost."""


class Scorecard(Shape):
    """The score of a line: `base_points` plus the points of every attribute."""

    version: Text
    base_points: Points
    attributes: dict[Identifier, ScorecardAttribute]


class Appeal(Shape):
    """How the outcome of a customer's appeal reads in the snapshot."""

    upheld_when: Expression
    """Where it passes the line is reopened outside criteria, score and budget."""
    pending_when: Expression
    """Where it passes a person is asked."""
    refused_when: Expression
    """Where it passes the appeal was refused."""
    limit_bp: BasisPoints
    """The share of the closed limit that an upheld appeal gives, in basis points."""


class Campaign(Shape):
    """A temporary reopening for lines that the criteria of their cause still keep closed."""

    code: Identifier
    """The name under which the ledger remembers whom it served; each line once."""
    when: Expression
    """Who took part, as an expression."""
    from_: datetime.date = Field(alias="from")
    until: datetime.date
    causes: tuple[Identifier, ...] = Field(strict=False, min_length=1)
    waives: tuple[Identifier, ...] = Field(default=(), strict=False)
    """The criteria of its causes that it does not ask."""
    score_min: Points | None = None
    """The least score for it; null for none."""
    valid_days: Annotated[int, Field(ge=1, le=3650)]
    """For how many days it opens a line."""
    limit_bp: BasisPoints
    """The share of the closed limit, in basis points."""
    limit_max_cents: Cents | None = None


class Band(Shape):
    """The share of the closed limit that a score earns."""

    score_at_least: Points
    limit_bp: BasisPoints


class Cap(Shape):
    """An upper bound of a limit, computed from the line."""

    id: Identifier
    at_most: Expression
    """An expression that gives an amount in cents."""
    says: Text | None = None
    source: Text | None = None


class Limit(Shape):
    """How the limit of a reopened line is found."""

    bands: tuple[Band, ...] = Field(strict=False)
    """From the highest score to the lowest; the first that the score reaches gives the share."""
    no_score_bp: BasisPoints | None = None
    """The share where the cause asks no score."""
    caps: tuple[Cap, ...] = Field(default=(), strict=False)
    round_down_to_cents: Annotated[int, Field(ge=1, le=10**13)]
    """Limits are rounded down to a multiple of it."""
    floor_cents: Cents
    """A smaller limit does not open a line."""
    ceiling_cents: Cents
    """No limit is larger."""


class NightlyBudget(Shape):
    """How many lines, and how much limit in all, one night may open."""

    lines: Annotated[int, Field(ge=0, le=10**13)]
    limit_cents: Annotated[int, Field(ge=0, le=10**18)]


class Probation(Shape):
    """How long, and by which question, a reopened line may be closed again."""

    days: Annotated[int, Field(ge=0, le=36_500)]
    """For how many days after its reopening a line is watched."""
    reclose_when: Expression
    """Where it passes the line is closed again, and no line is opened."""
    reason: ReasonCode


class Notices(Shape):
    """How often customers hear of a line that stays closed."""

    reasons_max: Annotated[int, Field(ge=1, le=100)]
    """How many reasons a customer is told."""
    kept_closed_every_days: Annotated[int, Field(ge=1, le=36_500)]
    """After how many days a line that stays closed is told again."""
    quiet_days: Annotated[int, Field(ge=0, le=36_500)]
    """For how many days after a notice none follows."""
    expiring_days_before: Annotated[int, Field(ge=0, le=3650)]
    """How many days before its end a temporary line's customer is reminded."""


class Policy(Shape):
    """One version of a policy series."""

    policy: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    """The series; the name of the folder too."""
    version: Text
    """The name of this version, unique in its series."""
    in_force: InForce
    attributes: dict[Identifier, Attribute]
    """What the snapshot carries beside the core columns."""
    exclusions: tuple[Exclusion, ...] = Field(default=(), strict=False)
    """Who is never reopened by the job."""
    freezes: tuple[Freeze, ...] = Field(default=(), strict=False)
    """Who is not reopened for now."""
    criteria: dict[Identifier, Criterion]
    """The questions that causes ask, by id."""
    causes: dict[Identifier, Cause]
    """The way back, by the cause of closing."""
    scorecard: Scorecard
    appeal: Appeal | None = None
    campaigns: tuple[Campaign, ...] = Field(default=(), strict=False)
    confirm_nights: Annotated[int, Field(ge=1, le=3650)] = 1
    """On how many nights in a row a line must be recoverable."""
    limit: Limit
    nightly_budget: NightlyBudget | None = None
    """What one night may open; all that is earned where it is left out."""
    probation: Probation | None = None
    notices: Notices


Place = tuple[str | int, ...]
"""Keys and indexes that lead from the top of a file to a value."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a policy, and where in the file."""

    place: Place
    message: str
