"""Caps: what a night may change without a person having looked at it, and how far its book may have drifted.

A night above a cap is held: its plan waits, unchanged, until people release or discard exactly it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.handles import Accepted, Plan, Run
from schemas.portfolio import Caps
from schemas.vocabulary import Decision, LineKind
from tasks.decisioning.rules import Rules

RECENT_NIGHTS: Final = 5
SCORE_WIDTH: Final = 20
"""Points of score in one bucket of the stability index."""
LEAST_SHARE: Final = 0.0001
"""What stands for the share of an empty bucket, whose logarithm would not exist."""
REOPENING = (Decision.REOPEN.value, Decision.REOPEN_TEMPORARILY.value)


def measure(run: Run, rules: Rules, plan: Plan) -> dict[str, Any]:
    """What caps and later nights are held against: lines closed and judged, lines and cents reopened, and the scores.

    Returns:
        `closed`, `reopened`, `reopened_limit_cents`, `scorecard` (which one gave the scores) and `scores`, lines closed
        and judged by the lowest score of their bucket.
    """
    scores: Counter[int] = Counter()
    for path in sorted((run.directory / "evidence").glob("part-*.parquet")):
        table = pq.read_table(path, columns=["score", "line_kind"])
        closed = pc.equal(table["line_kind"].cast("string"), LineKind.CLOSED.value)
        for pair in pc.value_counts(table.filter(closed)["score"].combine_chunks()).to_pylist():
            scores[pair["values"] // SCORE_WIDTH * SCORE_WIDTH] += pair["counts"]
    opened = _opened(plan)
    return {
        "closed": scores.total(),
        "reopened": len(opened),
        "reopened_limit_cents": pc.sum(opened).as_py() or 0,
        "scorecard": f"{rules.policy.policy} {rules.policy.scorecard.version}",
        "scores": {str(score): count for score, count in sorted(scores.items())},
    }


def _opened(plan: Plan) -> pa.ChunkedArray:
    """The limits that a plan opens lines with.

    A revision that opens any is measured with all that its night decided to open, or the caps could be passed bit by bit.
    """
    opened = _reopenings(pq.read_table(plan.decided))
    if plan.decided == plan.path:
        return opened
    changes = pq.read_table(plan.path)
    again = changes.filter(pc.and_not(changes["opens"], changes["is_replaced"]))["limit_cents"]
    if not len(again) and not len(_reopenings(changes)):
        return again
    return pa.chunked_array([*opened.chunks, *again.chunks])


def _reopenings(transitions: pa.Table) -> pa.ChunkedArray:
    return transitions.filter(pc.is_in(transitions["decision"], value_set=pa.array(REOPENING)))["limit_cents"]


def above_caps(
    caps: Caps, accepted: Accepted, measures: Mapping[str, Any], recent: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """The caps that a night is above, in words; none lets it through.

    Args:
        caps: of the portfolio.
        accepted: the night's snapshot.
        measures: of the night, see `measure`.
        recent: the rows of the last published runs, `counts` and `measures` among them.
    """
    rows = accepted.snapshot.row_count
    found = [
        _above("lines reopened", measures["reopened"], caps.reopened_lines_max),
        _above("limit reopened in cents", measures["reopened_limit_cents"], caps.reopened_limit_max_cents),
        _share(
            "of the closed lines judged reopened", measures["reopened"], measures["closed"], caps.reopened_share_max_bp
        ),
        _share("of the rows quarantined", accepted.quarantined_count, rows, caps.quarantined_share_max_bp),
        _row_count(rows, [run["counts"]["rows"] for run in recent[-RECENT_NIGHTS:]], caps.row_count_change_max_bp),
        _drift(measures, recent[-RECENT_NIGHTS:], caps.score_stability_max),
    ]
    return tuple(finding for finding in found if finding)


def stability_index(now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """The population stability index of two distributions over the same buckets: 0 for equal ones."""
    shares = []
    for counts in (now, before):
        total = sum(counts.values()) or 1
        shares.append({name: max(count / total, LEAST_SHARE) for name, count in counts.items()})
    ours, theirs = shares
    return sum(
        (ours.get(name, LEAST_SHARE) - theirs.get(name, LEAST_SHARE))
        * math.log(ours.get(name, LEAST_SHARE) / theirs.get(name, LEAST_SHARE))
        for name in sorted({*ours, *theirs})
    )


def _above(words: str, found: int, most: int | None) -> str | None:
    return f"{words}: {found:,}, the cap is {most:,}" if most is not None and found > most else None


def _share(words: str, part: int, whole: int, most_bp: int | None) -> str | None:
    if most_bp is None or part * 10_000 <= most_bp * whole:
        return None
    return f"{part:,} of {whole:,} {words}: the cap is {most_bp / 100:g} %"


def _row_count(rows: int, recent: list[int], most_bp: int | None) -> str | None:
    if most_bp is None or not recent:
        return None
    usual = int(median(recent))
    if abs(rows - usual) * 10_000 <= most_bp * usual:
        return None
    return f"{rows:,} rows where recent nights had {usual:,}: the cap is a change by {most_bp / 100:g} %"


def _drift(measures: Mapping[str, Any], recent: Sequence[Mapping[str, Any]], most: float | None) -> str | None:
    """Only nights that were scored by the same scorecard say anything of each other."""
    usual: Counter[str] = Counter()
    for run in recent:
        known = run["measures"] or {}
        if known.get("scorecard") == measures["scorecard"]:
            usual.update(known["scores"])
    if most is None or not usual or not measures["scores"]:
        return None
    index = stability_index(measures["scores"], usual)
    return f"the scores have moved: stability index {index:.3f}, the cap is {most:g}" if index > most else None
