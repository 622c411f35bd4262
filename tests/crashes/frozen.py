"""A process that is frozen in the middle of a night, is taken for dead, and goes on when others have gone on without it."""

from dataclasses import dataclass

from tests.crashes.children import Ended, fork
from tests.crashes.kill_points import instrument, stop_after, stop_at
from tests.crashes.plans import Bug, points_of, run_on
from tests.crashes.promises import broken_promises
from tests.crashes.stage import Stage
from tests.crashes.story import STORY, command

NIGHT = 2
"""The step during which it is frozen; the others play this one to its end, and the next."""
LAST, CHUNK = "DELETE FROM recoverable_nights", "INSERT INTO notices"


@dataclass(frozen=True)
class Frozen:
    """What became of everybody."""

    process: int
    others_before: str
    """The error of whoever came while nobody had taken over."""
    taken_over: str
    others: str
    itself: str
    """The error of the one that was frozen, when it went on."""
    faults: list[str]


def freeze(stage: Stage, bug: Bug | None = None, *, inside: bool = False) -> Frozen:
    """Freeze a night between two transactions, where it is about to be marked as published, or inside that of a chunk."""
    stage.restore(NIGHT)
    names, _ = points_of(stage, STORY[NIGHT].do, bug)
    first, last = (next(place for place, name in enumerate(names) if name.startswith(word)) for word in (CHUNK, LAST))
    commit = max(place for place, name in enumerate(names[:last]) if name == "commit")
    frozen = stop_at(first + 1, lambda _: None) if inside else stop_after(commit + 1)
    stage.restore(NIGHT)

    def work(tell: object) -> None:
        stage.enter()
        if bug:
            bug()
        instrument(frozen, stage.data)
        STORY[NIGHT].do()

    child = fork(work)
    child.until_stopped()
    before = run_on(stage, STORY[NIGHT].again)
    taken = run_on(stage, lambda: command("take-over"))
    others = [] if taken.error else [run_on(stage, STORY[step].again) for step in (NIGHT, NIGHT + 1)]
    child.go_on()
    ended: Ended = child.wait()
    golden = stage.goldens[NIGHT if taken.error else NIGHT + 1]
    with stage.left() as left:
        faults = [*broken_promises(left), *golden.differences(left.found())]
    said = "".join(each.error for each in others)
    return Frozen(child.process, before.error, taken.error, said, ended.error, faults)
