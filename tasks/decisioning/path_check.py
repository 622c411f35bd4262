"""Checking the paths of a sample of lines by judging them again, as if each had been followed to its end.

A path tells a customer what to do and from which date the line is recoverable. That is a promise, so every night tries
some of its own: the other way round, by step 5 of the judgement and not by what found the path.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from schemas.vocabulary import PROBATION_CRITERION
from tasks.decisioning.answers import FAIL, PASS
from tasks.decisioning.columns import Bools, Columns, Ints, Rows
from tasks.decisioning.facts import NO_DAY, Facts, Night, gather_facts
from tasks.decisioning.judge import recoverable_lines
from tasks.decisioning.ragged import Ragged
from tasks.decisioning.rescoring import Judged
from tasks.decisioning.scorecard import Points, Scores

SAMPLE_LINES = 256
"""Paths that are followed in one partition."""


def misleading_paths(frame: pd.DataFrame, judged: Judged, night: Night) -> int:
    """How many paths of a sample do not lead to a recoverable line on their date.

    On `earliest_on`, the attributes of `score_steps` at their best and the criteria of `must_fix` and `must_show` taken as
    passing, step 5 must find the line recoverable.

    Args:
        frame: the partition that was judged.
        judged: what was found out about its lines.
        night: policy and business date.
    """
    dated = np.flatnonzero(judged.earliest != NO_DAY)
    sample = dated[:: max(len(dated) // SAMPLE_LINES, 1)]
    if not len(sample):
        return 0
    lines = frame.iloc[judged.positions[judged.path_rows[sample]]].reset_index(drop=True)
    rows = Rows(Columns(lines, night.rules, night.business_date), slice(0, len(lines)))
    later = rows.later(judged.earliest[sample] - night.today)
    followed = _followed(gather_facts(night, later, "closure_cause"), judged, sample)
    return int((~recoverable_lines(followed)).sum())


def _followed(facts: Facts, judged: Judged, sample: Ints) -> Facts:
    """The facts of lines whose paths have been followed."""
    night = facts.night
    done = {
        name: _holds(judged.fix, sample, code) | _holds(judged.show, sample, code)
        for name, code in night.id_codes.items()
    }
    criteria = {name: np.where(done[name], PASS, answers) for name, answers in facts.criteria.items()}
    reclose = np.where(done[PROBATION_CRITERION], FAIL, facts.reclose)
    scores = Scores(facts.scores.points, facts.score + _sums(judged.gains, sample))
    return replace(facts, criteria=criteria, reclose=reclose, scores=scores)


def _holds(lists: Ragged, rows: Ints, code: int) -> Bools:
    """Which of some rows have a code in their list."""
    some = lists.take(rows)
    hits = np.zeros(len(rows), bool)
    hits[np.repeat(np.arange(len(rows)), some.counts)[some.values == code]] = True
    return hits


def _sums(lists: Ragged, rows: Ints) -> Points:
    some = lists.take(rows)
    sums = np.zeros(len(rows), np.int32)
    np.add.at(sums, np.repeat(np.arange(len(rows)), some.counts), some.values)
    return sums
