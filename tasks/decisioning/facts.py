"""What is found out about a block of rows before anything is decided: the evidence, complete."""

import datetime
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.vocabulary import PROBATION_CRITERION, Decision, Route, Step
from tasks.decisioning.answers import Answers, amount, answer
from tasks.decisioning.columns import Column, Ints, Rows, day_number
from tasks.decisioning.ragged import NONE
from tasks.decisioning.rules import CampaignRules, Question, Rules
from tasks.decisioning.scorecard import Scores, score_rows

DECISIONS, STEPS, ROUTES = tuple(Decision), tuple(Step), tuple(Route)
Array = NDArray[Any]
NO_SCORE_MIN = np.iinfo(np.int32).min
NO_DAY = np.iinfo(np.int64).min
"""Stands for no date among whole days; the same bits as `NaT`."""


@dataclass(frozen=True)
class Night:
    """What is the same for every line of a night: the rules, the date, and what is in force on it."""

    rules: Rules
    business_date: datetime.date

    def __post_init__(self) -> None:
        ids = [
            *(each.id for each in (*self.rules.exclusions, *self.freezes)),
            *self.rules.criteria,
            *(name for name, _ in self.rules.caps),
            PROBATION_CRITERION,
        ]
        object.__setattr__(self, "ids", tuple(dict.fromkeys(ids)))
        object.__setattr__(self, "id_codes", {name: code for code, name in enumerate(self.ids)})
        object.__setattr__(self, "reason_codes", {name: code for code, name in enumerate(self.rules.reasons)})
        object.__setattr__(self, "cause_names", tuple(self.rules.causes))

    ids: tuple[str, ...] = field(init=False)
    id_codes: dict[str, int] = field(init=False)
    reason_codes: dict[str, int] = field(init=False)
    cause_names: tuple[str, ...] = field(init=False)

    @property
    def freezes(self) -> tuple[Question, ...]:
        return self.rules.freezes_on(self.business_date)

    @property
    def campaigns(self) -> tuple[CampaignRules, ...]:
        return self.rules.campaigns_on(self.business_date)

    @property
    def today(self) -> int:
        return day_number(self.business_date)


@dataclass(frozen=True)
class Facts:
    """Every answer and score of a block of rows: the evidence, complete before anything is decided."""

    night: Night
    rows: Rows
    exclusions: list[Answers]
    freezes: list[Answers]
    criteria: dict[str, Answers]
    reclose: Answers
    caps: list[Column]
    scores: Scores
    cause: Ints

    @property
    def score(self) -> Array:
        return self.scores.score

    def by_cause(self, table: list[int]) -> Array:
        """A value per cause, with one more at the end for a cause without a contract, for every row."""
        return np.array(table, np.int64)[self.cause]

    def losses(self, chosen_rows: Ints) -> Array:
        """Attributes by chosen rows: best reachable points minus own."""
        best = np.array([scored.best for scored in self.night.rules.scorecard], np.int32)[:, None]
        return best - self.scores.points[:, chosen_rows]


def gather_facts(night: Night, rows: Rows, cause_column: str) -> Facts:
    """Evaluate every expression and the scorecard for `rows`; the contract is that of `cause_column`."""
    rules = night.rules
    cause = rows[cause_column]
    known = {name: code for code, name in enumerate(night.cause_names)}
    table = np.array([*(known.get(name, NONE) for name in cause.categories), NONE], np.int64)
    return Facts(
        night=night,
        rows=rows,
        exclusions=[answer(question.node, rows) for question in rules.exclusions],
        freezes=[answer(question.node, rows) for question in night.freezes],
        criteria={name: answer(question.node, rows) for name, question in rules.criteria.items()},
        reclose=answer(rules.reclose.node, rows) if rules.reclose else np.zeros(len(rows), np.int8),
        caps=[amount(node, rows) for _, node in rules.caps],
        scores=score_rows(rules, rows),
        cause=table[cause.values],
    )
