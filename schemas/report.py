"""The shape of a night's report: everything that its page, its artifact and its summary say, and nothing personal."""

import datetime

from pydantic import BaseModel, ConfigDict

from schemas.vocabulary import Outcome


class ReportPart(BaseModel):
    """A frozen part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Counts(ReportPart):
    """How a night's rows add up: `rows` = `judged` + `not_up_for_judgement` + `quarantined`, always.

    `pending_activation` are among those not up for judgement. The decisions add up to `judged`.
    """

    rows: int
    judged: int
    not_up_for_judgement: int
    quarantined: int
    pending_activation: int
    decisions: dict[str, int]


class Tally(ReportPart):
    """A word and how many lines it was said of."""

    word: str
    lines: int


class Breakdown(ReportPart):
    """Decisions of the lines that share a value, such as one cause of closure."""

    word: str
    judged: int
    reopened: int
    kept_closed: int
    referred: int


class TransitionRow(ReportPart):
    """One line of the ledger, without the account's id."""

    sequence: int | None
    """None where a revision wrote nothing, or not yet."""
    decision: str
    cause: str
    route: str | None
    score: int | None
    """None where the line was not in the snapshot and only its time ran out."""
    limit_cents: int | None
    valid_until: datetime.date | None
    reasons: tuple[str, ...]


class DeliveryTally(ReportPart):
    """Notices of one kind: how many were owed to an audience, and how many were accepted."""

    audience: str
    kind: str
    owed: int
    accepted: int


class ScoreBucket(ReportPart):
    """Lines judged with a score of at least `from_score` and below the next bucket's, by what was decided."""

    from_score: int
    reopened: int
    not_reopened: int


class PastNight(ReportPart):
    """A published night before this one, or this one, for the course over time."""

    business_date: datetime.date
    judged: int
    reopened: int
    closed_again: int


class Report(ReportPart):
    """One night of one portfolio."""

    portfolio: str
    title: str
    currency: str
    business_date: datetime.date
    revision: int
    outcome: Outcome
    findings: tuple[str, ...]
    """The caps that a held night is above."""
    policy: str
    policy_version: str
    policy_hash: str
    snapshot_hash: str
    plan_hash: str
    code_version: str
    taken_back_count: int = 0
    """Transitions of the night that this revision of it took back."""
    made_count: int = 0
    """Transitions that it made."""
    ledger_head: str
    counts: Counts
    reopened_limit_cents: int
    budget_lines: int | None
    budget_limit_cents: int | None
    budget_lines_spent: int
    budget_limit_cents_spent: int
    by_cause: tuple[Breakdown, ...]
    by_segment: tuple[Breakdown, ...]
    by_product: tuple[Breakdown, ...]
    steps: tuple[Tally, ...]
    reasons: tuple[Tally, ...]
    """Reasons of lines kept closed, most frequent first."""
    review_queue: tuple[Tally, ...]
    """What the referred lines wait for: reasons, most frequent first."""
    quarantine: tuple[Tally, ...]
    """Checks that failed, as `column: what was wrong`, most frequent first; one row may fail several."""
    exceptions: tuple[Tally, ...]
    """Lines a person should look at: held by the ledger but not in the snapshot, not activated in time."""
    scores: tuple[ScoreBucket, ...]
    transitions: tuple[TransitionRow, ...]
    deliveries: tuple[DeliveryTally, ...]
    reason_texts: dict[str, str]
    """What each reason code means, in the language of the page."""
    nights: tuple[PastNight, ...]
    """The last published nights up to this one, oldest first."""

    @property
    def is_unpublished(self) -> bool:
        """Whether the page says what a night would do, not what it did."""
        return self.outcome not in (Outcome.PUBLISHED, Outcome.PUBLISHED_BEFORE)
