"""The generator of synthetic worlds, on one book over the two weeks around a month end."""

import datetime
import itertools
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from schemas.policy import Policy
from schemas.vocabulary import CORE_COLUMNS, SHIPPED_CAUSES
from tasks.sample_data import SampleDataError
from tasks.sample_data.synthetic import synthesize
from tasks.sample_data.trajectories import (
    KIND_SHARES,
    KIND_TILTS,
    MONTHS_LATE_STEP,
    next_months_late,
    step_chances,
)
from tasks.sample_data.worlds import ARROW_TYPES, base_file, new_world, world_dates

FIRST = datetime.date(2026, 10, 26)
NIGHTS = [FIRST + datetime.timedelta(days=night) for night in range(14)]
MONTH_END = datetime.date(2026, 10, 31)
LINES = 8_000
POLICY_FILE = Path(__file__).parents[2] / "deployments" / "policies" / "consumer-revolving" / "2026-10.yaml"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = tmp_path_factory.mktemp("synthetic") / "world"
    synthesize(world, seed=7, lines=LINES, nights=len(NIGHTS), first_business_date=FIRST)
    return world


@pytest.fixture(scope="module")
def nights(world: Path) -> dict[datetime.date, pd.DataFrame]:
    """Every night's rows as they stand, with real dates."""
    return {date: pq.read_table(base_file(world, date)).to_pandas(date_as_object=False) for date in world_dates(world)}


@pytest.fixture(scope="module")
def truth(world: Path) -> pd.DataFrame:
    return pq.read_table(world / "truth.parquet").to_pandas(date_as_object=False).set_index("account_id")


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.model_validate(YAML(typ="safe", pure=True).load(POLICY_FILE.read_text(encoding="utf-8")))


def bad_rows(rows: pd.DataFrame, date: datetime.date, policy: Policy) -> dict[str, pd.Series]:
    """What is wrong with which rows, by the bounds of the policy."""
    closed = rows["line_status"] == "closed"
    outside = pd.Series(data=False, index=rows.index)
    for name, attribute in policy.attributes.items():
        if attribute.allowed and attribute.type == "integer":
            outside |= rows[name].notna() & ~rows[name].between(*attribute.allowed)
        elif attribute.allowed:
            outside |= rows[name].notna() & ~rows[name].isin(attribute.allowed)
    return {
        "no id": rows["account_id"].isna(),
        "repeated id": rows["account_id"].notna() & rows["account_id"].duplicated(keep=False),
        "no cause": closed & rows["closure_cause"].isna(),
        "closed in the future": rows["closed_on"] > pd.Timestamp(date),
        "outside the bounds": outside | (rows["closed_limit_cents"] < 0),
    }


def clean(rows: pd.DataFrame, date: datetime.date, policy: Policy) -> pd.DataFrame:
    """The good rows of a night, by account."""
    return rows[~pd.DataFrame(bad_rows(rows, date, policy)).any(axis=1)].set_index("account_id")


def recovered(rows: pd.DataFrame, date: datetime.date) -> pd.Series:
    """Which closed lines look recovered to somebody sensible."""
    return (
        (rows["days_past_due"] == 0)
        & (rows["on_time_streak_months"] >= 3)
        & (rows["worst_late_6m_months"] <= 1)
        & (rows["utilisation_bp"] < 6_000)
        & (rows["debt_service_to_income_bp"] < 4_500)
        & (rows["bureau_score"] > 620)
        & (rows["closed_on"] <= pd.Timestamp(date) - pd.Timedelta(days=90))
    )


def test_the_same_arguments_give_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        synthesize(tmp_path / name, seed=3, lines=300, nights=3, first_business_date=FIRST)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 5


def test_another_seed_gives_other_lines(tmp_path: Path) -> None:
    for seed in (3, 4):
        synthesize(tmp_path / str(seed), seed=seed, lines=300, nights=1, first_business_date=FIRST)
    three, four = (pq.read_table(tmp_path / str(seed) / "truth.parquet")["account_id"].to_pylist() for seed in (3, 4))
    assert not set(three) & set(four)


def test_a_world_of_one_line_is_a_world(tmp_path: Path) -> None:
    synthesize(tmp_path / "world", seed=0, lines=1, nights=2, first_business_date=MONTH_END)
    assert pq.read_table(tmp_path / "world" / "truth.parquet").num_rows == 1


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"lines": 0}, {"nights": 0}])
def test_a_world_of_nothing_is_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(SampleDataError, match=f"{next(iter(wrong))}=-?[01]"):
        synthesize(tmp_path / "world", **{"seed": 1, "lines": 1, "nights": 1, **wrong}, first_business_date=FIRST)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SampleDataError, match="not empty"):
        synthesize(tmp_path, seed=1, lines=1, nights=1, first_business_date=FIRST)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_world_that_could_not_be_finished_leaves_nothing(tmp_path: Path) -> None:
    with suppress(KeyError), new_world(tmp_path / "world") as folder:
        (folder / "base" / "2026-10-26.parquet").touch()
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_world_has_one_snapshot_for_every_night(world: Path) -> None:
    assert world_dates(world) == NIGHTS


