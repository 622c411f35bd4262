"""One measurement in a process of its own: `python -m tests.bench.child ours night 2 WORLD FOLDER DATE 1`.

Prints JSON: for every timed run its seconds and the processor seconds that it took, and the peak memory of the process.
"""

import datetime
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BOOKS = ("book", "closed")
"""What is judged from memory: a whole book, most of whose lines are open, and its closed lines alone."""


def main(
    side: str, job: str, threads: int, world: Path, folder: Path, date: datetime.date, repeat: int
) -> dict[str, Any]:
    """Run one job of one side; what it found stays in `folder`."""
    pa.set_cpu_count(threads)
    if job == "night":
        runs = [_timed(_night(side, world, folder, date, threads))]
        return {"runs": runs, "peak_bytes": peak_memory_bytes()}
    found = {}
    for book in BOOKS:
        judge, write = _judging(side, book, world, folder, date, threads)
        judge()
        found[book] = [_timed(judge) for _ in range(repeat)]
        write()
    return {"runs": found}


def peak_memory_bytes() -> int:
    """The most memory that this process has had resident.

    Linux's own figure for it: `ru_maxrss` starts a new program at what its parent had.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    gc.collect()
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def _night(side: str, world: Path, folder: Path, date: datetime.date, threads: int) -> Callable[[], object]:
    """A whole night, after a very small one that loads what either side loads once a process."""
    small = folder.parent / "small"
    if side == "ours":
        from tests.bench import ours

        ours.whole_night(small, folder.with_name(f"{folder.name}-first"), date, threads)
        return lambda: ours.whole_night(world, folder, date, threads)
    from tests.bench import peer

    peer.whole_night(_file(small, date), folder.with_name(f"{folder.name}-first"), date, threads)
    return lambda: peer.whole_night(_file(world, date), folder, date, threads)


def _judging(
    side: str, book: str, world: Path, folder: Path, date: datetime.date, threads: int
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Judging from memory, and writing what it found last for the comparison."""
    folder.mkdir(exist_ok=True)
    target = folder / f"{book}.parquet"
    if side == "ours":
        from tests.bench import ours

        rules, found = ours.bench_rules(), []
        frames = ours.clean_frames(world, folder / book, date, only_closed=book == "closed")

        def judge() -> None:
            found[:] = ours.judge(frames, rules, date, threads)

        return judge, lambda: pq.write_table(ours.one_table(found), target)
    from tests.bench import peer

    database = peer.connect(date, threads)
    peer.load_clean(database, _file(world, date), only_closed=book == "closed")
    return lambda: peer.judge(database), lambda: pq.write_table(peer.judged_table(database), target)


def _file(world: Path, date: datetime.date) -> Path:
    return world / "base" / f"{date}.parquet"


if __name__ == "__main__":
    side, job, threads, world, folder, date, repeat = sys.argv[1:]
    result = main(side, job, int(threads), Path(world), Path(folder), datetime.date.fromisoformat(date), int(repeat))
    sys.stdout.write(json.dumps(result))
