"""What a night decided about one line that it judged, told from what the night wrote down."""

from typing import Any

from schemas.explanation import Condition, LimitFound, LineState, PassedOver, Path, Points, Verdict
from schemas.vocabulary import Decision, Route, Step
from tasks.decisioning.columns import Rows
from tasks.decisioning.facts import Night, gather_facts
from tasks.decisioning.rules import Rules
from tasks.given_reasons import Given, tell_apart
from tasks.line_answers import barriers_of, criteria_of, limit_of, points_of
from tasks.night_line import NightLine, Values
from tasks.outlooks import look_ahead

JUDGED = (LineState.CLOSED, LineState.TEMPORARY, LineState.PROBATION)
"""The states of lines that a night judges."""
LIMIT_STEPS = (Step.GRANTED, Step.LIMIT, Step.BUDGET)
"""The steps of lines whose limit was computed."""
BAR_STEPS = (Step.EXCLUSION, Step.FREEZE)
"""The steps whose reasons are those of what bars a line."""


def verdict_of(
    night: Night, line: NightLine, evidence: dict[str, Any], candidate: dict[str, Any], entries: list[Any]
) -> Verdict:
    """What the night decided about a line that it judged, and how it came to that.

    Args:
        night: its policy and business date.
        line: in one of the states `JUDGED`.
        evidence: its row, as the night settled it.
        candidate: what it would be granted before the night's budget; empty for a line that would not.
        entries: those of the ledger for it that are dated up to the night, in its order.
    """
    row, rows = _judged_row(line)
    rules, found = night.rules, _findings(night, line, evidence, candidate)
    bands, budget = rules.policy.limit.bands, rules.policy.nightly_budget
    is_passed_over = candidate.get("route") is not None and evidence["route"] is None
    before = row.get("ledger_recoverable_nights_count", 0)
    needed = _score_needed(rules, evidence["cause"], line)
    given = _given(evidence, needed, **found)
    path = _path(evidence) if line.state is LineState.CLOSED else None
    points = {each.value.name: each.points for each in found["points"]}
    return Verdict(
        **{name: evidence[name] for name in _RECORDED},
        **found,
        reasons_found=given.found,
        not_known=given.not_known,
        campaign=candidate.get("campaign") if evidence["route"] else None,
        passed_over=_passed_over(candidate) if is_passed_over else None,
        recoverable_nights=before + 1 if evidence["recoverable"] else 0,
        confirm_nights=rules.policy.confirm_nights,
        score_needed=needed,
        score_lowest_band=bands[-1].score_at_least if bands else None,
        base_points=rules.policy.scorecard.base_points,
        budget_lines=budget.lines if budget and is_passed_over else None,
        budget_cents=budget.limit_cents if budget and is_passed_over else None,
        path=path,
        outlook=look_ahead(rules, rows, evidence["cause"], path, points, entries) if path else None,
    )


def _judged_row(line: NightLine) -> tuple[dict[str, Any], Rows]:
    if line.row is None or line.rows is None:
        raise TypeError("a line without a row is not judged")
    return line.row, line.rows


def _passed_over(candidate: dict[str, Any]) -> PassedOver:
    return PassedOver(**{name: candidate[name] for name in PassedOver.model_fields})


def _findings(night: Night, line: NightLine, evidence: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    """The questions as the line answered them, its points, and how its limit came about."""
    row, rows = _judged_row(line)
    facts = gather_facts(night, rows, "ledger_cause" if line.state is LineState.PROBATION else "closure_cause")
    values = Values(row, rows, night.rules)
    has_limit = evidence["step"] in LIMIT_STEPS
    return {
        "points": points_of(night.rules, evidence, values),
        "barriers": barriers_of(facts, evidence, values),
        "criteria": criteria_of(facts, evidence, values, line.state),
        "limit": limit_of(facts, evidence, candidate, values) if has_limit else None,
    }


def _given(
    evidence: dict[str, Any],
    needed: int | None,
    points: tuple[Points, ...],
    barriers: tuple[Condition, ...],
    criteria: tuple[Condition, ...],
    limit: LimitFound | None,
) -> Given:
    """Where the reasons come from."""
    asked = [each for each in barriers if each.is_decisive]
    if evidence["step"] not in BAR_STEPS:
        asked.extend(criteria)
    is_short = needed is not None and evidence["score"] < needed
    return tell_apart(tuple(evidence["reasons"]), asked, points if is_short else (), limit.caps if limit else ())


_RECORDED = (
    "decision", "step", "cause", "reasons", "unknown", "route", "limit_cents", "valid_until", "recoverable", "score",
)  # fmt: skip


def _score_needed(rules: Rules, cause: str | None, line: NightLine) -> int | None:
    contract = rules.causes.get(cause or "")
    if contract is None:
        return None
    if line.state is not LineState.PROBATION:
        return contract.score_min
    by_appeal = line.known is not None and line.known["ledger_route"] == Route.APPEAL
    return None if by_appeal else contract.keep_open_score_min


def _path(evidence: dict[str, Any]) -> Path | None:
    if evidence["step"] != Step.CAUSE or evidence["decision"] != Decision.KEEP_CLOSED:
        return None
    return Path.model_validate({name: evidence[name] for name in Path.model_fields})
