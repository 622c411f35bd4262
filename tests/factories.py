"""Small policies, lines and nights for tests.

One policy that covers every section of a policy file, one line that it reopens, and `judge`, which takes plain rows
through the whole core: partition by partition, then the budget of the night over all of them.
"""

import copy
import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from schemas.policy import Policy
from schemas.vocabulary import LEDGER_COLUMNS, AttributeType
from tasks.decisioning.budget import granted_within
from tasks.decisioning.compiling import compile_rules
from tasks.decisioning.facts import Night
from tasks.decisioning.rescoring import Kinds, rescore_lines
from tasks.decisioning.rules import Rules
from tasks.evidence import PASSED_OVER_STEPS, candidates_table, evidence_table

Row = dict[str, Any]
PolicyDict = dict[str, Any]
Evidence = dict[str, dict[str, Any]]

NIGHT: Final = datetime.date(2026, 10, 28)
"""The business date of the tests."""
LEFT_OUT: Final = object()
"""As a change to a policy: the key is not in the file."""


def days_ago(days: int, night: datetime.date = NIGHT) -> datetime.date:
    """The date `days` before `night`; negative days lie ahead."""
    return night - datetime.timedelta(days=days)


def policy_dict(**changes: Any) -> PolicyDict:
    """A small policy that covers every section, with `changes`.

    A change to a section that is a mapping goes into that mapping, however deep; anything else takes the place of what
    stands there, and `LEFT_OUT` removes it. So `policy_dict(limit={"floor_cents": 0}, probation=LEFT_OUT)`.
    """
    policy: PolicyDict = {
        "policy": "small",
        "version": "2026-10",
        "in_force": {"from": datetime.date(2026, 10, 1), "until": None, "review_by": datetime.date(2027, 9, 30)},
        "attributes": {
            "days_past_due": {"type": "integer", "unit": "days", "allowed": [0, 9999], "actionable": True},
            "on_time_streak_months": {"type": "integer", "unit": "months", "allowed": [0, 600], "actionable": True},
            "utilisation_ratio": {"type": "number", "allowed": [0.0, 10.0]},
            "monthly_income_cents": {
                "type": "integer", "unit": "cents", "allowed": [0, 10**10],
                "observed_on": "income_observed_on", "max_age_days": 400,
            },
            "alert_cleared_on": {"type": "date"},
            "deceased": {"type": "boolean"},
            "employment": {"type": "category", "allowed": ["full_time", "part_time", "none"], "actionable": True},
            "appeal_status": {"type": "category", "allowed": ["no_appeal", "received", "upheld", "refused"]},
            "campaign_code": {"type": "category", "allowed": ["SPRING", "no_campaign"]},
        },
        "exclusions": [{"id": "EX_DECEASED", "when": "deceased", "reason": "account_holder_deceased"}],
        "freezes": [
            {
                "id": "FZ_STUDENTS", "when": 'customer_segment == "student"', "reason": "group_restricted",
                "from": datetime.date(2026, 10, 1), "until": datetime.date(2026, 11, 1),
            }
        ],
        "criteria": {
            "CURRENT": {"require": "days_past_due == 0", "reason": "payment_overdue"},
            "UTILISATION": {"require": "utilisation_ratio <= 0.75", "reason": "utilisation_high"},
            "CLOSED_90D": {"require": "days_since(closed_on) >= 90", "reason": "closed_too_recently"},
            "QUIET_180D": {"require": "days_since(alert_cleared_on) >= 180", "reason": "alert_cleared_recently"},
        },
        "causes": {
            "credit_assessment": {
                "criteria": ["CURRENT", "UTILISATION", "CLOSED_90D"], "score_min": 550, "keep_open_score_min": 520,
            },
            "abnormal_behaviour": {
                "criteria": ["QUIET_180D", "CURRENT"], "score_min": 570, "keep_open_score_min": 530,
            },
            "product_operation": {"criteria": ["CURRENT"], "score_min": None, "keep_open_score_min": None},
        },
        "scorecard": {
            "version": "2026-10",
            "base_points": 500,
            "attributes": {
                "on_time_streak_months": {
                    "bins": [{"below": 3, "points": 0}, {"below": 6, "points": 25}, {"points": 60}],
                    "missing": 0, "reason": "payment_history_short",
                },
                "employment": {
                    "values": {"full_time": 20, "part_time": 10}, "other": 5, "missing": 5,
                    "reason": "employment_not_verified",
                },
            },
        },
        "appeal": {
            "upheld_when": 'appeal_status == "upheld"', "pending_when": 'appeal_status == "received"',
            "refused_when": 'appeal_status == "refused"', "limit_bp": 10000,
        },
        "campaigns": [
            {
                "code": "SPRING", "when": 'campaign_code == "SPRING"', "from": datetime.date(2026, 10, 1),
                "until": datetime.date(2026, 12, 1), "causes": ["credit_assessment"], "waives": ["CLOSED_90D"],
                "score_min": 520, "valid_days": 30, "limit_bp": 2000, "limit_max_cents": 200_000,
            }
        ],
        "confirm_nights": 1,
        "limit": {
            "bands": [{"score_at_least": 575, "limit_bp": 10000}, {"score_at_least": 540, "limit_bp": 5000}],
            "no_score_bp": 5000,
            "caps": [{"id": "CAP_INCOME", "at_most": "monthly_income_cents * 3"}],
            "round_down_to_cents": 10_000, "floor_cents": 50_000, "ceiling_cents": 20_000_000,
        },
        "nightly_budget": {"lines": 1000, "limit_cents": 1_000_000_000},
        "probation": {"days": 180, "reclose_when": "days_past_due > 30", "reason": "payment_far_overdue"},
        "notices": {"reasons_max": 4, "kept_closed_every_days": 180, "quiet_days": 30, "expiring_days_before": 7},
    }  # fmt: skip
    return merged(policy, changes)


