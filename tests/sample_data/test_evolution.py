"""How the lines of a synthetic world change from night to night, and the measured steps of lateness behind it."""

import datetime
import itertools

import numpy as np
import pandas as pd
import pytest

from tasks.sample_data.trajectories import (
    KIND_SHARES,
    KIND_TILTS,
    MONTHS_LATE_STEP,
    STABLE_BAD,
    next_months_late,
    step_chances,
)
from tests.sample_data.conftest import Nights

FIRST, MONTH_END, LAST = datetime.date(2026, 10, 26), datetime.date(2026, 10, 31), datetime.date(2026, 11, 8)


def recovered(rows: pd.DataFrame, date: datetime.date) -> pd.Series:
    """Which of the closed lines look recovered to somebody sensible."""
    closed = rows[rows["line_status"] == "closed"]
    return (
        (closed["days_past_due"] == 0)
        & (closed["on_time_streak_months"] >= 3)
        & (closed["worst_late_6m_months"] <= 1)
        & (closed["utilisation_bp"] < 6_000)
        & (closed["debt_service_to_income_bp"] < 4_500)
        & (closed["bureau_score"] > 620)
        & (closed["closed_on"] <= pd.Timestamp(date) - pd.Timedelta(days=90))
    )


def of_all_nights(good_nights: Nights, column: str) -> pd.DataFrame:
    """One column of the lines that were good on every night: lines by dates."""
    return pd.DataFrame({date: rows[column] for date, rows in good_nights.items()}).loc[
        lambda table: table.index.isin(set.intersection(*(set(rows.index) for rows in good_nights.values())))
    ]


def test_some_closed_lines_look_recovered_and_more_of_them_night_by_night(good_nights: Nights) -> None:
    shares = {date: recovered(rows, date).mean() for date, rows in good_nights.items()}
    assert 0.08 < shares[FIRST] < 0.15
    assert shares[FIRST] < shares[MONTH_END] < shares[LAST]


def test_recovered_lines_mostly_belong_to_people_who_recover(good_nights: Nights, truth: pd.DataFrame) -> None:
    look = recovered(good_nights[FIRST], FIRST)
    assert truth["recovers"].reindex(look.index[look]).mean() > truth["recovers"].mean() + 0.1


@pytest.mark.parametrize("column", ["on_time_streak_months", "worst_late_6m_months", "worst_late_24m_months"])
def test_monthly_attributes_move_on_month_ends_only(good_nights: Nights, column: str) -> None:
    months = of_all_nights(good_nights, column)
    moves = {after: (months[before] != months[after]).any() for before, after in itertools.pairwise(months)}
    assert [date for date, moved in moves.items() if moved] == [MONTH_END]


def test_what_the_bureau_says_is_renewed_once_a_week(good_nights: Nights, truth: pd.DataFrame) -> None:
    seen = of_all_nights(good_nights, "bureau_observed_on").dropna()
    moves = seen[truth["relapses_on"].reindex(seen.index).isna()].diff(axis=1).iloc[:, 1:]
    assert moves.isin([pd.Timedelta(0), pd.Timedelta(days=7)]).all(axis=None)
    assert (moves > pd.Timedelta(0)).any(axis=1).mean() > 0.9


def test_overdue_days_grow_by_one_a_night_or_are_paid(good_nights: Nights, truth: pd.DataFrame) -> None:
    overdue = of_all_nights(good_nights, "days_past_due").iloc[:, :2]
    overdue = overdue[truth["relapses_on"].reindex(overdue.index).isna() & (overdue[FIRST] > 0)]
    second = overdue.iloc[:, 1]
    assert ((second == overdue[FIRST] + 1) | (second == 0)).all()


def test_people_who_stay_bad_are_late_more_often(good_nights: Nights, truth: pd.DataFrame) -> None:
    late = good_nights[FIRST]["days_past_due"] > 0
    recovers = truth["recovers"].reindex(late.index)
    assert late[~recovers].mean() > 1.5 * late[recovers].mean()