def test_the_facts_of_a_world_say_how_it_was_made(world: Path) -> None:
    facts = json.loads((world / "world.json").read_text())
    assert (facts["seed"], facts["lines"], facts["generator_version"]) == (7, LINES, 1)
    assert facts["dates"] == [date.isoformat() for date in NIGHTS]


def test_a_snapshot_has_the_core_columns_and_those_that_the_shipped_policy_reads(world: Path, policy: Policy) -> None:
    dated = {each.observed_on for each in policy.attributes.values() if each.observed_on}
    needed = ["account_id", "business_date", *CORE_COLUMNS, *policy.attributes, *sorted(dated)]
    assert sorted(pq.read_schema(base_file(world, FIRST)).names) == sorted(needed)


def test_columns_have_the_physical_types_of_a_snapshot(world: Path, policy: Policy) -> None:
    schema = pq.read_schema(base_file(world, FIRST))
    types = {**CORE_COLUMNS, **{name: attribute.type for name, attribute in policy.attributes.items()}}
    assert {name: schema.field(name).type for name in types} == {
        name: ARROW_TYPES[kind] for name, kind in types.items()
    }
    assert schema.field("account_id").type == pa.string()
    assert schema.field("bureau_observed_on").type == pa.date32()


def test_a_snapshot_has_several_row_groups(world: Path) -> None:
    assert pq.ParquetFile(base_file(world, FIRST)).num_row_groups == 4


def test_every_row_has_the_business_date_of_its_snapshot(nights: dict[datetime.date, pd.DataFrame]) -> None:
    assert all((rows["business_date"] == pd.Timestamp(date)).all() for date, rows in nights.items())


def test_the_truth_has_every_line_once(truth: pd.DataFrame, nights: dict[datetime.date, pd.DataFrame]) -> None:
    assert len(truth) == LINES
    assert truth.index.is_unique
    assert set(nights[FIRST]["account_id"].dropna()) <= set(truth.index)


def test_whoever_recovers_never_relapses_and_some_do_neither(truth: pd.DataFrame) -> None:
    relapses = truth["relapses_on"].notna()
    assert not (truth["recovers"] & relapses).any()
    assert (~truth["recovers"] & ~relapses).mean() == pytest.approx(KIND_SHARES[1], abs=0.02)


def test_about_three_lines_in_ten_are_closed(nights: dict[datetime.date, pd.DataFrame]) -> None:
    for rows in nights.values():
        assert 0.27 < (rows["line_status"] == "closed").mean() < 0.35


def test_every_cause_closes_lines(nights: dict[datetime.date, pd.DataFrame]) -> None:
    assert nights[FIRST]["closure_cause"].value_counts(normalize=True).reindex(SHIPPED_CAUSES).min() > 0.05


def test_only_closed_lines_have_a_closing(nights: dict[datetime.date, pd.DataFrame], policy: Policy) -> None:
    for date, rows in nights.items():
        good = clean(rows, date, policy)
        closed = good["line_status"] == "closed"
        for name in ("closed_on", "closure_cause", "closure_initiator"):
            assert (good[name].notna() == closed).all()


def test_what_customers_asked_for_was_closed_by_them_and_nearly_all_else_by_the_issuer(
    nights: dict[datetime.date, pd.DataFrame],
) -> None:
    by_customer = nights[FIRST]["closure_initiator"] == "customer"
    asked_for = nights[FIRST]["closure_cause"] == "customer_request"
    assert by_customer[asked_for].all()
    assert 0 < by_customer[~asked_for & (nights[FIRST]["line_status"] == "closed")].mean() < 0.02


@pytest.mark.parametrize(
    "column",
    ["product_code", "customer_segment", "employment", "alert_status", "appeal_status", "campaign_code"],
)
def test_every_value_of_a_category_occurs_among_closed_lines(
    nights: dict[datetime.date, pd.DataFrame], policy: Policy, column: str
) -> None:
    rows = nights[FIRST]
    closed = rows[rows["line_status"] == "closed"]
    declared = policy.attributes.get(column)
    known = declared.allowed if declared else rows[column].cat.categories
    assert closed[column].value_counts().reindex(known).min() > 0


def test_merchant_lines_belong_to_micro_enterprises(nights: dict[datetime.date, pd.DataFrame]) -> None:
    rows = nights[FIRST]
    assert set(rows.loc[rows["product_code"] == "merchant_line", "customer_segment"]) == {"micro_enterprise"}


