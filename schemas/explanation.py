"""The shape of an explanation: what is known of one line on one published night, in codes, amounts and dates.

It is what `reinstate explain --json` writes. Money is whole cents, shares are basis points, dates are ISO texts.
"""

import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from schemas.vocabulary import Answer, AttributeType


class LineState(StrEnum):
    """What a line was on a night; only the first three are judged."""

    CLOSED = "closed"
    TEMPORARY = "temporary"
    PROBATION = "probation"
    PENDING_ACTIVATION = "pending_activation"
    OPEN = "open"
    QUARANTINED = "quarantined"
    ABSENT = "absent"


class Unknown(StrEnum):
    """Why a value is unknown."""

    MISSING = "missing"
    UNDATED = "undated"
    TOO_OLD = "too_old"


class ConditionKind(StrEnum):
    """Where in a policy a question stands."""

    EXCLUSION = "exclusion"
    FREEZE = "freeze"
    APPEAL_UPHELD = "appeal_upheld"
    APPEAL_PENDING = "appeal_pending"
    APPEAL_REFUSED = "appeal_refused"
    CRITERION = "criterion"
    PROBATION = "probation"


class Part(BaseModel):
    """A frozen part of an explanation."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(Part):
    """The value found of one name; `unknown_since` is the first date on which it was too old.

    `is_none` says of a missing value that the question which read it takes its absence for "there was none".
    """

    name: str
    type: AttributeType
    unit: str | None = None
    value: bool | int | float | str | None = None
    unknown: Unknown | None = None
    observed_on: datetime.date | None = None
    max_age_days: int | None = None
    unknown_since: datetime.date | None = None
    is_none: bool = False


class Condition(Part):
    """A question of the policy, its answer for the line, and the values that it was answered with.

    The expression of the kind `probation` asks what would close the line: where it passes, the answer here is fail;
    unknown does not count against a line there.
    """

    kind: ConditionKind
    id: str
    answer: Answer
    expression: str
    reason: str | None = None
    says: str | None = None
    source: str | None = None
    until: datetime.date | None = None
    values: tuple[Value, ...] = ()
    is_decisive: bool = False
    """Of an exclusion, a freeze or an appeal: whether it settled the line, or is on record beside what did."""


class Points(Part):
    """What one attribute of the scorecard gave, and the best that an allowed value could give."""

    value: Value
    points: int
    best: int
    reason: str
    is_actionable: bool


class Wait(Part):
    """A criterion that time alone cures, and when."""

    criterion: str
    passes_on: datetime.date


class ScoreStep(Part):
    """An attribute to be improved: for a number from `at_least` on and `below`, for a category one of `values`."""

    attribute: str
    gain: int
    at_least: float | None = None
    below: float | None = None
    values: tuple[str, ...] | None = None


class Path(Part):
    """What would make the line recoverable, as the night wrote it down: counts of the ledger stand still in it.

    `score_steps` is None where no steps close the gap.
    """

    must_wait: tuple[Wait, ...] = ()
    must_fix: tuple[str, ...] = ()
    must_show: tuple[str, ...] = ()
    score_gap: int = 0
    score_steps: tuple[ScoreStep, ...] | None = ()
    earliest_on: datetime.date | None = None


class Outlook(Part):
    """What the path leaves out.

    `ledger_waits` are criteria of `must_fix` that pass by themselves once earlier reopenings no longer count, and
    `earliest_on` is the path's date with that taken into account; None where no date can be named. `enough` is the
    least that the last of `score_steps` must come to, the others at their best, where that is less than its own best.
    """

    ledger_waits: tuple[Wait, ...] = ()
    earliest_on: datetime.date | None = None
    enough: ScoreStep | None = None


class Cap(Part):
    """An upper bound of the limit; `at_most_cents` is None where it is unknown."""

    id: str
    expression: str
    at_most_cents: int | None
    says: str | None = None
    values: tuple[Value, ...] = ()


class LimitFound(Part):
    """How the limit came about: the least of the share, the caps and the fixed bounds, rounded down."""

    closed_limit_cents: int
    share_bp: int
    share_cents: int
    caps: tuple[Cap, ...] = ()
    campaign_max_cents: int | None = None
    ceiling_cents: int
    floor_cents: int
    round_down_to_cents: int
    limit_cents: int | None


class PassedOver(Part):
    """What a line would have been granted if the budget of the night had had room for it."""

    route: str
    campaign: str | None
    limit_cents: int
    valid_until: datetime.date | None


class Verdict(Part):
    """What the night decided about a line that it judged, and how it came to that.

    `score_needed` is `score_min` of the cause, for a line on probation `keep_open_score_min`; None where no score is
    asked. `recoverable_nights` counts published nights in a row, this one included. Only a granted line has `route`,
    `campaign`, `limit_cents` and `valid_until`; one that the budget passed over has `passed_over`. `reasons_found` are
    the reasons that something found gives; the others are given only because the values `not_known` are unknown.
    """

    decision: str
    step: str
    cause: str | None
    reasons: tuple[str, ...]
    reasons_found: tuple[str, ...]
    not_known: tuple[str, ...]
    unknown: tuple[str, ...]
    route: str | None
    campaign: str | None
    limit_cents: int | None
    valid_until: datetime.date | None
    passed_over: PassedOver | None
    recoverable: bool
    recoverable_nights: int
    confirm_nights: int
    score: int
    score_needed: int | None
    score_lowest_band: int | None
    base_points: int
    points: tuple[Points, ...]
    barriers: tuple[Condition, ...]
    criteria: tuple[Condition, ...]
    limit: LimitFound | None
    budget_lines: int | None
    budget_cents: int | None
    path: Path | None
    outlook: Outlook | None


class Line(Part):
    """The line as it was judged, or as the snapshot shows it if it was not."""

    product_code: str | None
    customer_segment: str | None
    line_status: str | None
    closed_on: datetime.date | None
    closure_cause: str | None
    closure_initiator: str | None
    closed_limit_cents: int | None
    balance_cents: int | None


class Held(Part):
    """What the ledger knew of the line before the night; `watched_until` is the last day of probation."""

    state: str
    since: datetime.date | None
    route: str | None
    valid_until: datetime.date | None
    watched_until: datetime.date | None
    is_overdue: bool
    """Whether the core system has not opened it within the portfolio's grace."""


class Transition(Part):
    """One entry of the ledger; `person` and `person_says` are of one that a person made."""

    sequence: int
    business_date: datetime.date
    revision: int
    decision: str
    step: str | None
    route: str | None
    campaign: str | None
    limit_cents: int | None
    valid_until: datetime.date | None
    reasons: tuple[str, ...]
    person: str | None = None
    person_says: str | None = None


class Explanation(Part):
    """One line on one published night; `line` is None where its row was set aside or is not there."""

    portfolio: str
    lender: str
    currency: str
    business_date: datetime.date
    revision: int
    policy: str
    policy_version: str
    policy_hash: str
    account_id: str
    state: LineState
    line: Line | None
    held: Held | None
    quarantine: tuple[str, ...]
    verdict: Verdict | None
    history: tuple[Transition, ...]
    later_transitions_count: int
