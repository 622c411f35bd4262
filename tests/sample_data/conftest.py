"""One synthetic world for all tests of the folder: two weeks around a month end."""

import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from schemas.policy import Policy
from tasks.sample_data.synthetic import synthesize
from tasks.sample_data.worlds import base_file, world_dates

POLICY_FILE = Path(__file__).parents[2] / "deployments" / "policies" / "consumer-revolving" / "2026-10.yaml"
Nights = dict[datetime.date, pd.DataFrame]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of 8,000 lines and 14 nights."""
    world = tmp_path_factory.mktemp("synthetic") / "world"
    synthesize(world, seed=7, lines=8_000, nights=14, first_business_date=datetime.date(2026, 10, 26))
    return world


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The shipped policy, as it stands in its file."""
    return Policy.model_validate(YAML(typ="safe", pure=True).load(POLICY_FILE.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def truth(world: Path) -> pd.DataFrame:
    """What becomes of every line, by account."""
    return pq.read_table(world / "truth.parquet").to_pandas(date_as_object=False).set_index("account_id")


@pytest.fixture(scope="session")
def nights(world: Path) -> Nights:
    """Every night's rows as they stand, with real dates."""
    return {date: pq.read_table(base_file(world, date)).to_pandas(date_as_object=False) for date in world_dates(world)}


@pytest.fixture(scope="session")
def faults(nights: Nights, policy: Policy) -> Nights:
    """What is wrong with which rows, a column per kind of fault, by the bounds of the policy."""
    return {date: _faults(rows, date, policy) for date, rows in nights.items()}


@pytest.fixture(scope="session")
def good_nights(nights: Nights, faults: Nights) -> Nights:
    """Every night's good rows, by account."""
    return {date: rows[~faults[date].any(axis=1)].set_index("account_id") for date, rows in nights.items()}


def _faults(rows: pd.DataFrame, date: datetime.date, policy: Policy) -> pd.DataFrame:
    outside = rows["closed_limit_cents"] < 0
    for name, attribute in policy.attributes.items():
        if attribute.allowed and attribute.type == "integer":
            outside |= rows[name].notna() & ~rows[name].between(*attribute.allowed)
        elif attribute.allowed:
            outside |= rows[name].notna() & ~rows[name].isin(attribute.allowed)
    return pd.DataFrame(
        {
            "no id": rows["account_id"].isna(),
            "repeated id": rows["account_id"].notna() & rows["account_id"].duplicated(keep=False),
            "no cause": (rows["line_status"] == "closed") & rows["closure_cause"].isna(),
            "closed in the future": rows["closed_on"] > pd.Timestamp(date),
            "outside the bounds": outside,
        }
    )
