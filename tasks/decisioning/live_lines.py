"""Judging lines that are open because of the job: temporary ones, and reopened ones on probation."""

import numpy as np

from schemas.vocabulary import Decision, Route, Step
from tasks.decisioning.answers import PASS, UNKNOWN
from tasks.decisioning.columns import Ints
from tasks.decisioning.facts import DECISIONS, NO_SCORE_MIN, STEPS, Facts
from tasks.decisioning.judge import Verdicts, is_category, judge_openness, with_losses, without_route
from tasks.decisioning.ragged import NONE, Ragged


def judge_temporary(facts: Facts) -> Verdicts:
    """Decide lines that are open for a time: made permanent, ended, closed again, or left as they are."""
    night, rows = facts.night, facts.rows
    inner = judge_openness(facts)
    permanent = inner.open
    ends = night.today >= rows["ledger_valid_until"].values
    barred = np.isin(inner.step, [STEPS.index(Step.EXCLUSION), STEPS.index(Step.FREEZE)])
    barred &= (inner.decision == DECISIONS.index(Decision.KEEP_CLOSED)) & ~permanent

    verdicts = Verdicts(night, len(rows))
    verdicts.recoverable = inner.recoverable
    verdicts.route, verdicts.limit_cents = inner.route, inner.limit_cents
    granted = verdicts.settle(permanent, Decision.REOPEN, Step.GRANTED)
    verdicts.settle(ends, Decision.EXPIRE, Step.EXPIRY)
    reclosed = verdicts.settle(barred, Decision.RECLOSE, Step.EXCLUSION)
    verdicts.step[reclosed] = inner.step[reclosed]
    kept = inner.reasons.build().take(reclosed)
    verdicts.reasons.put(reclosed, _padded(kept))
    if night.rules.reclose:
        late = verdicts.settle(np.asarray(facts.reclose == PASS), Decision.RECLOSE, Step.PROBATION)
        verdicts.give(late, night.rules.reclose.reason)
    stays = verdicts.settle(verdicts.open, Decision.KEEP_TEMPORARY, Step.TEMPORARY)
    _list_unknown_exclusions(facts, verdicts, stays)
    without_route(verdicts.route, verdicts.limit_cents, ~np.isin(np.arange(len(rows)), granted))
    return verdicts


def judge_probation(facts: Facts) -> Verdicts:
    """Decide reopened lines that are still on probation: closed again or left open."""
    night, rules = facts.night, facts.night.rules
    verdicts = Verdicts(night, len(facts.rows))
    keeps = [rules.causes[name].keep_open_score_min for name in night.cause_names]
    least = facts.by_cause([*(NO_SCORE_MIN if keep is None else keep for keep in keeps), NO_SCORE_MIN])
    by_appeal = is_category(facts.rows["ledger_route"], Route.APPEAL)
    short = (facts.score < least) & ~by_appeal
    excluded = np.zeros(len(facts.rows), bool)
    for found in facts.exclusions:
        excluded |= found == PASS
    late = facts.reclose == PASS
    reclosed = verdicts.settle(excluded | late | short, Decision.RECLOSE, Step.PROBATION)
    before = [
        (found[reclosed] == PASS, question.reason)
        for found, question in zip(facts.exclusions, rules.exclusions, strict=True)
    ]
    if rules.reclose:
        before.append((late[reclosed], rules.reclose.reason))
    verdicts.reasons.put(reclosed, with_losses(facts, reclosed, before, short[reclosed]))
    stays = verdicts.settle(verdicts.open, Decision.KEEP_OPEN, Step.PROBATION)
    _list_unknown_exclusions(facts, verdicts, stays)
    return verdicts


def _list_unknown_exclusions(facts: Facts, verdicts: Verdicts, rows: Ints) -> None:
    ids = [question.id for question in facts.night.rules.exclusions]
    verdicts.list_unknown(rows, [found == UNKNOWN for found in facts.exclusions], ids)


def _padded(lists: Ragged) -> Ints:
    most = int(lists.counts.max()) if len(lists.counts) else 0
    out = np.full((len(lists.counts), most), NONE, np.int64)
    out[np.arange(most) < lists.counts[:, None]] = lists.values
    return out
