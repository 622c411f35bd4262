"""Judging lines: section by section of the policy manual, for many rows at once.

A block of rows walks down the steps; each step settles some of the rows that are still open and leaves the rest. The
order of the statements in `judge_closed` is the order of the steps in the manual.
"""

import numpy as np

from schemas.vocabulary import (
    REASON_APPEAL_PENDING,
    REASON_BELOW_FLOOR,
    REASON_BUDGET,
    REASON_CAP_UNKNOWN,
    REASON_CAUSE_NOT_COVERED,
    REASON_CONFIRMING,
    REASON_CUSTOMER_REQUEST,
    REASON_NO_BAND,
    Decision,
    Route,
    Step,
)
from tasks.decisioning.answers import FAIL, PASS, UNKNOWN, Answers, answer
from tasks.decisioning.columns import Bools, Column, Ints
from tasks.decisioning.facts import DECISIONS, NO_DAY, NO_SCORE_MIN, ROUTES, STEPS, Array, Facts, Night
from tasks.decisioning.limits import below_floor, limit_cents, unknown_caps
from tasks.decisioning.ragged import NONE, RaggedRows, chosen
from tasks.decisioning.rules import CampaignRules
from tasks.decisioning.scorecard import ranked_losses


class Verdicts:
    """The decisions of a block, filled step by step."""

    def __init__(self, night: Night, count: int) -> None:
        self.night = night
        self.open = np.ones(count, bool)
        self.decision = np.full(count, DECISIONS.index(Decision.KEEP_CLOSED), np.int8)
        self.step = np.full(count, STEPS.index(Step.CAUSE), np.int8)
        self.route = np.full(count, NONE, np.int8)
        self.share_bp = np.zeros(count, np.int64)
        self.limit_cents = np.full(count, NONE, np.int64)
        self.valid_until = np.full(count, NO_DAY, np.int64)
        self.campaign = np.full(count, NONE, np.int16)
        self.recoverable = np.zeros(count, bool)
        self.reasons = RaggedRows(count)
        self.unknown = RaggedRows(count)
        self.fallback_reasons = RaggedRows(count)
        """The reasons of a line that the night's budget passes over; only for those that would be granted."""

    def settle(self, where: Bools, decision: Decision, step: Step) -> Ints:
        """Decide the open rows of `where` and return their positions."""
        rows = np.flatnonzero(where & self.open)
        self.decide(rows, decision, step)
        return rows

    def decide(self, rows: Ints, decision: Decision, step: Step) -> None:
        self.decision[rows] = DECISIONS.index(decision)
        self.step[rows] = STEPS.index(step)
        self.open[rows] = False

    def give(self, rows: Ints, reason: str) -> None:
        """One reason for every one of `rows`."""
        self.reasons.put(rows, np.full((len(rows), 1), self.night.reason_codes[reason]))

    def list_unknown(self, rows: Ints, hits: list[Bools], ids: list[str]) -> None:
        self.unknown.put(
            rows, chosen([hit[rows] for hit in hits], [self.night.id_codes[name] for name in ids], len(rows))
        )


def judge_closed(facts: Facts) -> Verdicts:
    """Decide closed lines."""
    verdicts = Verdicts(facts.night, len(facts.rows))
    _initiator(facts, verdicts)
    _barriers(facts, verdicts)
    _appeal(facts, verdicts)
    short = _cause(facts, verdicts)
    taken = _campaigns(facts, verdicts, short)
    _confirmation(facts, verdicts)
    _band(facts, verdicts)
    _limit(facts, verdicts)
    _grant(verdicts, taken)
    return verdicts


def judge_openness(facts: Facts) -> Verdicts:
    """Steps 1 to 9 for temporary lines, whose initiator is the issuer and whom no campaign takes: open rows earn it."""
    verdicts = Verdicts(facts.night, len(facts.rows))
    _barriers(facts, verdicts)
    _appeal(facts, verdicts)
    _cause(facts, verdicts)
    _confirmation(facts, verdicts)
    _band(facts, verdicts)
    _limit(facts, verdicts)
    return verdicts


