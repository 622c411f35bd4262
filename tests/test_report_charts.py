import pytest

from schemas.report import PastNight, ScoreBucket
from tasks.report_charts import COURSE_HEIGHT, SCORE_HEIGHT, Chart, course_chart, score_chart, stack
from tests.report_factory import NIGHT


def test_a_stack_fills_its_bar_without_gaps() -> None:
    segments = stack([("kept", 1), ("open", 0), ("referred", 2)])
    assert [segment.tone for segment in segments] == ["kept", "referred"]
    assert [(float(each.x[:-1]), float(each.width[:-1])) for each in segments] == [(0, 33.3333), (33.3333, 66.6667)]
    assert stack([("kept", 0)]) == ()


@pytest.mark.parametrize("most", [1, 2, 3, 7, 9, 10, 11, 99, 412, 1000, 1012, 99_999, 10**6, 123_456_789])
def test_levels_cover_the_columns_and_are_few(most: int) -> None:
    night = PastNight(business_date=NIGHT, judged=most, reopened=most, closed_again=0)
    course = course_chart([night, night])
    assert course is not None
    for chart, height, count in ((scored((600, most)), SCORE_HEIGHT, 4), (course, COURSE_HEIGHT, 6)):
        assert 2 <= len(chart.levels) <= count + 1
        assert len({level.says for level in chart.levels}) == len(chart.levels)
        assert max(len(level.says) for level in chart.levels) <= 6
        (block,) = chart.columns[0].blocks
        assert float(block.height) >= height / 2
        assert float(block.y) >= 0


def scored(*lines: tuple[int, int]) -> Chart:
    buckets = [ScoreBucket(from_score=at, reopened=count, not_reopened=0) for at, count in lines]
    chart = score_chart(buckets, "reopened", lambda bucket: bucket.reopened)
    assert chart is not None
    return chart


def test_scores_stand_where_they_belong_even_with_a_gap_and_out_of_order() -> None:
    chart = scored((640, 1), (600, 0), (620, 2), (700, 1))
    lefts = [float(column.x[:-1]) for column in chart.columns]
    assert [round((left - lefts[0]) * 6 / 100) for left in lefts] == [0, 1, 2, 5]
    assert [len(column.blocks) for column in chart.columns] == [0, 1, 1, 1]
    assert chart.marks[0].says == "600"


def test_no_chart_without_lines_and_no_course_of_a_single_night() -> None:
    night = PastNight(business_date=NIGHT, judged=0, reopened=0, closed_again=0)
    bucket = ScoreBucket(from_score=600, reopened=0, not_reopened=7)
    assert score_chart([], "kept", lambda each: each.not_reopened) is None
    assert score_chart([bucket], "reopened", lambda each: each.reopened) is None
    assert course_chart([night]) is None
    assert course_chart([night, night]) is not None


def test_a_course_keeps_inside_its_plot_whichever_way_it_goes() -> None:
    for reopened, closed_again in ((0, 9), (9, 0), (3, 400), (400, 3)):
        night = PastNight(business_date=NIGHT, judged=500, reopened=reopened, closed_again=closed_again)
        chart = course_chart([night] * 60)
        assert chart is not None
        blocks = [block for column in chart.columns for block in column.blocks]
        assert all(
            0 <= float(block.y) <= float(block.y) + float(block.height) <= COURSE_HEIGHT + 0.01 for block in blocks
        )
        assert len(chart.marks) <= 5
