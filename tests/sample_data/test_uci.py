"""The importer of the public file of card clients, on a handful of clients written by hand."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from schemas.policy import Policy
from schemas.vocabulary import PROGRAM_REASONS
from tasks.sample_data import SampleDataError
from tasks.sample_data.uci import ATTRIBUTES, MONTH_ENDS, NEEDED_COLUMNS, import_uci
from tasks.sample_data.worlds import base_file, snapshot_schema, world_dates

POLICY_FOLDER = Path(__file__).parents[2] / "deployments" / "policies" / "uci-cards"
APRIL, MAY, JUNE, JULY, AUGUST, SEPTEMBER = range(6)
PROTECTED = {"SEX": 2, "EDUCATION": 0, "MARRIAGE": 0, "AGE": 99}


def client(number: int, /, **other: object) -> dict[str, object]:
    """A client by months from April to September; `statuses`, `statements` and `payments` have six entries each."""
    return {
        "number": number,
        "limit": 20_000,
        "statuses": (0, 0, 0, 0, 0, 0),
        "statements": (1_000, 2_000, 3_000, 4_000, 5_000, 6_000),
        "payments": (100, 200, 300, 400, 500, 600),
        "defaults": 0,
        **other,
    }


CLIENTS = (
    client(1),
    client(7, statuses=(2, 2, 0, 0, -1, 0), defaults=1),
    client(42, statuses=(-2, -2, -1, 0, 2, 3)),
    client(300, statuses=(0, 0, 0, 0, 2, 0)),
    client(30_000, statements=(0, -500, 0, 26_000, 25_000, 0), payments=(0, 0, 40, 0, 90_000, 0), limit=10_000),
    client(29_999, statuses=(0, 3, 2, 2, 1, 1)),
)


def as_published(clients: tuple[dict, ...]) -> pd.DataFrame:
    """The columns of the public file: months backwards, and no PAY_1."""
    return pd.DataFrame(
        {
            "ID": each["number"],
            "LIMIT_BAL": each["limit"],
            **PROTECTED,
            **dict(zip(("PAY_0", *(f"PAY_{n}" for n in range(2, 7))), reversed(each["statuses"]), strict=True)),
            **{f"BILL_AMT{n}": amount for n, amount in enumerate(reversed(each["statements"]), start=1)},
            **{f"PAY_AMT{n}": amount for n, amount in enumerate(reversed(each["payments"]), start=1)},
            "default.payment.next.month": each["defaults"],
        }
        for each in clients
    )


Snapshots = list[dict[str, dict]]


def snapshots_of(world: Path) -> Snapshots:
    """The rows of every month end by account."""
    tables = (pq.read_table(base_file(world, date)).to_pylist() for date in MONTH_ENDS)
    return [{row["account_id"]: row for row in rows} for rows in tables]


@pytest.fixture
def importing(tmp_path: Path) -> Callable[..., Snapshots]:
    """Import clients, by default those of this file, and read the snapshots of the world."""

    def run(*clients: dict, name: str = "world") -> Snapshots:
        file = tmp_path / f"{name}.csv"
        as_published(clients or CLIENTS).to_csv(file, index=False)
        import_uci(file, tmp_path / name)
        return snapshots_of(tmp_path / name)

    return run


@pytest.fixture
def cards(importing: Callable[..., Snapshots]) -> Snapshots:
    return importing()


def course(cards: Snapshots, account_id: str, name: str) -> list:
    """One attribute of one line from April to September."""
    return [snapshot[account_id][name] for snapshot in cards]


def test_the_world_has_six_month_ends(tmp_path: Path, cards: Snapshots) -> None:
    assert len(cards) == 6
    assert world_dates(tmp_path / "world") == list(MONTH_ENDS)
    assert json.loads((tmp_path / "world" / "world.json").read_text())["lines"] == len(CLIENTS)


def test_an_id_becomes_six_digits_of_text(cards: Snapshots) -> None:
    assert list(cards[APRIL]) == ["000001", "000007", "000042", "000300", "030000", "029999"]


def test_a_snapshot_has_the_core_columns_and_the_derived_ones_and_no_protected_one(
    tmp_path: Path, cards: Snapshots
) -> None:
    del cards
    assert pq.read_schema(base_file(tmp_path / "world", MONTH_ENDS[0])).equals(snapshot_schema(ATTRIBUTES))
    assert not {name.upper() for name in ATTRIBUTES} & set(PROTECTED)


def test_every_snapshot_has_its_own_date(cards: Snapshots) -> None:
    assert course(cards, "000001", "business_date") == list(MONTH_ENDS)


def test_dollars_become_cents(cards: Snapshots) -> None:
    assert course(cards, "000001", "closed_limit_cents") == [2_000_000] * 6
    assert course(cards, "000001", "balance_cents") == [100_000, 200_000, 300_000, 400_000, 500_000, 600_000]
    assert course(cards, "000001", "payment_cents") == [10_000, 20_000, 30_000, 40_000, 50_000, 60_000]


def test_in_april_nothing_is_known_of_statuses_and_of_march(cards: Snapshots) -> None:
    known = {name for row in cards[APRIL].values() for name in ATTRIBUTES if row[name] is not None}
    assert known == {"payment_cents", "utilisation_bp"}


def test_a_status_is_known_a_month_after_its_label_and_that_of_september_in_september(cards: Snapshots) -> None:
    assert course(cards, "029999", "months_past_due") == [None, 0, 3, 2, 2, 1]


def test_status_codes_below_one_are_on_time(cards: Snapshots) -> None:
    assert course(cards, "000042", "months_past_due") == [None, 0, 0, 0, 0, 3]


def test_the_streak_counts_months_on_time_up_to_the_latest_known(cards: Snapshots) -> None:
    assert course(cards, "000001", "on_time_streak_months") == [None, 1, 2, 3, 4, 6]
    assert course(cards, "000007", "on_time_streak_months") == [None, 0, 0, 1, 2, 4]


def test_months_since_are_unknown_where_nothing_was_late(cards: Snapshots) -> None:
    assert course(cards, "000001", "months_since_late") == [None] * 6
    assert course(cards, "000001", "months_since_two_late") == [None] * 6


def test_months_since_count_the_settled_months(cards: Snapshots) -> None:
    assert course(cards, "000007", "months_since_late") == [None, 0, 0, 1, 2, 4]
    assert course(cards, "029999", "months_since_late") == [None, None, 0, 0, 0, 0]
    assert course(cards, "029999", "months_since_two_late") == [None, None, 0, 0, 0, 2]


def test_late_months_and_the_worst_add_up(cards: Snapshots) -> None:
    assert course(cards, "029999", "late_months_count") == [None, 0, 1, 2, 3, 5]
    assert course(cards, "029999", "two_late_months_count") == [None, 0, 1, 2, 3, 3]
    assert course(cards, "029999", "worst_months_past_due") == [None, 0, 3, 3, 3, 3]


def test_the_previous_balance_is_last_months_statement(cards: Snapshots) -> None:
    assert course(cards, "000001", "previous_balance_cents") == [None, 100_000, 200_000, 300_000, 400_000, 500_000]


def test_new_spending_is_growth_beyond_what_the_payment_left(cards: Snapshots) -> None:
    assert course(cards, "000001", "new_spending_cents") == [None, 120_000, 130_000, 140_000, 150_000, 160_000]


def test_a_payment_ratio_is_of_the_previous_statement(cards: Snapshots) -> None:
    assert course(cards, "000001", "payment_ratio_bp") == [None, 2_000, 1_500, 1_333, 1_250, 1_200]


def test_a_payment_ratio_is_unknown_where_nothing_was_owed(cards: Snapshots) -> None:
    assert course(cards, "030000", "payment_ratio_bp") == [None, None, None, None, 34_615, 0]


def test_a_huge_payment_counts_as_ten_times_the_statement(importing: Callable[..., Snapshots]) -> None:
    cards = importing(client(1, statements=(1, 1, 1, 1, 1, 1)))
    assert course(cards, "000001", "payment_ratio_bp") == [None, *[100_000] * 5]


def test_statements_below_zero_and_above_the_limit_stay_what_they_are(cards: Snapshots) -> None:
    assert course(cards, "030000", "balance_cents") == [0, -50_000, 0, 2_600_000, 2_500_000, 0]
    assert course(cards, "030000", "utilisation_bp") == [0, -500, 0, 26_000, 25_000, 0]


def test_a_line_is_closed_from_the_first_month_end_that_knows_it_two_months_late(cards: Snapshots) -> None:
    assert course(cards, "029999", "line_status") == ["open", "open", "closed", "closed", "closed", "closed"]
    assert course(cards, "029999", "closed_on")[JUNE:] == [datetime.date(2005, 6, 30)] * 4
    assert course(cards, "000007", "closed_on")[MAY] == datetime.date(2005, 5, 31)


def test_the_status_of_september_closes_in_september(cards: Snapshots) -> None:
    assert course(cards, "000042", "line_status") == [*["open"] * 5, "closed"]


def test_a_status_of_august_that_is_settled_again_by_september_closes_nothing(cards: Snapshots) -> None:
    assert course(cards, "000300", "line_status") == ["open"] * 6
    assert cards[SEPTEMBER]["000300"]["two_late_months_count"] == 1


def test_closings_are_by_the_issuer_for_the_credit_assessment(cards: Snapshots) -> None:
    for row in (row for snapshot in cards for row in snapshot.values()):
        closed = row["line_status"] == "closed"
        assert row["closure_cause"] == ("credit_assessment" if closed else None)
        assert row["closure_initiator"] == ("issuer" if closed else None)
        assert (row["closed_on"] is not None) == closed


LATER = {
    "statuses": [(month, month + 1 if month < SEPTEMBER else SEPTEMBER) for month in range(6)],
    "statements": [(month, month) for month in range(6)],
    "payments": [(month, month) for month in range(6)],
}
"""Per kind of column: month of the label, and the first month end that may know it."""


@pytest.mark.parametrize(("kind", "month", "known"), [(kind, *pair) for kind, pairs in LATER.items() for pair in pairs])
def test_no_snapshot_knows_what_came_later(
    importing: Callable[..., Snapshots], kind: str, month: int, known: int
) -> None:
    as_it_was = client(1)
    values = list(as_it_was[kind])
    values[month] = 5
    before, after = importing(as_it_was, name="before"), importing(client(1, **{kind: tuple(values)}), name="after")
    changed = [date for date in range(6) if before[date] != after[date]]
    assert changed[0] == min(known, SEPTEMBER)


def test_the_default_of_october_is_in_the_truth_and_in_no_snapshot(
    tmp_path: Path, importing: Callable[..., Snapshots]
) -> None:
    assert importing(client(1), name="pays") == importing(client(1, defaults=1), name="defaults")
    truth = pq.read_table(tmp_path / "defaults" / "truth.parquet").to_pylist()
    assert truth == [{"account_id": "000001", "recovers": False, "relapses_on": datetime.date(2005, 10, 31)}]
    truth = pq.read_table(tmp_path / "pays" / "truth.parquet").to_pylist()
    assert truth == [{"account_id": "000001", "recovers": True, "relapses_on": None}]


def test_protected_attributes_change_nothing(tmp_path: Path, cards: Snapshots) -> None:
    as_published(CLIENTS).drop(columns=list(PROTECTED)).to_csv(tmp_path / "without.csv", index=False)
    import_uci(tmp_path / "without.csv", tmp_path / "without")
    assert snapshots_of(tmp_path / "without") == cards


def test_parquet_and_csv_give_the_same_world(tmp_path: Path, cards: Snapshots) -> None:
    as_published(CLIENTS).astype({"LIMIT_BAL": "float64"}).to_parquet(tmp_path / "cards.parquet")
    import_uci(tmp_path / "cards.parquet", tmp_path / "other")
    assert snapshots_of(tmp_path / "other") == cards


def test_the_export_of_the_spreadsheet_has_a_row_above_its_names(tmp_path: Path, cards: Snapshots) -> None:
    published = as_published(CLIENTS).rename(columns={"default.payment.next.month": "default payment next month"})
    above = ",".join(["", *(f"X{n}" for n in range(1, len(published.columns) - 1)), "Y"])
    text = "\ufeff" + above + "\n" + published.to_csv(index=False)
    (tmp_path / "export.csv").write_text(text, encoding="utf-8")
    import_uci(tmp_path / "export.csv", tmp_path / "other")
    assert snapshots_of(tmp_path / "other") == cards


def test_missing_columns_are_named_with_what_to_do(tmp_path: Path) -> None:
    as_published(CLIENTS).drop(columns=["PAY_0", "BILL_AMT3"]).to_csv(tmp_path / "cards.csv", index=False)
    with pytest.raises(
        SampleDataError, match=r"lacks 2 of 21 needed columns: PAY_0, BILL_AMT3\. Get .*10\.24432/C55S3H"
    ):
        import_uci(tmp_path / "cards.csv", tmp_path / "world")
    assert len(NEEDED_COLUMNS) == 21


def test_a_cell_that_is_no_whole_number_is_refused_by_column_and_row(tmp_path: Path) -> None:
    published = as_published(CLIENTS).astype(str)
    published.loc[2, "PAY_AMT1"] = "a lot"
    published.to_csv(tmp_path / "cards.csv", index=False)
    with pytest.raises(
        SampleDataError, match=r"column PAY_AMT1 is not a whole number in 1 of 6 rows, first in data row 3"
    ):
        import_uci(tmp_path / "cards.csv", tmp_path / "world")


@pytest.mark.parametrize(
    ("wrong", "named"), [(client(1), "ID"), (client(1_000_000), "ID"), (client(2, limit=0), "LIMIT_BAL")]
)
def test_repeated_and_too_long_ids_and_limits_of_nothing_are_refused(
    importing: Callable[..., Snapshots], wrong: dict, named: str
) -> None:
    with pytest.raises(SampleDataError, match=f"column {named} must"):
        importing(client(1), wrong)


@pytest.mark.parametrize("name", ["cards.xls", "nowhere.csv", "empty.csv", "rubbish.parquet"])
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    if name != "nowhere.csv":
        (tmp_path / name).write_bytes(b"" if name == "empty.csv" else b"rubbish")
    with pytest.raises(SampleDataError, match=rf"{name}.*as Parquet, or as CSV"):
        import_uci(tmp_path / name, tmp_path / "world")


def read_yaml(name: str) -> dict:
    return YAML(typ="safe", pure=True).load((POLICY_FOLDER / name).read_text(encoding="utf-8"))


def test_the_policy_for_the_cards_declares_the_columns_of_the_importer() -> None:
    policy = Policy.model_validate(read_yaml("2005-04.yaml"))
    assert {name: attribute.type for name, attribute in policy.attributes.items()} == ATTRIBUTES


def test_the_policy_for_the_cards_is_in_force_at_all_month_ends() -> None:
    policy = Policy.model_validate(read_yaml("2005-04.yaml"))
    assert all(policy.in_force.covers(date) for date in MONTH_ENDS)


def test_every_reason_of_the_policy_for_the_cards_has_texts_and_no_other() -> None:
    policy = Policy.model_validate(read_yaml("2005-04.yaml"))
    parts = [*policy.criteria.values(), *policy.scorecard.attributes.values(), policy.probation]
    texts = read_yaml("reasons.yaml")
    assert set(texts) - set(PROGRAM_REASONS) == {part.reason for part in parts if part}
    assert all(
        {language: sorted(text) for language, text in each.items()}
        == {"en": ["helps", "means"], "zh": ["helps", "means"]}
        for each in texts.values()
    )