def test_only_micro_enterprises_have_a_turnover(nights: dict[datetime.date, pd.DataFrame]) -> None:
    rows = nights[FIRST]
    micro = rows["customer_segment"] == "micro_enterprise"
    assert rows.loc[~micro, "turnover_change_bp"].isna().all()
    assert 0.02 < rows.loc[micro, "turnover_change_bp"].isna().mean() < 0.3


def test_some_incomes_are_missing_and_some_bureau_files_are_old(nights: dict[datetime.date, pd.DataFrame]) -> None:
    for date, rows in nights.items():
        assert 0.02 < rows["monthly_income_cents"].isna().mean() < 0.1
        assert 0.02 < (rows["bureau_observed_on"] < pd.Timestamp(date) - pd.Timedelta(days=35)).mean() < 0.1


def test_good_rows_keep_to_the_bounds_of_the_policy_and_are_nearly_all(
    nights: dict[datetime.date, pd.DataFrame], policy: Policy
) -> None:
    for date, rows in nights.items():
        assert 0 < 1 - len(clean(rows, date, policy)) / len(rows) < 0.005


def test_every_kind_of_bad_row_occurs(nights: dict[datetime.date, pd.DataFrame], policy: Policy) -> None:
    found = [{kind: rows.any() for kind, rows in bad_rows(rows, date, policy).items()} for date, rows in nights.items()]
    assert all(any(night[kind] for night in found) for kind in found[0])


def test_ids_are_repeated_across_row_groups(world: Path) -> None:
    across = 0
    for date in NIGHTS:
        file = pq.ParquetFile(base_file(world, date))
        groups = [file.read_row_group(group, ["account_id"])["account_id"] for group in range(file.num_row_groups)]
        ids = [set(group.drop_null().to_pylist()) for group in groups]
        across += sum(map(len, ids)) - len(set().union(*ids))
    assert across > 0


def test_repeated_ids_have_the_same_and_different_content(
    nights: dict[datetime.date, pd.DataFrame], policy: Policy
) -> None:
    copies = pd.concat(
        rows[bad_rows(rows, date, policy)["repeated id"]].assign(business_date=str(date))
        for date, rows in nights.items()
    )
    same = copies.duplicated(keep=False)
    assert same.any()
    assert not same.all()


def test_some_closed_lines_look_recovered_and_more_of_them_night_by_night(
    nights: dict[datetime.date, pd.DataFrame],
) -> None:
    shares = {date: recovered(rows, date)[rows["line_status"] == "closed"].mean() for date, rows in nights.items()}
    assert 0.08 < shares[FIRST] < 0.16
    assert shares[NIGHTS[4]] > shares[FIRST]
    assert shares[NIGHTS[-1]] > shares[NIGHTS[4]]


def test_recovered_lines_mostly_belong_to_people_who_recover(
    nights: dict[datetime.date, pd.DataFrame], truth: pd.DataFrame
) -> None:
    rows = nights[FIRST]
    closed = rows[rows["line_status"] == "closed"]
    looks = truth["recovers"].reindex(closed.loc[recovered(closed, FIRST), "account_id"].dropna())
    assert looks.mean() > truth["recovers"].mean() + 0.1


def test_monthly_attributes_move_on_month_ends_only(nights: dict[datetime.date, pd.DataFrame], policy: Policy) -> None:
    monthly = ["on_time_streak_months", "worst_late_6m_months", "worst_late_24m_months"]
    months = {date: clean(rows, date, policy)[monthly] for date, rows in nights.items()}
    for before, after in itertools.pairwise(NIGHTS):
        both = months[before].index.intersection(months[after].index)
        same = (months[before].loc[both] == months[after].loc[both]).all(axis=1)
        assert same.mean() < 0.5 if after == MONTH_END else same.all()


def test_what_the_bureau_says_is_renewed_once_a_week(
    nights: dict[datetime.date, pd.DataFrame], policy: Policy, truth: pd.DataFrame
) -> None:
    steady = truth.index[truth["relapses_on"].isna()]
    seen = pd.DataFrame(
        {date: clean(rows, date, policy)["bureau_observed_on"].reindex(steady) for date, rows in nights.items()}
    ).dropna()
    moves = seen.diff(axis=1).iloc[:, 1:]
    assert set(np.unique(moves.to_numpy().ravel())) == {np.timedelta64(0), np.timedelta64(7, "D")}
    assert (moves > pd.Timedelta(0)).any(axis=1).mean() > 0.9


def test_overdue_days_grow_by_one_a_night_or_are_paid(
    nights: dict[datetime.date, pd.DataFrame], policy: Policy, truth: pd.DataFrame
) -> None:
    before, after = (clean(nights[date], date, policy)["days_past_due"] for date in NIGHTS[:2])
    steady = truth.index[truth["relapses_on"].isna()]
    both = before.index.intersection(after.index).intersection(steady)
    grown = (after - before).loc[both][before.loc[both] > 0]
    assert ((grown == 1) | (after.loc[grown.index] == 0)).all()