def recoverable_lines(facts: Facts) -> Bools:
    """Which lines step 5 finds recoverable, whatever the steps before it say."""
    verdicts = Verdicts(facts.night, len(facts.rows))
    _cause(facts, verdicts)
    return verdicts.recoverable


def _initiator(facts: Facts, verdicts: Verdicts) -> None:
    by_customer = is_category(facts.rows["closure_initiator"], "customer")
    verdicts.give(verdicts.settle(by_customer, Decision.KEEP_CLOSED, Step.INITIATOR), REASON_CUSTOMER_REQUEST)


def _barriers(facts: Facts, verdicts: Verdicts) -> None:
    """Exclusions, then freezes: any pass keeps the line closed, else any unknown refers it."""
    night = facts.night
    for step, questions, answers in (
        (Step.EXCLUSION, night.rules.exclusions, facts.exclusions),
        (Step.FREEZE, night.freezes, facts.freezes),
    ):
        if not questions:
            continue
        worst = np.maximum.reduce(answers)
        codes = [night.reason_codes[question.reason] for question in questions]
        for code, decision in ((PASS, Decision.KEEP_CLOSED), (UNKNOWN, Decision.REFER)):
            rows = verdicts.settle(worst == code, decision, step)
            hits = [found[rows] == code for found in answers]
            verdicts.reasons.put(rows, chosen(hits, codes, len(rows)))
            if decision is Decision.REFER:
                verdicts.list_unknown(
                    rows, [found == UNKNOWN for found in answers], [question.id for question in questions]
                )


def _appeal(facts: Facts, verdicts: Verdicts) -> None:
    appeal = facts.night.rules.appeal
    if appeal is None:
        return
    upheld = answer(appeal.upheld, facts.rows) == PASS
    pending = answer(appeal.pending, facts.rows) == PASS
    granted = verdicts.open & upheld
    verdicts.route[granted] = ROUTES.index(Route.APPEAL)
    verdicts.share_bp[granted] = appeal.limit_bp
    verdicts.give(verdicts.settle(pending & ~upheld, Decision.REFER, Step.APPEAL), REASON_APPEAL_PENDING)


def _cause(facts: Facts, verdicts: Verdicts) -> Array:
    """Step 5. Returns where the score is short, for the lines it is asked of."""
    night, causes = facts.night, facts.night.rules.causes
    asked = verdicts.open & (verdicts.route == NONE)
    verdicts.give(verdicts.settle(asked & (facts.cause == NONE), Decision.REFER, Step.CAUSE), REASON_CAUSE_NOT_COVERED)
    mins = [causes[name].score_min for name in night.cause_names]
    short = facts.score < facts.by_cause([*(NO_SCORE_MIN if least is None else least for least in mins), NO_SCORE_MIN])
    worst = _worst(facts, {name: causes[name].criteria for name in night.cause_names})
    asked &= facts.cause != NONE
    keep = (worst == FAIL) | short | (facts.reclose == PASS)
    kept = verdicts.settle(asked & keep, Decision.KEEP_CLOSED, Step.CAUSE)
    if not night.campaigns:
        _put_cause_reasons(facts, kept, short, verdicts.reasons)
    referred = verdicts.settle(asked & ~keep & (worst == UNKNOWN), Decision.REFER, Step.CAUSE)
    for number, name in enumerate(night.cause_names):
        rows = referred[facts.cause[referred] == number]
        ids = causes[name].criteria
        hits = [facts.criteria[each] == UNKNOWN for each in ids]
        codes = [night.reason_codes[night.rules.criteria[each].reason] for each in ids]
        verdicts.reasons.put(rows, chosen([hit[rows] for hit in hits], codes, len(rows)))
        verdicts.list_unknown(rows, hits, list(ids))
    verdicts.recoverable = asked & verdicts.open
    verdicts.route[verdicts.recoverable] = ROUTES.index(Route.REEVALUATION)
    return short


def _worst(facts: Facts, criteria: dict[str, tuple[str, ...]]) -> Answers:
    """The worst answer to the criteria of each row's own cause; pass where none is asked."""
    worst = np.full(len(facts.rows), PASS)
    for number, name in enumerate(facts.night.cause_names):
        if criteria.get(name):
            of_cause = np.minimum.reduce([facts.criteria[each] for each in criteria[name]])
            worst = np.where(facts.cause == number, of_cause, worst)
    return worst


