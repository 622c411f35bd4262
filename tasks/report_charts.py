"""Geometry of a report's charts: shares in per cent across, pixels down, so that text never shrinks with the page."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from schemas.report import PastNight, ScoreBucket
from tasks.wording import NO_BREAK, counted, number, short_day

COURSE_HEIGHT: Final = 200
SCORE_HEIGHT: Final = 110
DAYS_MOST: Final = 5
SCORES_MOST: Final = 8
"""Labels below a chart that fit side by side on a telephone."""
COURSE_LEVELS_MOST: Final = 6
SCORE_LEVELS_MOST: Final = 4
GAP: Final = 0.16
"""The part of a column's room that stays free."""
EDGE: Final = 4
"""Per cent from either edge within which a label stands at the edge and leans inwards."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a horizontal bar, in per cent of its length."""

    tone: str
    x: str
    width: str


@dataclass(frozen=True)
class Block:
    """One colour of a column, in pixels from the top of the plot."""

    tone: str
    y: str
    height: str


@dataclass(frozen=True)
class Column:
    """A column of a chart with what it says when pointed at."""

    x: str
    width: str
    says: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Mark:
    """A label of an axis: where it stands, what it says, how it leans."""

    at: str
    says: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Chart:
    """A column chart ready to be drawn."""

    columns: tuple[Column, ...]
    levels: tuple[Mark, ...]
    base: str
    marks: tuple[Mark, ...]
    height: int


def stack(parts: Iterable[tuple[str, int]]) -> tuple[Segment, ...]:
    """Lay parts, each a tone and a count, end to end; together they fill the bar."""
    shown = [(tone, count) for tone, count in parts if count > 0]
    whole = sum(count for _, count in shown)
    segments, before = [], 0
    for tone, count in shown:
        segments.append(Segment(tone, _percent(before, whole), _percent(count, whole)))
        before += count
    return tuple(segments)


def bar(tone: str, part: int, whole: int) -> tuple[Segment, ...]:
    """One stretch of a bar: a part of a whole, never longer than it."""
    return (Segment(tone, "0%", _percent(min(part, whole), whole)),) if part > 0 and whole > 0 else ()


def score_chart(buckets: Sequence[ScoreBucket], tone: str, lines_of: Callable[[ScoreBucket], int]) -> Chart | None:
    """Draw scores across and some of their lines upwards, on a scale of their own; None without any such line.

    Args:
        buckets: every score judged, so that charts of several kinds of lines stand one below the other.
        tone: the colour of the columns.
        lines_of: which lines of a bucket are drawn.
    """
    buckets = sorted(buckets, key=lambda bucket: bucket.from_score)
    most = max((lines_of(bucket) for bucket in buckets), default=0)
    if most <= 0:
        return None
    first, last, step = buckets[0].from_score, buckets[-1].from_score, _step(buckets)
    top, levels = _levels(most, SCORE_LEVELS_MOST)
    scale, room = SCORE_HEIGHT / top, last + step - first

    def column(bucket: ScoreBucket) -> Column:
        height = lines_of(bucket) * scale
        says = f"From {bucket.from_score}: {counted(lines_of(bucket), 'line', 'lines')}"
        x = (bucket.from_score - first) / room
        return _column(x, step / room, says, (_block(tone, SCORE_HEIGHT - height, height),))

    every = math.ceil(((last - first) // step + 1) / SCORES_MOST) * step
    marks = [_mark((score - first) / room, str(score)) for score in range(first, last + 1, every)]
    return Chart(
        columns=tuple(column(bucket) for bucket in buckets),
        levels=tuple(Mark(_px(SCORE_HEIGHT - level * scale), _short(level, top)) for level in levels),
        base=_px(SCORE_HEIGHT),
        marks=tuple(marks),
        height=SCORE_HEIGHT,
    )


def course_chart(nights: Sequence[PastNight]) -> Chart | None:
    """Draw nights across, lines reopened upwards and lines closed again downwards; None for fewer than two nights."""
    if len(nights) < 2:  # noqa: PLR2004 - a course has a beginning and an end
        return None
    top, ups = _levels(max(1, *(night.reopened for night in nights)), COURSE_LEVELS_MOST)
    deepest = max(night.closed_again for night in nights)
    scale = COURSE_HEIGHT / (top + deepest)
    base = top * scale

    def column(at: int, night: PastNight) -> Column:
        up, down = night.reopened * scale, night.closed_again * scale
        tone = "reopened" if at == len(nights) - 1 else "reopened-before"
        says = (
            f"{short_day(night.business_date)}: {number(night.reopened)} reopened, "
            f"{number(night.closed_again)} closed again or ended, of {counted(night.judged, 'line', 'lines')} judged"
        )
        blocks = (_block(tone, base - up, up), _block("closed-again", base, down))
        return _column(at / len(nights), 1 / len(nights), says, blocks)

    levels = [*ups, *range(-ups[1], -deepest - 1, -ups[1])]
    marks = [_mark((at + 0.5) / len(nights), short_day(nights[at].business_date)[:-5]) for at in _labelled(len(nights))]
    return Chart(
        columns=tuple(column(at, night) for at, night in enumerate(nights)),
        levels=tuple(Mark(_px(base - level * scale), _short(abs(level), top)) for level in sorted(levels)),
        base=_px(base),
        marks=tuple(marks),
        height=COURSE_HEIGHT,
    )


def _step(buckets: Sequence[ScoreBucket]) -> int:
    """The width of a bucket: the least distance between two, or 1 where there is only one."""
    starts = [bucket.from_score for bucket in buckets]
    return min((after - before for before, after in pairwise(starts) if after > before), default=1)


def _levels(most: int, count: int) -> tuple[int, tuple[int, ...]]:
    """The least round number not below `most`, and at most `count` round levels above 0 up to it."""
    size = 10 ** (len(str(most)) - 1)
    steps = {max(1, size * factor // 10) for factor in (1, 2, 5, 10, 20, 25, 50)}
    fitting = [step for step in steps if 1 <= math.ceil(most / step) <= count]
    top, step = min((math.ceil(most / step) * step, step) for step in fitting)
    return top, tuple(range(0, top + 1, step))


def _short(level: int, top: int) -> str:
    """A level in the unit that keeps its axis narrow: plain, thousands or millions."""
    unit, sign = next(((unit, sign) for unit, sign in ((10**6, "M"), (10**3, "k")) if top >= 10 * unit), (1, ""))
    return f"{level / unit:g}{NO_BREAK}{sign}" if sign and level else number(level)


def _labelled(count: int) -> list[int]:
    """Which of `count` columns get a label: the last one, and evenly back from it."""
    step = math.ceil(count / DAYS_MOST)
    return list(range(count - 1, -1, -step))[::-1]


def _mark(at: float, says: str) -> Mark:
    percent = 100 * at
    if percent < EDGE:
        return Mark("0%", says, "start")
    return Mark("100%", says, "end") if percent > 100 - EDGE else Mark(f"{percent:.3f}%", says)


def _column(x: float, width: float, says: str, blocks: tuple[Block, ...]) -> Column:
    return Column(
        f"{100 * (x + width * GAP / 2):.3f}%",
        f"{100 * width * (1 - GAP):.3f}%",
        says,
        tuple(block for block in blocks if block.height != _px(0)),
    )


def _block(tone: str, y: float, height: float) -> Block:
    return Block(tone, _px(y), _px(height))


def _px(pixels: float) -> str:
    return f"{pixels:.2f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.4f}%"
