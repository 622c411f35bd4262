"""Core and oracle on the policy that ships with the program, over rows of all kinds."""

import datetime
import random
from collections import Counter
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests import oracle
from tests.decisioning.agreement import differences
from tests.decisioning.strategies import RandomNight
from tests.factories import PolicyDict, Row, days_ago

FILE = Path(__file__).parents[2] / "deployments" / "policies" / "consumer-revolving" / "2026-10.yaml"
DATE = datetime.date(2026, 10, 28)
CAUSES = ("credit_assessment", "policy_tightening", "product_operation", "abnormal_behaviour", "another")
AGES = (0, 1, 10, 29, 30, 31, 34, 35, 36, 89, 90, 91, 100, 179, 180, 181, 364, 365, 366, 500, 1400)
NUMBERS = (0, 0, 0, 0, 0, 1, 2, 3, 6, 12, 24, 700, 720, 2000, 5000, 500_000)


def test_core_and_oracle_agree_on_the_shipped_policy() -> None:
    policy = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    chance = random.Random("shipped policy")
    night = RandomNight(policy, [random_row(chance, policy, number) for number in range(1200)], DATE)
    expected = oracle.judge_night(policy, night.rows, DATE)
    assert not differences(night, expected)
    decisions = Counter(result["decision"] for result in expected.values())
    assert decisions["reopen"] >= 0.03 * len(expected)
    assert set(decisions) >= {"keep_closed", "refer", "expire", "reclose", "keep_temporary", "keep_open"}


def random_row(chance: random.Random, policy: PolicyDict, number: int) -> Row:
    """A row near the bounds of the policy, rarely with something that excludes it."""
    row: Row = {
        "account_id": f"{chance.randrange(10**9):09d}-{number}",
        "business_date": DATE,
        "product_code": chance.choice(["revolving_card", "instalment_line", "merchant_line"]),
        "customer_segment": chance.choice(["consumer", "consumer", "student", "micro_enterprise"]),
        "line_status": chance.choice(["closed"] * 5 + ["open"]),
        "closed_limit_cents": chance.choice([0, 40_000, 500_000, 1_234_567, 20_000_000]),
        "balance_cents": 0,
        "closed_on": days_ago(chance.choice(AGES)),
        "closure_cause": chance.choice(CAUSES),
        "closure_initiator": chance.choice(["issuer"] * 9 + ["customer"]),
    }
    changed = chance.choice((0.02, 0.05, 0.5))
    for name, spec in policy["attributes"].items():
        row[name] = random_value(chance, spec) if chance.random() < changed else good_value(policy, name, spec)
        if "observed_on" in spec:
            row[spec["observed_on"]] = days_ago(0 if chance.random() > changed else chance.choice((5, 34, 35, 36, 120)))
    row |= {
        "ledger_reopens_365d_count": chance.choice([0, 0, 0, 1]),
        "ledger_reopens_1825d_count": chance.choice([0, 0, 1, 2]),
        "ledger_recoverable_nights_count": chance.choice([0, 1, 2]),
        "ledger_campaigns_used": chance.choice([[], [], ["AUTUMN_SAVER"]]),
    }
    return row | held_by_ledger(chance, chance.choice(["none"] * 4 + ["temporary", "reopened"]), row)


def good_value(policy: PolicyDict, name: str, spec: dict[str, Any]) -> Any:
    """A value with the best points, else one that stands for nothing bad."""
    card = policy["scorecard"]["attributes"].get(name)
    if card:
        best = max(oracle.reachable(card, spec), key=lambda place: place["points"])
        return best.get("value", best.get("at_least") or spec["allowed"][0])
    if spec["type"] == "integer":
        return 900_000 if spec["allowed"][1] > 10**9 else max(0, spec["allowed"][0])
    return {"boolean": False, "date": days_ago(AGES[-1]), "category": (spec.get("allowed") or [None])[0]}[spec["type"]]


def random_value(chance: random.Random, spec: dict[str, Any]) -> Any:
    kind = spec["type"]
    if chance.random() < (0.002 if kind == "boolean" else 0.03):
        return None
    if kind == "boolean":
        return chance.random() < 0.004
    if kind == "date":
        return days_ago(chance.choice(AGES))
    if kind == "category":
        return chance.choice(spec["allowed"])
    low, high = spec["allowed"]
    return max(low, min(high, chance.choice((*NUMBERS, chance.randrange(low, high + 1)))))


def held_by_ledger(chance: random.Random, state: str, row: Row) -> Row:
    since = days_ago(chance.choice((1, 3, 100, 179, 180, 181)))
    held: Row = {"ledger_state": state}
    if state != "none":
        held |= {
            "ledger_since": since,
            "ledger_route": chance.choice(["reevaluation", "campaign", "appeal"]),
            "ledger_cause": chance.choice(CAUSES),
            "ledger_closed_on": since - datetime.timedelta(days=chance.choice((10, 100, 300))),
            "ledger_closed_limit_cents": chance.choice([40_000, 500_000]),
        }
    if state == "temporary":
        held["ledger_valid_until"] = days_ago(chance.choice((1, 0, -1, -5)))
    if row["line_status"] == "open":
        held |= {"closed_on": None, "closure_cause": None, "closure_initiator": None}
    return held