def test_people_who_stay_bad_are_late_more_often(
    nights: dict[datetime.date, pd.DataFrame], truth: pd.DataFrame, policy: Policy
) -> None:
    late = clean(nights[FIRST], FIRST, policy)["days_past_due"] > 0
    recovers = truth["recovers"].reindex(late.index)
    assert late[~recovers].mean() > 1.5 * late[recovers].mean()


def test_a_relapse_shows_on_its_day(
    nights: dict[datetime.date, pd.DataFrame], truth: pd.DataFrame, policy: Policy
) -> None:
    facts = ["insolvency_open", "fraud_confirmed", "on_hardship_plan", "legal_action"]
    shown = relapsed = 0
    for before, after in itertools.pairwise(NIGHTS):
        today = truth.index[truth["relapses_on"] == pd.Timestamp(after)]
        then, now = (clean(nights[date], date, policy).reindex(today).dropna(how="all") for date in (before, after))
        then = then.reindex(now.index)
        more_facts = now[facts].fillna(value=False).sum(axis=1) > then[facts].fillna(value=False).sum(axis=1)
        shown += int(((now["days_past_due"] > 30) | more_facts | (now["bureau_score"] < then["bureau_score"])).sum())
        relapsed += len(now)
    assert relapsed > 100
    assert shown > 0.9 * relapsed


def test_some_closed_lines_are_closed_anew(nights: dict[datetime.date, pd.DataFrame], policy: Policy) -> None:
    first, last = (clean(nights[date], date, policy) for date in (FIRST, NIGHTS[-1]))
    both = first.index[first["line_status"] == "closed"].intersection(last.index)
    anew = last.loc[both, "closed_on"] > pd.Timestamp(FIRST)
    assert anew.any()
    assert set(last.loc[both][anew]["closure_cause"]) == {"abnormal_behaviour"}


def test_lines_once_closed_stay_closed(nights: dict[datetime.date, pd.DataFrame], policy: Policy) -> None:
    first, last = (clean(nights[date], date, policy) for date in (FIRST, NIGHTS[-1]))
    both = first.index[first["line_status"] == "closed"].intersection(last.index)
    assert (last.loc[both, "line_status"] == "closed").all()


def test_appeals_move_forward(nights: dict[datetime.date, pd.DataFrame], policy: Policy) -> None:
    order = {"no_appeal": 0, "received": 1, "under_review": 2, "upheld": 3, "refused": 3}
    steps = pd.DataFrame(
        {date: clean(rows, date, policy)["appeal_status"].astype(str).map(order) for date, rows in nights.items()}
    ).dropna()
    closed_anew = clean(nights[NIGHTS[-1]], NIGHTS[-1], policy)["closed_on"] > pd.Timestamp(FIRST)
    steps = steps[~closed_anew.reindex(steps.index, fill_value=False)]
    moves = steps.diff(axis=1).iloc[:, 1:]
    assert (moves >= 0).all(axis=None)
    assert (moves > 0).any(axis=None)


def test_campaigns_were_completed_by_the_business_date(
    nights: dict[datetime.date, pd.DataFrame],
) -> None:
    completed_by_night = []
    for date, rows in nights.items():
        done = rows["campaign_code"] == "AUTUMN_SAVER"
        assert (rows["campaign_completed_on"].notna() == done).all()
        assert (rows.loc[done, "campaign_completed_on"] <= pd.Timestamp(date)).all()
        completed_by_night.append(done.sum())
    assert completed_by_night[-1] > completed_by_night[0] > 0


def test_every_month_leads_somewhere() -> None:
    assert MONTHS_LATE_STEP.shape == (9, 9)
    assert MONTHS_LATE_STEP.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("tilt", KIND_TILTS)
def test_the_steps_of_every_kind_of_person_are_chances(tilt: float) -> None:
    assert step_chances(tilt).min() >= 0
    assert step_chances(tilt).sum(axis=1) == pytest.approx(1.0)


def test_over_all_kinds_of_people_the_steps_are_the_measured_ones() -> None:
    mixed = sum(share * step_chances(tilt) for share, tilt in zip(KIND_SHARES, KIND_TILTS, strict=True))
    assert mixed == pytest.approx(MONTHS_LATE_STEP, abs=1e-12)


def test_steps_are_drawn_as_often_as_their_chance() -> None:
    kind, now = np.full(200_000, 1), np.full(200_000, 2)
    drawn = next_months_late(np.random.default_rng(1), kind, now)
    assert np.bincount(drawn, minlength=9) / 200_000 == pytest.approx(step_chances(KIND_TILTS[1])[2], abs=0.005)
