"""The contract of a snapshot: what is set aside and why, what is only unknown, and that the gate bites."""

import datetime
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from schemas.errors import SnapshotRefused
from tasks.contract import check_partition, id_hashes, prove_gate_bites, repeated_hashes
from tasks.settings import CHECKOUT
from tests.factories import NIGHT, frame, line, policy_dict, rules

DAY = datetime.timedelta(days=1)
RULES = rules(policy_dict())


def snapshot(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows as a partition is read: the columns of the contract and no others."""
    built = frame([{"business_date": NIGHT, **row} for row in rows], RULES)
    built["business_date"] = pd.Series([NIGHT] * len(rows)).astype("datetime64[ms]")
    return built[["account_id", *RULES.snapshot_columns]]


def failures(**changes: Any) -> dict[str, list[bool]]:
    """What is found in a snapshot whose second row has `changes`."""
    table = snapshot(line(account_id="A"), line(**{"account_id": "B", **changes}), line(account_id="C"))
    return {name: mask.tolist() for name, mask in check_partition(table, RULES, NIGHT).failures.items()}


POISONS = {
    "no id": ({"account_id": None}, "account_id: is missing"),
    "an empty id": ({"account_id": ""}, "account_id: is missing"),
    "an id with a control character": (
        {"account_id": "B\x00"},
        "account_id: is longer than 256 characters or holds control characters",
    ),
    "an id of a megabyte": (
        {"account_id": "B" * 10**6},
        "account_id: is longer than 256 characters or holds control characters",
    ),
    "a status that does not exist": ({"line_status": "ajar"}, "line_status: is outside what is allowed"),
    "no status": ({"line_status": None}, "line_status: is outside what is allowed"),
    "an initiator that does not exist": (
        {"closure_initiator": "ghost"},
        "closure_initiator: is outside what is allowed",
    ),
    "a number below its range": ({"days_past_due": -1}, "days_past_due: is outside what is allowed"),
    "a number above its range": ({"days_past_due": 10_000}, "days_past_due: is outside what is allowed"),
    "a ratio above its range": ({"utilisation_ratio": 10.5}, "utilisation_ratio: is outside what is allowed"),
    "a category that is not listed": ({"employment": "astronaut"}, "employment: is outside what is allowed"),
    "a negative limit": ({"closed_limit_cents": -1}, "closed_limit_cents: is missing or negative"),
    "no limit": ({"closed_limit_cents": None}, "closed_limit_cents: is missing or negative"),
    "a limit beyond 10^13": ({"closed_limit_cents": 10**13 + 1}, "closed_limit_cents: is larger than 10^13 in size"),
    "a balance beyond 10^13": ({"balance_cents": -(10**13) - 1}, "balance_cents: is larger than 10^13 in size"),
    "a closing in the future": ({"closed_on": NIGHT + DAY}, "closed_on: is after the business date"),
    "an observation in the future": (
        {"income_observed_on": NIGHT + DAY},
        "income_observed_on: is after the business date",
    ),
    "a closed line without a date": ({"closed_on": None}, "closed_on: is missing on a closed line"),
    "a closed line without a cause": ({"closure_cause": None}, "closure_cause: is missing on a closed line"),
    "a closed line without an initiator": (
        {"closure_initiator": None},
        "closure_initiator: is missing on a closed line",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), POISONS.values(), ids=POISONS)
def test_a_bad_row_is_found_with_its_reason_and_no_other_row_is(changes: dict[str, Any], reason: str) -> None:
    assert failures(**changes) == {reason: [False, True, False]}


@pytest.mark.parametrize("name", ["days_past_due", "utilisation_ratio", "employment", "deceased", "alert_cleared_on"])
def test_a_missing_attribute_is_unknown_and_not_bad(name: str) -> None:
    assert failures(**{name: None}) == {}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_unknown_and_not_bad(value: float) -> None:
    assert failures(utilisation_ratio=value) == {}


def test_an_open_line_needs_no_closing() -> None:
    assert failures(line_status="open", closed_on=None, closure_cause=None, closure_initiator=None) == {}


@pytest.mark.parametrize("size", [10**13, 0])
def test_the_largest_limit_is_well(size: int) -> None:
    assert failures(closed_limit_cents=size) == {}


def test_a_column_of_another_type_refuses_the_snapshot() -> None:
    table = snapshot(line())
    table["days_past_due"] = table["days_past_due"].astype("float64")
    with pytest.raises(SnapshotRefused, match="days_past_due"):
        check_partition(table, RULES, NIGHT)


def test_the_gate_bites() -> None:
    prove_gate_bites(RULES, NIGHT)


@pytest.mark.parametrize(
    "switch", [{"PANDERA_VALIDATION_ENABLED": "False"}, {"PANDERA_VALIDATION_DEPTH": "SCHEMA_ONLY"}]
)
def test_a_night_does_not_run_behind_an_open_gate(switch: dict[str, str]) -> None:
    program = "from tests.test_contract import *; prove_gate_bites(RULES, NIGHT)"
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **switch}, cwd=CHECKOUT, capture_output=True, check=False
    )
    assert ran.returncode != 0
    assert b"validation is switched off" in ran.stderr


def test_equal_ids_have_equal_numbers_wherever_they_lie() -> None:
    first = id_hashes(pa.array(["000123", "A", None, "", "long-" * 30, "A"]))
    second = id_hashes(pa.array(["xx", "long-" * 30, "A"]).slice(1))
    assert first[1] == first[5] == second[1]
    assert first[4] == second[0]
    assert first[2] == first[3] == 0


def test_missing_ids_do_not_repeat_each_other() -> None:
    assert len(repeated_hashes([id_hashes(pa.array([None, None, "A", "B"])), id_hashes(pa.array(["C"]))])) == 0


def test_repeated_ids_are_found_across_partitions() -> None:
    hashes = [id_hashes(pa.array(["A", "B"])), id_hashes(pa.array(["C", "A"]))]
    assert repeated_hashes(hashes).tolist() == [hashes[0][0]]


def test_different_ids_of_one_length_have_different_numbers() -> None:
    ids = pa.array([f"{number:010d}" for number in range(100_000)])
    assert len(np.unique(id_hashes(ids))) == len(ids)
