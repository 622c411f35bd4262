"""The generator of synthetic worlds: their files, and the lines of a night."""

import datetime
import json
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.policy import Policy
from schemas.vocabulary import CORE_COLUMNS, SHIPPED_CAUSES
from tasks.sample_data import SampleDataError
from tasks.sample_data.synthetic import synthesize
from tasks.sample_data.trajectories import KIND_SHARES
from tasks.sample_data.worlds import ARROW_TYPES, base_file, new_world, world_dates
from tests.sample_data.conftest import Nights

FIRST = datetime.date(2026, 10, 26)
NIGHTS = [FIRST + datetime.timedelta(days=night) for night in range(14)]


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
    synthesize(tmp_path / "world", seed=0, lines=1, nights=2, first_business_date=FIRST)
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
    assert (facts["seed"], facts["lines"], facts["generator_version"]) == (7, 8_000, 2)
    assert facts["dates"] == [date.isoformat() for date in NIGHTS]


def test_a_snapshot_has_the_core_columns_and_those_that_the_shipped_policy_reads(world: Path, policy: Policy) -> None:
    dated = {each.observed_on for each in policy.attributes.values() if each.observed_on}
    needed = ["account_id", "business_date", *CORE_COLUMNS, *policy.attributes, *dated]
    assert sorted(pq.read_schema(base_file(world, FIRST)).names) == sorted(needed)


def test_columns_have_the_physical_types_of_a_snapshot(world: Path, policy: Policy) -> None:
    schema = pq.read_schema(base_file(world, FIRST))
    kinds = {**CORE_COLUMNS, **{name: attribute.type for name, attribute in policy.attributes.items()}}
    assert {name: schema.field(name).type for name in kinds} == {name: ARROW_TYPES[kinds[name]] for name in kinds}
    assert schema.field("account_id").type == pa.string()
    assert schema.field("bureau_observed_on").type == pa.date32()


def test_a_snapshot_has_several_row_groups(world: Path) -> None:
    assert pq.ParquetFile(base_file(world, FIRST)).num_row_groups == 4


def test_every_row_has_the_business_date_of_its_snapshot(nights: Nights) -> None:
    assert all((rows["business_date"] == pd.Timestamp(date)).all() for date, rows in nights.items())


def test_the_truth_has_every_line_once(truth: pd.DataFrame, nights: Nights) -> None:
    assert len(truth) == 8_000
    assert truth.index.is_unique
    assert set(nights[FIRST]["account_id"].dropna()) <= set(truth.index)


def test_whoever_recovers_never_relapses_and_some_do_neither(truth: pd.DataFrame) -> None:
    relapses = truth["relapses_on"].notna()
    assert not (truth["recovers"] & relapses).any()
    assert (~truth["recovers"] & ~relapses).mean() == pytest.approx(KIND_SHARES[1], abs=0.02)


def test_about_three_lines_in_ten_are_closed(nights: Nights) -> None:
    for rows in nights.values():
        assert 0.27 < (rows["line_status"] == "closed").mean() < 0.35


def test_every_cause_closes_lines(nights: Nights) -> None:
    assert nights[FIRST]["closure_cause"].value_counts(normalize=True).reindex(SHIPPED_CAUSES).min() > 0.05


def test_only_closed_lines_have_a_closing(good_nights: Nights) -> None:
    for rows in good_nights.values():
        closed = rows["line_status"] == "closed"
        for name in ("closed_on", "closure_cause", "closure_initiator"):
            assert (rows[name].notna() == closed).all()


def test_what_customers_asked_for_was_closed_by_them_and_nearly_all_else_by_the_issuer(nights: Nights) -> None:
    closed = nights[FIRST][nights[FIRST]["line_status"] == "closed"]
    by_customer = closed["closure_initiator"] == "customer"
    asked_for = closed["closure_cause"] == "customer_request"
    assert by_customer[asked_for].all()
    assert 0 < by_customer[~asked_for].mean() < 0.02