def merged(policy: PolicyDict, changes: Mapping[str, Any]) -> PolicyDict:
    """A copy of `policy` with `changes`, see `policy_dict`."""
    out = copy.deepcopy(policy)
    for key, value in changes.items():
        if value is LEFT_OUT:
            out.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def rules(policy: PolicyDict) -> Rules:
    """`policy` checked and ready to judge."""
    return compile_rules(Policy.model_validate(policy))


def line(**changes: Any) -> Row:
    """A clean closed line that the small policy reopens with its whole closed limit."""
    row: Row = {
        "account_id": "000123",
        "business_date": NIGHT,
        "product_code": "revolving_card",
        "customer_segment": "consumer",
        "line_status": "closed",
        "closed_limit_cents": 1_000_000,
        "balance_cents": 0,
        "closed_on": days_ago(200),
        "closure_cause": "credit_assessment",
        "closure_initiator": "issuer",
        "days_past_due": 0,
        "on_time_streak_months": 12,
        "utilisation_ratio": 0.25,
        "monthly_income_cents": 1_000_000,
        "income_observed_on": days_ago(10),
        "alert_cleared_on": None,
        "deceased": False,
        "employment": "full_time",
        "appeal_status": "no_appeal",
        "campaign_code": "no_campaign",
    }
    return row | changes


def temporary_line(**changes: Any) -> Row:
    """A line that a campaign opened 10 nights ago for 30 days; the snapshot shows it open."""
    held: Row = {
        "line_status": "open", "closed_on": None, "closure_cause": None, "closure_initiator": None,
        "ledger_state": "temporary", "ledger_since": days_ago(10), "ledger_route": "campaign",
        "ledger_valid_until": days_ago(-20), "ledger_cause": "credit_assessment", "ledger_closed_on": days_ago(60),
        "ledger_closed_limit_cents": 1_000_000, "ledger_campaigns_used": ["SPRING"], "ledger_temporary_365d_count": 1,
    }  # fmt: skip
    return line(**held) | changes


def probation_line(**changes: Any) -> Row:
    """A line that was reopened 10 nights ago for good."""
    held: Row = {
        "line_status": "open", "closed_on": None, "closure_cause": None, "closure_initiator": None,
        "ledger_state": "reopened", "ledger_since": days_ago(10), "ledger_route": "reevaluation",
        "ledger_cause": "credit_assessment", "ledger_closed_on": days_ago(200),
        "ledger_closed_limit_cents": 1_000_000, "ledger_reopens_365d_count": 1, "ledger_reopens_1825d_count": 1,
    }  # fmt: skip
    return line(**held) | changes


