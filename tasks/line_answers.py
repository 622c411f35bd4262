"""The questions of a policy as one line answered them, its points, and how its limit came about."""

from typing import Any

from schemas.explanation import Cap, Condition, ConditionKind, LimitFound, LineState, Points
from schemas.policy import Policy
from schemas.vocabulary import PROBATION_CRITERION, Answer, Decision, Route, Step
from tasks.decisioning.answers import PASS, answer
from tasks.decisioning.columns import Ints
from tasks.decisioning.facts import Facts
from tasks.decisioning.limits import limit_cents, unknown_caps
from tasks.decisioning.rules import Rules
from tasks.decisioning.tree import Node
from tasks.evidence import ANSWERS
from tasks.night_line import Values

OPPOSITE = {Answer.PASS: Answer.FAIL, Answer.FAIL: Answer.PASS, Answer.UNKNOWN: Answer.UNKNOWN}


def points_of(rules: Rules, evidence: dict[str, Any], values: Values) -> tuple[Points, ...]:
    """What every attribute of the scorecard gave, in its order."""
    return tuple(
        Points(
            value=values[scored.name],
            points=evidence[f"points.{scored.name}"],
            best=scored.best,
            reason=scored.shape.reason,
            is_actionable=scored.attribute.actionable,
        )
        for scored in rules.scorecard
    )


def barriers_of(facts: Facts, evidence: dict[str, Any], values: Values) -> tuple[Condition, ...]:
    """What stands before the cause: exclusions and freezes that pass or are unknown, and what became of an appeal.

    Those that settled the line come first.
    """
    found = (*_bars(facts, values), *_appeal(facts, values))
    told = [each.model_copy(update={"is_decisive": _settled(each, evidence)}) for each in found]
    return tuple(sorted(told, key=lambda each: not each.is_decisive))


def _settled(barrier: Condition, evidence: dict[str, Any]) -> bool:
    """Whether it was this that settled the line."""
    decision, step, kind = evidence["decision"], evidence["step"], barrier.kind
    if step == Step.APPEAL:
        return kind is ConditionKind.APPEAL_PENDING
    if step == Step.GRANTED:
        return evidence["route"] == Route.APPEAL and kind is ConditionKind.APPEAL_UPHELD
    if step == Step.PROBATION:
        return decision == Decision.RECLOSE and kind is ConditionKind.EXCLUSION and barrier.answer is Answer.PASS
    return kind.value == step and barrier.answer is (Answer.UNKNOWN if decision == Decision.REFER else Answer.PASS)


def _bars(facts: Facts, values: Values) -> list[Condition]:
    night, rules = facts.night, facts.night.rules
    shapes: dict[str, Any] = {shape.id: shape for shape in (*rules.policy.exclusions, *rules.policy.freezes)}
    found = []
    for kind, questions, answers in (
        (ConditionKind.EXCLUSION, rules.exclusions, facts.exclusions),
        (ConditionKind.FREEZE, night.freezes, facts.freezes),
    ):
        for question, codes in zip(questions, answers, strict=True):
            if (said := ANSWERS[codes[0]]) is not Answer.FAIL:
                shape = shapes[question.id]
                found.append(
                    Condition(
                        kind=kind,
                        id=question.id,
                        answer=said,
                        expression=shape.when,
                        reason=question.reason,
                        says=shape.says,
                        source=shape.source,
                        until=getattr(shape, "until", None),
                        values=values.read_by(question.node, is_bar=True),
                    )
                )
    return found


def _appeal(facts: Facts, values: Values) -> list[Condition]:
    """What became of an appeal, if there was one."""
    rules, shape = facts.night.rules.appeal, facts.night.rules.policy.appeal
    if rules is None or shape is None:
        return []
    asked: list[tuple[ConditionKind, Node, str]] = [
        (ConditionKind.APPEAL_UPHELD, rules.upheld, shape.upheld_when),
        (ConditionKind.APPEAL_PENDING, rules.pending, shape.pending_when),
        (ConditionKind.APPEAL_REFUSED, rules.refused, shape.refused_when),
    ]
    return [
        Condition(kind=kind, id=kind.value, answer=Answer.PASS, expression=text, values=values.read_by(node))
        for kind, node, text in asked
        if answer(node, facts.rows)[0] == PASS
    ]