def test_a_relapse_shows_on_its_day(good_nights: Nights, truth: pd.DataFrame) -> None:
    facts = ["insolvency_open", "fraud_confirmed", "on_hardship_plan", "legal_action"]
    shown = []
    for before, after in itertools.pairwise(good_nights):
        today = truth.index[truth["relapses_on"] == pd.Timestamp(after)]
        today = today.intersection(good_nights[before].index).intersection(good_nights[after].index)
        then, now = good_nights[before].loc[today], good_nights[after].loc[today]
        fact = (now[facts].fillna(value=False) & ~then[facts].fillna(value=False)).any(axis=1)
        shown.append((now["days_past_due"] > 30) | fact | (now["bureau_score"] < then["bureau_score"]))
    assert len(pd.concat(shown)) > 100
    assert pd.concat(shown).mean() > 0.9


def test_lines_once_closed_stay_closed(good_nights: Nights) -> None:
    closed = of_all_nights(good_nights, "line_status") == "closed"
    assert closed[closed[FIRST]].all(axis=None)


def test_a_closed_line_with_a_new_alert_is_closed_anew(good_nights: Nights) -> None:
    closed_on = of_all_nights(good_nights, "closed_on").dropna()
    anew = closed_on[LAST] > pd.Timestamp(FIRST)
    assert anew.any()
    causes = good_nights[LAST].loc[closed_on.index[anew], "closure_cause"]
    assert set(causes) == {"abnormal_behaviour"}


def test_appeals_move_forward_until_the_line_is_closed_anew(good_nights: Nights) -> None:
    order = {"no_appeal": 0, "received": 1, "under_review": 2, "upheld": 3, "refused": 3}
    steps = of_all_nights(good_nights, "appeal_status").apply(lambda night: night.astype(str).map(order))
    closed_anew = good_nights[LAST]["closed_on"].reindex(steps.index) > pd.Timestamp(FIRST)
    moves = steps[~closed_anew].diff(axis=1).iloc[:, 1:]
    assert (moves >= 0).all(axis=None)
    assert (moves > 0).any(axis=None)


def test_appeals_are_dated_once_they_are_decided_and_after_their_closing(good_nights: Nights) -> None:
    for date, rows in good_nights.items():
        decided = rows["appeal_status"].isin(["upheld", "refused"])
        assert (rows["appeal_decided_on"].notna() == decided).all()
        assert (rows.loc[decided, "appeal_decided_on"] <= pd.Timestamp(date)).all()
        assert (rows.loc[decided, "appeal_decided_on"] > rows.loc[decided, "closed_on"]).all()


def test_defaults_begin_and_are_cured_on_month_ends(good_nights: Nights) -> None:
    before, after = (good_nights[date].reindex(good_nights[MONTH_END].index) for date in (FIRST, MONTH_END))
    cured = before["in_default"].eq(other=True) & ~after["in_default"].eq(other=True)
    assert cured.any()
    assert (after.loc[cured, "default_cured_on"] == pd.Timestamp(MONTH_END)).all()
    assert (before["in_default"].eq(other=False) & after["in_default"].eq(other=True)).any()


def test_campaigns_were_completed_by_the_business_date(good_nights: Nights) -> None:
    for date, rows in good_nights.items():
        done = rows["campaign_code"] == "AUTUMN_SAVER"
        assert (rows["campaign_completed_on"].notna() == done).all()
        assert (rows.loc[done, "campaign_completed_on"] <= pd.Timestamp(date)).all()


def test_campaigns_are_completed_during_the_nights(good_nights: Nights) -> None:
    done = of_all_nights(good_nights, "campaign_code") == "AUTUMN_SAVER"
    assert 0 < done[FIRST].sum() < done[LAST].sum()


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
    kind, now = np.full(200_000, STABLE_BAD), np.full(200_000, 2)
    drawn = next_months_late(np.random.default_rng(1), kind, now)
    chances = step_chances(KIND_TILTS[STABLE_BAD])[2]
    assert np.bincount(drawn, minlength=9) / 200_000 == pytest.approx(chances, abs=0.005)