def _put_cause_reasons(facts: Facts, rows: Ints, short: Array, reasons: RaggedRows, last: str | None = None) -> None:
    """The reasons of step 5 for `rows` that it keeps closed, and `last` after them."""
    night, rules = facts.night, facts.night.rules
    for number, name in enumerate(night.cause_names):
        of_cause = rows[facts.cause[rows] == number]
        failed = [
            (facts.criteria[each][of_cause] == FAIL, rules.criteria[each].reason)
            for each in rules.causes[name].criteria
        ]
        if rules.reclose:
            failed.append((facts.reclose[of_cause] == PASS, rules.reclose.reason))
        codes = with_losses(facts, of_cause, failed, short[of_cause])
        if last:
            said = (codes == night.reason_codes[last]).any(axis=1, keepdims=True)
            codes = np.concatenate([codes, np.where(said, NONE, night.reason_codes[last])], axis=1)
        reasons.put(of_cause, codes)


def with_losses(facts: Facts, rows: Ints, before: list[tuple[Bools, str]], short: Bools) -> Array:
    """Reason codes: those of `before` that hit, then, where the score is short, those of points lost, most first."""
    night, scorecard = facts.night, facts.night.rules.scorecard
    hits, codes = [hit for hit, _ in before], [night.reason_codes[reason] for _, reason in before]
    first = chosen(hits, codes, len(rows))
    if not scorecard or not short.any():
        return first
    lost_codes = [night.reason_codes[scored.shape.reason] for scored in scorecard]
    losing = np.flatnonzero(short)
    losses = _without_repeats(facts.losses(rows[losing]), lost_codes)
    for hit, code in zip(hits, codes, strict=True):
        for place in (place for place, lost in enumerate(lost_codes) if lost == code):
            losses[place][hit[losing]] = 0
    ranks = np.full((len(rows), len(scorecard)), NONE, np.int64)
    ranks[losing] = np.array([*lost_codes, NONE], np.int64)[ranked_losses(losses)]
    return np.concatenate([first, ranks], axis=1)


def _without_repeats(losses: Array, codes: list[int]) -> Array:
    """Losses, 0 where an attribute with the same reason ranks before."""
    out = losses.copy()
    for place, code in enumerate(codes):
        for other in (other for other, twin in enumerate(codes) if twin == code and other != place):
            before = (losses[other] >= losses[place]) if other < place else (losses[other] > losses[place])
            out[place][before] = 0
    return out


def _campaigns(facts: Facts, verdicts: Verdicts, short: Bools) -> Ints:
    """Step 6: temporary reopenings for lines that step 5 keeps closed; the rest get their reasons here."""
    night = facts.night
    if not night.campaigns:
        return np.zeros(0, np.int64)
    kept = (verdicts.step == STEPS.index(Step.CAUSE)) & ~verdicts.open
    kept &= (verdicts.decision == DECISIONS.index(Decision.KEEP_CLOSED)) & (facts.cause != NONE)
    free = kept.copy()
    for campaign in night.campaigns:
        limits, fits = _campaign_limits(facts, campaign)
        takes = free & fits & _campaign_asks(facts, campaign)
        verdicts.campaign[takes] = night.rules.campaigns.index(campaign)
        verdicts.limit_cents[takes] = limits[takes]
        verdicts.valid_until[takes] = night.today + campaign.shape.valid_days
        free &= ~takes
    taken = np.flatnonzero(kept & ~free)
    verdicts.decide(taken, Decision.REOPEN_TEMPORARILY, Step.GRANTED)
    verdicts.route[taken] = ROUTES.index(Route.CAMPAIGN)
    _put_cause_reasons(facts, np.flatnonzero(free), short, verdicts.reasons)
    _put_cause_reasons(facts, taken, short, verdicts.fallback_reasons, last=REASON_BUDGET)
    return taken


