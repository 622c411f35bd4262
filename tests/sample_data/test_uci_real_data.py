"""Facts that the world of the public file must show; needs the file itself, which is not part of the project.

Run with `-m real_data` and the file's path in the environment variable `REINSTATE_UCI_FILE`.
"""

import datetime
import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from schemas.policy import Policy
from tasks.decisioning.compiling import compile_rules
from tasks.decisioning.facts import Night
from tasks.decisioning.rescoring import rescore_lines
from tasks.decisioning.rules import Rules
from tasks.sample_data import uci
from tasks.sample_data.trajectories import MONTHS_LATE_STEP
from tasks.sample_data.uci import MONTH_ENDS, import_uci
from tasks.sample_data.worlds import base_file

pytestmark = pytest.mark.real_data

POLICY_FILE = Path(__file__).parents[2] / "deployments" / "policies" / "uci-cards" / "2005-04.yaml"
AUGUST, SEPTEMBER = MONTH_ENDS[-2:]


@pytest.fixture(scope="module")
def file() -> Path:
    name = os.environ.get("REINSTATE_UCI_FILE")
    if not name:
        pytest.fail("Set REINSTATE_UCI_FILE to the path of the public file, or leave out -m real_data.")
    return Path(name)


@pytest.fixture(scope="module")
def world(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = tmp_path_factory.mktemp("uci") / "world"
    import_uci(file, world)
    return world


def snapshot(world: Path, date: datetime.date) -> pd.DataFrame:
    rows = pq.read_table(base_file(world, date)).to_pandas(date_as_object=False, integer_object_nulls=False)
    numbers = rows.select_dtypes("float").columns
    return rows.astype(dict.fromkeys(numbers, "Int64")).set_index("account_id")


@pytest.fixture(scope="module")
def rules() -> Rules:
    return compile_rules(Policy.model_validate(YAML(typ="safe", pure=True).load(POLICY_FILE.read_text("utf-8"))))


@pytest.fixture(scope="module")
def defaults(world: Path) -> pd.Series:
    truth = pq.read_table(world / "truth.parquet").to_pandas().set_index("account_id")
    return ~truth["recovers"]


@pytest.fixture(scope="module")
def closed_by_august(world: Path) -> pd.Series:
    return snapshot(world, AUGUST)["line_status"] == "closed"


def test_of_30_000_clients_22_per_cent_default(defaults: pd.Series) -> None:
    assert (len(defaults), defaults.sum()) == (30_000, 6_636)


def test_6_544_lines_are_closed_by_the_end_of_august_and_46_per_cent_of_them_default(
    closed_by_august: pd.Series, defaults: pd.Series
) -> None:
    assert closed_by_august.sum() == 6_544
    assert defaults[closed_by_august].mean() == pytest.approx(0.456, abs=0.0005)
    assert defaults[~closed_by_august].mean() == pytest.approx(0.156, abs=0.0005)


def test_3_053_of_them_are_current_in_september_and_26_per_cent_of_these_default(
    world: Path, closed_by_august: pd.Series, defaults: pd.Series
) -> None:
    current = closed_by_august & (snapshot(world, SEPTEMBER)["months_past_due"] == 0)
    assert current.sum() == 3_053
    assert defaults[current].mean() == pytest.approx(0.263, abs=0.0005)


def test_no_line_is_closed_and_no_status_known_in_april(world: Path) -> None:
    april = snapshot(world, MONTH_ENDS[0])
    assert (april["line_status"] == "open").all()
    assert april["months_past_due"].isna().all()


def test_the_measured_steps_of_lateness_are_those_of_the_file(file: Path) -> None:
    columns = ["PAY_6", "PAY_5", "PAY_4", "PAY_3", "PAY_2", "PAY_0", "default.payment.next.month"]
    *months, outcome = uci._read(file)[columns].to_numpy(dtype=np.int64).clip(min=0).T
    counts = np.zeros((9, 9))
    for before, after in itertools.pairwise(months):
        np.add.at(counts, (before, after), 1)
    late = outcome[months[-1] == 1].mean()
    counts[1] = [1 - late, 0, late, 0, 0, 0, 0, 0, 0]
    assert pytest.approx(counts / counts.sum(axis=1, keepdims=True), abs=0.0003) == MONTHS_LATE_STEP


def test_the_policy_reopens_lines_that_default_less(
    world: Path, rules: Rules, closed_by_august: pd.Series, defaults: pd.Series
) -> None:
    rows = snapshot(world, SEPTEMBER)[closed_by_august].reset_index()
    judged, _ = rescore_lines(rows, Night(rules, SEPTEMBER))
    recoverable = rows["account_id"].iloc[judged.positions[judged.recoverable]]
    others = rows["account_id"][~rows["account_id"].isin(recoverable)]
    assert len(recoverable) == 1_956
    assert defaults[recoverable].mean() == pytest.approx(0.216, abs=0.0005)
    assert defaults[others].mean() == pytest.approx(0.559, abs=0.0005)


def test_the_policy_reopens_lines_at_every_month_end_from_june(world: Path, rules: Rules) -> None:
    for date in MONTH_ENDS[2:]:
        judged, _ = rescore_lines(snapshot(world, date).reset_index(), Night(rules, date))
        assert judged.recoverable.sum() > 100
