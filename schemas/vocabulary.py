"""The words of Reinstate: one spelling for every decision, step, state and column.

The values are what stands in snapshots, evidence, the store and reports; nothing else may be written there.
"""

from enum import StrEnum
from typing import Final


class Decision(StrEnum):
    """What a night says about one line."""

    REOPEN = "reopen"
    REOPEN_TEMPORARILY = "reopen_temporarily"
    KEEP_CLOSED = "keep_closed"
    REFER = "refer"
    EXPIRE = "expire"
    RECLOSE = "reclose"
    KEEP_TEMPORARY = "keep_temporary"
    KEEP_OPEN = "keep_open"


class Step(StrEnum):
    """The step of the judgement that settled a line."""

    INITIATOR = "initiator"
    EXCLUSION = "exclusion"
    FREEZE = "freeze"
    APPEAL = "appeal"
    CAUSE = "cause"
    CONFIRMATION = "confirmation"
    BAND = "band"
    LIMIT = "limit"
    BUDGET = "budget"
    GRANTED = "granted"
    EXPIRY = "expiry"
    PROBATION = "probation"
    TEMPORARY = "temporary"


class Route(StrEnum):
    """How a line came to be reopened."""

    REEVALUATION = "reevaluation"
    APPEAL = "appeal"
    CAMPAIGN = "campaign"


class LedgerState(StrEnum):
    """What the last transition that the job made on a line left it as."""

    NONE = "none"
    TEMPORARY = "temporary"
    REOPENED = "reopened"


class LineKind(StrEnum):
    """Why a row of a snapshot is looked at."""

    CLOSED = "closed"
    TEMPORARY = "temporary"
    PROBATION = "probation"
    PENDING_ACTIVATION = "pending_activation"


class AttributeType(StrEnum):
    """The types of core columns and attributes."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CATEGORY = "category"


class Answer(StrEnum):
    """The three answers of a criterion, in the order of their codes 0, 1, 2."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"


class RunStatus(StrEnum):
    """How far a night, or a revision of one, is."""

    STARTED = "started"
    REFUSED = "refused"
    FAILED = "failed"
    HELD = "held"
    PLANNED = "planned"
    PUBLISHED = "published"
    DISCARDED = "discarded"


UNPLANNED: Final = (RunStatus.STARTED, RunStatus.REFUSED, RunStatus.FAILED)
"""How a run stands that has no plan: it may be begun anew."""


class Outcome(StrEnum):
    """What came of running a night."""

    PUBLISHED = "published"
    PUBLISHED_BEFORE = "published_before"
    HELD = "held"
    DRY_RUN = "dry_run"
    PAUSED = "paused"


class Verdict(StrEnum):
    """What a person says of a held plan."""

    RELEASE = "release"
    DISCARD = "discard"


class Audience(StrEnum):
    """Whom a notice is for."""

    CUSTOMER = "customer"
    CORE_SYSTEM = "core_system"


class NoticeKind(StrEnum):
    """What a notice says to its audience."""

    LINE_REOPENED = "line_reopened"
    LINE_TEMPORARILY_REOPENED = "line_temporarily_reopened"
    TEMPORARY_LINE_EXPIRED = "temporary_line_expired"
    LINE_RECLOSED = "line_reclosed"
    LINE_WITHDRAWN = "line_withdrawn"
    CORRECTION_LINE_OPEN = "correction_line_open"
    CORRECTION_LINE_CLOSED = "correction_line_closed"
    REOPEN_REQUEST = "reopen"
    CLOSE_REQUEST = "close"


WITHDRAW: Final = "withdraw"
"""The transition by which a person ends a reopening."""
REVERSE: Final = "reverse"
"""The transition by which a revision of a night takes back one of its transitions."""

TRANSITIONS: Final = (Decision.REOPEN, Decision.REOPEN_TEMPORARILY, Decision.EXPIRE, Decision.RECLOSE)
"""The decisions that change the state of a line."""

SHIPPED_CAUSES: Final = (
    "credit_assessment",
    "policy_tightening",
    "product_operation",
    "abnormal_behaviour",
    "customer_request",
)

PROBATION_CRITERION: Final = "PROBATION"

REASON_CUSTOMER_REQUEST: Final = "closed_at_customer_request"
REASON_APPEAL_PENDING: Final = "appeal_pending"
REASON_CAUSE_NOT_COVERED: Final = "cause_not_covered"
REASON_CONFIRMING: Final = "confirming"
REASON_NO_BAND: Final = "score_below_lowest_band"
REASON_CAP_UNKNOWN: Final = "limit_cap_unknown"
REASON_BELOW_FLOOR: Final = "limit_below_floor"
REASON_BUDGET: Final = "nightly_budget_spent"

PROGRAM_REASONS: Final = (
    REASON_CUSTOMER_REQUEST,
    REASON_APPEAL_PENDING,
    REASON_CAUSE_NOT_COVERED,
    REASON_CONFIRMING,
    REASON_NO_BAND,
    REASON_CAP_UNKNOWN,
    REASON_BELOW_FLOOR,
    REASON_BUDGET,
)
"""The reason codes that the judgement itself gives; all others come from a policy."""

WHOLE_NUMBER_LIMIT: Final = 10**13
"""The largest size of a whole number or of an amount of money in a snapshot."""

CORE_COLUMNS: Final[dict[str, AttributeType]] = {
    "product_code": AttributeType.CATEGORY,
    "customer_segment": AttributeType.CATEGORY,
    "line_status": AttributeType.CATEGORY,
    "closed_limit_cents": AttributeType.INTEGER,
    "balance_cents": AttributeType.INTEGER,
    "closed_on": AttributeType.DATE,
    "closure_cause": AttributeType.CATEGORY,
    "closure_initiator": AttributeType.CATEGORY,
}
"""The core columns of a snapshot beside `account_id` (text) and `business_date` (date)."""

CORE_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "line_status": ("open", "closed"),
    "closure_initiator": ("issuer", "customer"),
}
"""The core columns that have a closed list of values."""

UNPARSABLE: Final = "unparsable"
"""The column beside a snapshot's own that names, per row of a text source, the columns that do not read as their type."""

LEDGER_COLUMNS: Final[dict[str, AttributeType]] = {
    "ledger_state": AttributeType.CATEGORY,
    "ledger_since": AttributeType.DATE,
    "ledger_route": AttributeType.CATEGORY,
    "ledger_valid_until": AttributeType.DATE,
    "ledger_cause": AttributeType.CATEGORY,
    "ledger_closed_on": AttributeType.DATE,
    "ledger_closed_limit_cents": AttributeType.INTEGER,
    "ledger_reopens_365d_count": AttributeType.INTEGER,
    "ledger_reopens_1825d_count": AttributeType.INTEGER,
    "ledger_temporary_365d_count": AttributeType.INTEGER,
    "ledger_campaigns_used": AttributeType.CATEGORY,
    "ledger_recoverable_nights_count": AttributeType.INTEGER,
}
"""What the ledger knows of a line; `ledger_campaigns_used` holds campaign codes joined by commas."""

LEDGER_COUNTS: Final = tuple(name for name in LEDGER_COLUMNS if name.endswith("_count"))

EXPRESSION_NAMES: Final[dict[str, AttributeType]] = {
    **{name: kind for name, kind in CORE_COLUMNS.items() if name != "line_status"},
    **{name: LEDGER_COLUMNS[name] for name in LEDGER_COUNTS},
}
"""The names beside a policy's own attributes that an expression may use."""
