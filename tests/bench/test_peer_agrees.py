"""The hand-written SQL of the bench and the program find the same, line by line."""

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.sample_data.synthetic import synthesize
from tests.bench import ours, peer
from tests.bench.agreement import Disagreement, agree_on_evidence, agree_on_night

AUTUMN = datetime.date(2026, 10, 26)
YEAR_END = datetime.date(2026, 12, 22)
"""The campaign and the students' freeze are over, merchants wait."""
LINES = 20_000


@pytest.fixture(scope="module", params=[AUTUMN, YEAR_END], ids=str)
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime.date]:
    """A folder with a generated world and both sides of its first night."""
    date, folder = request.param, tmp_path_factory.mktemp("bench")
    synthesize(folder / "world", seed=11, lines=LINES, nights=1, first_business_date=date)
    ours.whole_night(folder / "world", folder / "ours", date, threads=2)
    peer.whole_night(folder / "world" / "base" / f"{date}.parquet", folder / "peer", date, threads=2)
    return folder, date


def test_whole_night(night):
    folder, _ = night
    assert agree_on_night(folder / "ours", folder / "peer") > LINES // 4


@pytest.mark.parametrize("only_closed", [False, True])
def test_judging_from_memory(night, tmp_path, only_closed):
    folder, date = night
    frames = ours.clean_frames(folder / "world", tmp_path, date, only_closed=only_closed)
    found = ours.one_table(ours.judge(frames, ours.bench_rules(), date, threads=2))
    with peer.connect(date, threads=2) as database:
        peer.load_clean(database, folder / "world" / "base" / f"{date}.parquet", only_closed=only_closed)
        peer.judge(database)
        assert agree_on_evidence(found, peer.judged_table(database)) == len(found)


@pytest.mark.parametrize(
    ("column", "instead"),
    [("score", 1), ("decision", "refer"), ("reasons", ["payment_overdue", "bureau_score_low"]), ("limit_cents", 1)],
)
def test_comparison_bites(night, column, instead):
    """One altered value of one line is found and named."""
    folder, _ = night
    found = ours.evidence_of(folder / "ours")
    place = found.schema.get_field_index(column)
    values = found[column].to_pylist()
    row = next(row for row, value in enumerate(values) if value != instead)
    values[row] = instead
    altered = found.set_column(place, column, pa.array(values, found.schema.field(column).type))
    with pytest.raises(Disagreement, match=f"evidence.{column} differs on 1 rows"):
        agree_on_evidence(altered, pq.read_table(folder / "peer" / "evidence.parquet"))


def test_comparison_counts_rows(night):
    folder, _ = night
    with pytest.raises(Disagreement, match="evidence: ours has"):
        agree_on_evidence(
            ours.evidence_of(folder / "ours"), pq.read_table(folder / "peer" / "evidence.parquet").slice(1)
        )
