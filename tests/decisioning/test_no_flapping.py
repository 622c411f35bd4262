"""Nothing goes to and fro: constant facts give one permanent reopening at most, and a temporary one only its own end."""

import datetime
import random
from typing import Any

import pytest
from ruamel.yaml import YAML

from schemas.vocabulary import Decision
from tasks.policy_files import load_policy
from tests.decisioning.steady import steady_night
from tests.decisioning.still_books import Book, Flapping, faults_of
from tests.decisioning.test_shipped_policy import DATE, FILE, random_row
from tests.factories import NIGHT, line, policy_dict, rules, temporary_line

NIGHTS = 400


def run(policy: dict[str, Any], *rows: dict[str, Any], nights: int = NIGHTS) -> Book:
    book = Book(rules(policy), [{**row, "account_id": str(place)} for place, row in enumerate(rows)])
    book.run(NIGHT, nights)
    return book


def test_no_line_of_random_books_goes_to_and_fro_over_four_hundred_nights() -> None:
    found = Flapping()
    for seed in range(3):
        night = steady_night(random.Random(f"steady {seed}").randrange)
        book = Book(rules(night.policy), night.rows)
        book.run(night.date, NIGHTS)
        found.add(book)
    assert found.faults == []
    assert found.transitions["reopen"] >= found.lines / 5
    assert found.transitions["expire"] > 0


def test_no_line_of_the_shipped_policy_goes_to_and_fro_over_four_hundred_nights() -> None:
    shipped = load_policy(FILE).rules
    chance, written = random.Random(400), YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    rows = [random_row(chance, written, number) for number in range(200)]
    rows = [row for row in rows if row["ledger_state"] == "none"]
    book = Book(shipped, rows)
    book.run(DATE, NIGHTS)
    found = Flapping()
    found.add(book)
    assert found.faults == []
    assert found.transitions["reopen"] >= 10


def test_a_temporary_line_ends_once_on_its_date_and_is_not_opened_by_its_campaign_again() -> None:
    (served,) = run(policy_dict(), temporary_line(), nights=25).lines
    assert [each.decision for each in served.history] == [Decision.EXPIRE]
    assert served.history[0].night == temporary_line()["ledger_valid_until"]


TRAPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an appeal that is upheld for what closes a line again at once": (
        {}, line(appeal_status="upheld", days_past_due=40)
    ),
    "an exclusion that counts the reopenings themselves": (
        {"exclusions": [{"id": "EX", "when": "deceased or ledger_reopens_365d_count >= 1", "reason": "account_holder_deceased"}]},
        line(),
    ),
    "a reclosing that the calendar brings": (
        {"probation": {"reclose_when": "days_since(alert_cleared_on) > 200", "days": 180}},
        line(alert_cleared_on=NIGHT - datetime.timedelta(days=190)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TRAPS))
def test_a_policy_can_still_be_written_that_goes_to_and_fro_and_the_simulation_finds_it(name: str) -> None:
    changes, row = TRAPS[name]
    (moved,) = run(policy_dict(**changes), row, nights=30).lines
    assert faults_of(moved)


def test_without_hysteresis_a_line_would_go_to_and_fro() -> None:
    """Loading refuses such a policy; built past it, the simulation finds what hysteresis prevents."""
    compiled = rules(policy_dict())
    cause = compiled.causes["credit_assessment"].model_copy(update={"keep_open_score_min": 600})
    compiled.causes["credit_assessment"] = cause
    book = Book(compiled, [line(on_time_streak_months=12)])
    book.run(NIGHT, 5)
    assert faults_of(book.lines[0])