@pytest.mark.parametrize(
    "column",
    [
        "product_code",
        "customer_segment",
        "employment",
        "alert_status",
        "objection_outcome",
        "appeal_status",
        "campaign_code",
    ],
)
def test_every_value_of_a_category_occurs_among_closed_lines(nights: Nights, policy: Policy, column: str) -> None:
    rows = nights[FIRST]
    closed = rows[rows["line_status"] == "closed"]
    declared = policy.attributes.get(column)
    known = declared.allowed if declared else rows[column].cat.categories
    assert closed[column].value_counts().reindex(known).min() > 0


def test_merchant_lines_belong_to_micro_enterprises(nights: Nights) -> None:
    rows = nights[FIRST]
    assert set(rows.loc[rows["product_code"] == "merchant_line", "customer_segment"]) == {"micro_enterprise"}


def test_only_micro_enterprises_have_a_turnover_and_some_lack_it(nights: Nights) -> None:
    rows = nights[FIRST]
    micro = rows["customer_segment"] == "micro_enterprise"
    assert rows.loc[~micro, "turnover_change_bp"].isna().all()
    assert 0.02 < rows.loc[micro, "turnover_change_bp"].isna().mean() < 0.3


def test_some_incomes_are_missing(nights: Nights) -> None:
    for rows in nights.values():
        assert 0.02 < rows["monthly_income_cents"].isna().mean() < 0.1


def test_some_bureau_files_are_older_than_35_days(nights: Nights) -> None:
    for date, rows in nights.items():
        assert 0.02 < (rows["bureau_observed_on"] < pd.Timestamp(date) - pd.Timedelta(days=35)).mean() < 0.1


def test_nearly_everybody_is_screened_every_night_and_few_answers_are_old(nights: Nights) -> None:
    for date, rows in nights.items():
        night = pd.Timestamp(date)
        old = rows["sanctions_observed_on"] < night - pd.Timedelta(days=3)
        assert ((rows["sanctions_observed_on"] == night) | old).all()
        assert 0 < old.mean() < 0.003
        assert 0 < rows["insolvency_observed_on"].isna().mean() < 0.003
        assert (rows["insolvency_observed_on"].dropna() >= night - pd.Timedelta(days=28)).all()


def test_people_have_decided_about_some_closed_lines_of_customers_who_object(nights: Nights) -> None:
    rows = nights[FIRST]
    decided = rows[rows["objection_outcome"].notna()]
    assert len(decided) > 0
    assert decided["objects_to_automated_decisions"].all()
    assert (decided["line_status"] == "closed").all()
    objects = (rows["line_status"] == "closed") & rows["objects_to_automated_decisions"].fillna(value=False)
    assert objects.sum() > len(decided)


def test_a_default_that_goes_on_has_not_been_cured(nights: Nights) -> None:
    for rows in nights.values():
        assert rows.loc[rows["in_default"], "default_cured_on"].isna().all()
        assert (rows["in_default"] & (rows["days_past_due"] == 0)).any()
    rows = nights[FIRST]
    assert 0.01 < rows["in_default"].mean() < 0.1
    assert rows.loc[rows["worst_late_24m_months"] > 2, "default_cured_on"].notna().any()


def test_every_night_has_a_few_bad_rows(faults: Nights) -> None:
    for found in faults.values():
        assert 0 < found.any(axis=1).mean() < 0.005


def test_every_kind_of_bad_row_occurs(faults: Nights) -> None:
    assert pd.concat(faults.values()).any().all()


def test_ids_are_repeated_across_row_groups(world: Path) -> None:
    across = 0
    for date in NIGHTS:
        file = pq.ParquetFile(base_file(world, date))
        groups = [file.read_row_group(group, ["account_id"])["account_id"] for group in range(file.num_row_groups)]
        ids = [set(group.drop_null().to_pylist()) for group in groups]
        across += sum(map(len, ids)) - len(set().union(*ids))
    assert across > 0


def test_repeated_ids_have_the_same_and_different_content(nights: Nights, faults: Nights) -> None:
    copies = pd.concat(rows[faults[date]["repeated id"]] for date, rows in nights.items())
    same = copies.duplicated(keep=False)
    assert same.any()
    assert not same.all()