def criteria_of(facts: Facts, evidence: dict[str, Any], values: Values, state: LineState) -> tuple[Condition, ...]:
    """The criteria of the line's cause in its order, last what would close the line again at once."""
    rules, policy = facts.night.rules, facts.night.rules.policy
    contract = rules.causes.get(evidence["cause"] or "")
    found = []
    for name in contract.criteria if contract and state is not LineState.PROBATION else ():
        shape, question = policy.criteria[name], rules.criteria[name]
        found.append(
            Condition(
                kind=ConditionKind.CRITERION,
                id=name,
                answer=evidence[f"criterion.{name}"],
                expression=shape.require,
                reason=shape.reason,
                says=shape.says,
                source=shape.source,
                values=values.read_by(question.node),
            )
        )
    if rules.reclose and policy.probation and (contract or state is LineState.PROBATION):
        closes = ANSWERS[facts.reclose[0]]
        found.append(
            Condition(
                kind=ConditionKind.PROBATION,
                id=PROBATION_CRITERION,
                answer=OPPOSITE[closes],
                expression=policy.probation.reclose_when,
                reason=policy.probation.reason,
                values=values.read_by(rules.reclose.node, is_bar=True),
            )
        )
    return tuple(found)


def limit_of(facts: Facts, evidence: dict[str, Any], granted: dict[str, Any], values: Values) -> LimitFound:
    """How the limit of a line came about that got as far.

    Args:
        facts: what was found out about the line.
        evidence: its row of the evidence.
        granted: what it would be granted before the night's budget; empty for a line that would not.
        values: what its expressions read.
    """
    rules, policy = facts.night.rules, facts.night.rules.policy
    campaign = next((each for each in policy.campaigns if each.code == granted.get("campaign")), None)
    closed: Ints = facts.rows["closed_limit_cents"].values
    share_bp = campaign.limit_bp if campaign else _share_bp(policy, evidence, granted)
    most = campaign.limit_max_cents if campaign else None
    unknown = unknown_caps(facts.caps, 1)
    found = limit_cents(policy.limit, closed, closed * 0 + share_bp, facts.caps, most)
    caps = [
        Cap(
            id=shape.id,
            expression=shape.at_most,
            says=shape.says,
            values=values.read_by(node),
            at_most_cents=None if unknown[place][0] else int(facts.caps[place].values[0] // 1),
        )
        for place, (shape, (_, node)) in enumerate(zip(policy.limit.caps, rules.caps, strict=True))
    ]
    return LimitFound(
        closed_limit_cents=int(closed[0]),
        share_bp=share_bp,
        share_cents=int(closed[0]) * share_bp // 10_000,
        caps=tuple(caps),
        campaign_max_cents=most,
        ceiling_cents=policy.limit.ceiling_cents,
        floor_cents=policy.limit.floor_cents,
        round_down_to_cents=policy.limit.round_down_to_cents,
        limit_cents=None if unknown.any() else int(found[0]),
    )


def _share_bp(policy: Policy, evidence: dict[str, Any], granted: dict[str, Any]) -> int:
    """The share of the closed limit; a line that reached the limit without being recoverable came by its appeal."""
    if policy.appeal and (granted.get("route") == Route.APPEAL or not evidence["recoverable"]):
        return policy.appeal.limit_bp
    if policy.causes[evidence["cause"]].score_min is None:
        return policy.limit.no_score_bp or 0
    reached = [band.limit_bp for band in policy.limit.bands if evidence["score"] >= band.score_at_least]
    return reached[0] if reached else 0
