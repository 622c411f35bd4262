"""The real flow, killed in a process of its own in every stage and run again with the real command."""

import json
import multiprocessing
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from tasks.settings import CHECKOUT
from tests.crashes.book import NAME, NIGHTS, make_home
from tests.crashes.databases import SqliteFile
from tests.crashes.promises import broken_promises
from tests.crashes.stage import Stage
from tests.flows.dying import die, prepare
from tests.flows.prefect_server import Server
from tests.plain_nights import forget, run_plainly, use_home

TWICE = (
    ("open_night", "validate", "rescore", "audit", "publish", "notify"),
    ("pull", "accept", "rescore", "decide", "publish", "report"),
)
"""The stages in which two nights are killed, one after the other: every stage at least once."""
SEED = 20261124
COMMAND = ["nightly", "--portfolio", NAME, "--business-date", str(NIGHTS[1])]
RUN_SECONDS = 120


class Scene:
    """A copy of the book on the eve of its second night, and the runs of that night."""

    def __init__(self, root: Path, name: str, server: Server, pool: ProcessPoolExecutor) -> None:
        folder = root / name
        self.pool = pool
        self.stage = Stage(folder, SqliteFile(folder / "data", folder / "copy"))
        shutil.copytree(root / "eve", self.stage.data)
        self.environment = server.environment(REINSTATE_HOME=str(root / "home"), REINSTATE_DATA=str(self.stage.data))

    def dies(self, where: str) -> bool:
        """Run the night in a process that has imported everything but the stages, and that dies there."""
        ended = self.pool.submit(die, where, self.environment, COMMAND).result(RUN_SECONDS)
        assert ended.error == ""
        return ended.was_killed

    def run(self) -> None:
        """Run the night with the real command."""
        command = [sys.executable, "-m", "flows.command_line", *COMMAND]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def digest(self) -> str:
        with self.stage.left() as left:
            assert broken_promises(left) == []
            return left.found().digest


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home, and the data directory of its book after the first night."""
    folder = tmp_path_factory.mktemp("killed")
    make_home(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, folder / "eve", folder / "home")
        run_plainly(NAME, NIGHTS[0])
    forget()
    return folder


def killed_and_run_again(scene: Scene, kills: list[str]) -> str:
    """What is left when a night is killed at some points, one after the other, and then run; its digest."""
    for kill in kills:
        assert scene.dies(kill), f"nobody came to {kill} of {kills}"
        with scene.stage.left() as left:
            assert broken_promises(left) == [], f"after {kill} of {kills}"
    scene.run()
    return scene.digest()


@pytest.fixture(scope="module")
def dying(server: Server) -> Iterator[ProcessPoolExecutor]:
    """Two processes, each started afresh and alone when it forks, whose children die."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context, prepare, (server.environment(),)) as pool:
        yield pool


@pytest.fixture(scope="module")
def unkilled(root: Path, server: Server, dying: ProcessPoolExecutor) -> str:
    """The digest of the book after a second night that nobody killed; its points are counted beside it."""
    scene = Scene(root, "unkilled", server, dying)
    assert not scene.dies(f"count:{root / 'points.json'}")
    return scene.digest()


def test_killed_in_every_stage_and_run_again_with_the_real_command(
    root: Path, server: Server, dying: ProcessPoolExecutor, unkilled: str
) -> None:
    points = json.loads((root / "points.json").read_text())
    chance = random.Random(SEED)
    plans = [[f"{stage}:{chance.randint(1, len(points[stage]))}" for stage in stages] for stages in TWICE]
    with ThreadPoolExecutor(2) as pool:
        found = [
            pool.submit(killed_and_run_again, Scene(root, f"killed-{number}", server, dying), kills)
            for number, kills in enumerate(plans)
        ]
        digests = [each.result() for each in found]
    assert digests == [unkilled] * 2, f"seed {SEED}: {plans}"


def test_a_cancelled_run_ends_between_chunks_is_not_green_and_goes_on_when_it_is_run_again(
    root: Path, server: Server, client: SyncPrefectClient, dying: ProcessPoolExecutor, unkilled: str
) -> None:
    scene = Scene(root, "cancelled", server, dying)
    before = {run.id for run in client.read_flow_runs()}
    points = json.loads((root / "points.json").read_text())["publish"]
    in_a_chunk = next(number for number, point in enumerate(points, 1) if point.startswith("INSERT INTO notices"))
    assert scene.dies(f"publish:{in_a_chunk}:SIGTERM")
    runs = [run for run in client.read_flow_runs() if run.id not in before]
    assert runs
    assert {run.state_name for run in runs} == {"Crashed"}
    with scene.stage.left() as left:
        assert broken_promises(left) == []
        assert left.rows["runs"][-1]["status"] == "planned"
    scene.run()
    assert scene.digest() == unkilled