def frame(rows: Iterable[Row], compiled: Rules) -> pd.DataFrame:
    """Plain rows as the typed frame of one partition, ledger columns joined.

    What a row does not say is missing; without a ledger the counts are 0 and the state is `none`.
    """
    rows = list(rows)
    columns: dict[str, pd.Series] = {"account_id": pd.Series([row["account_id"] for row in rows], dtype="str")}
    for name, kind in {**compiled.snapshot_columns, **LEDGER_COLUMNS}.items():
        values = [_ledger_value(name, row) if name in LEDGER_COLUMNS else row.get(name) for row in rows]
        columns[name] = series(values, kind)
    return pd.DataFrame(columns)


def series(values: list[Any], kind: AttributeType) -> pd.Series:
    """A typed column of plain values, None where one is missing."""
    match kind:
        case AttributeType.INTEGER:
            return pd.Series(values, dtype="Int64")
        case AttributeType.BOOLEAN:
            return pd.Series(values, dtype="boolean")
        case AttributeType.NUMBER:
            return pd.Series([np.nan if value is None else value for value in values], dtype="float64")
        case AttributeType.DATE:
            return pd.Series(np.array(values, "datetime64[D]").astype("datetime64[s]"))
        case AttributeType.CATEGORY:
            return pd.Series(pd.Categorical(values))


def judge(compiled: Rules, rows: Iterable[Row], date: datetime.date = NIGHT) -> Evidence:
    """The evidence of a whole night in one partition, by account, the budget's outcome laid over it."""
    return judge_partitions(compiled, [list(rows)], date)


def judge_one(policy: PolicyDict, row: Row, date: datetime.date = NIGHT) -> dict[str, Any]:
    """The evidence of one line alone in its night."""
    return judge(rules(policy), [row], date)[row["account_id"]]


def judge_partitions(compiled: Rules, partitions: list[list[Row]], date: datetime.date = NIGHT) -> Evidence:
    """The evidence of a night whose rows lie in several partitions: judged one by one, the budget walked once."""
    night = Night(compiled, date)
    evidence: Evidence = {}
    candidates: list[pa.Table] = []
    for rows in partitions:
        lines = frame(rows, compiled)
        judged, _ = rescore_lines(lines, night)
        table = evidence_table(judged, lines, night)
        candidates.append(candidates_table(judged, lines, night, table))
        evidence |= {found["account_id"]: found for found in table.to_pylist()}
    queue = pd.concat([table.to_pandas().astype({"route": "str"}) for table in candidates], ignore_index=True)
    granted = granted_within(compiled.policy.nightly_budget, queue)
    changes = [found for table in candidates for found in table.to_pylist()]
    for fits, change in zip(granted, changes, strict=True):
        if not fits:
            _pass_over(evidence[change["account_id"]], change)
    return evidence


def kinds_of(compiled: Rules, rows: list[Row], date: datetime.date = NIGHT) -> Kinds:
    """What every row is looked at as."""
    return rescore_lines(frame(rows, compiled), Night(compiled, date))[1]


def candidates_of(compiled: Rules, rows: list[Row], date: datetime.date = NIGHT) -> dict[str, dict[str, Any]]:
    """What the night's plan is told of the lines that change state, by account."""
    night, lines = Night(compiled, date), frame(rows, compiled)
    judged, _ = rescore_lines(lines, night)
    table = candidates_table(judged, lines, night, evidence_table(judged, lines, night))
    return {found["account_id"]: found for found in table.to_pylist()}


def _pass_over(found: dict[str, Any], change: dict[str, Any]) -> None:
    """What becomes of a line that the night's budget does not reach."""
    decision = change["fallback_decision"]
    found |= {"decision": decision, "step": str(PASSED_OVER_STEPS[decision]), "reasons": change["fallback_reasons"]}
    found |= {"route": None, "limit_cents": None, "valid_until": None}


def _ledger_value(name: str, row: Row) -> Any:
    if name == "ledger_campaigns_used":
        return ",".join(row.get(name) or []) or None
    if name == "ledger_state":
        return row.get(name) or "none"
    return row.get(name) or 0 if name.endswith("_count") else row.get(name)