def _campaign_asks(facts: Facts, campaign: CampaignRules) -> Bools:
    """Where a campaign takes a line, but for its limit."""
    shape, night, rows = campaign.shape, facts.night, facts.rows
    named = {
        name: tuple(each for each in night.rules.causes[name].criteria if each not in shape.waives)
        for name in shape.causes
    }
    takes = facts.by_cause([*(name in shape.causes for name in night.cause_names), 0]).astype(bool)
    takes &= (answer(campaign.when, rows) == PASS) & (_worst(facts, named) == PASS) & (facts.reclose != PASS)
    if shape.score_min is not None:
        takes &= facts.score >= shape.score_min
    used = rows["ledger_campaigns_used"]
    if used.categories:
        table = np.array([*(shape.code in codes.split(",") for codes in used.categories), False])
        takes &= ~table[used.values]
    return takes


def _campaign_limits(facts: Facts, campaign: CampaignRules) -> tuple[Ints, Bools]:
    shape, limit = campaign.shape, facts.night.rules.policy.limit
    closed = facts.rows["closed_limit_cents"].values
    limits = limit_cents(limit, closed, np.full(len(closed), shape.limit_bp), facts.caps, shape.limit_max_cents)
    return limits, ~unknown_caps(facts.caps, len(closed)).any(axis=0) & ~below_floor(limit, limits)


def _confirmation(facts: Facts, verdicts: Verdicts) -> None:
    nights = facts.rows["ledger_recoverable_nights_count"].values + 1
    unconfirmed = verdicts.recoverable & (nights < facts.night.rules.policy.confirm_nights)
    verdicts.give(verdicts.settle(unconfirmed, Decision.KEEP_CLOSED, Step.CONFIRMATION), REASON_CONFIRMING)


def _band(facts: Facts, verdicts: Verdicts) -> None:
    """The share of the closed limit that the score earns, or nothing below the lowest band."""
    limit, rules = facts.night.rules.policy.limit, facts.night.rules
    share = np.full(len(facts.rows), NONE, np.int64)
    for band in reversed(limit.bands):
        share[facts.score >= band.score_at_least] = band.limit_bp
    scoreless = [rules.causes[name].score_min is None for name in facts.night.cause_names]
    unscored = facts.by_cause([*scoreless, 0]).astype(bool)
    share[unscored] = limit.no_score_bp or 0
    by_band = verdicts.open & verdicts.recoverable
    verdicts.share_bp[by_band] = share[by_band]
    verdicts.give(verdicts.settle(by_band & (share == NONE), Decision.KEEP_CLOSED, Step.BAND), REASON_NO_BAND)


def _limit(facts: Facts, verdicts: Verdicts) -> None:
    shape, names = facts.night.rules.policy.limit, [name for name, _ in facts.night.rules.caps]
    unknown = unknown_caps(facts.caps, len(facts.rows))
    referred = verdicts.settle(np.logical_or.reduce(unknown, axis=0), Decision.REFER, Step.LIMIT)
    verdicts.give(referred, REASON_CAP_UNKNOWN)
    verdicts.list_unknown(referred, list(unknown), names)
    limits = limit_cents(shape, facts.rows["closed_limit_cents"].values, verdicts.share_bp, facts.caps)
    verdicts.give(verdicts.settle(below_floor(shape, limits), Decision.KEEP_CLOSED, Step.LIMIT), REASON_BELOW_FLOOR)
    verdicts.limit_cents[verdicts.open] = limits[verdicts.open]


def _grant(verdicts: Verdicts, taken: Ints) -> None:
    granted = verdicts.settle(verdicts.open, Decision.REOPEN, Step.GRANTED)
    queued = granted[verdicts.route[granted] == ROUTES.index(Route.REEVALUATION)]
    verdicts.fallback_reasons.put(queued, np.full((len(queued), 1), verdicts.night.reason_codes[REASON_BUDGET]))
    everyone = np.ones(len(verdicts.open), bool)
    everyone[granted] = False
    everyone[taken] = False
    without_route(verdicts.route, verdicts.limit_cents, everyone)


def without_route(route: Array, limits: Ints, where: Bools) -> None:
    """Only granted lines have a route and a limit."""
    route[where] = NONE
    limits[where] = NONE


def is_category(column: Column, value: str) -> Bools:
    """Where a category has one value; unknown ones have none."""
    return np.array([*(each == value for each in column.categories), False])[column.values]
