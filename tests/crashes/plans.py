"""Plans of kills, and playing them: killed, looked at, given again, compared, given once more."""

import contextlib
import os
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.crashes.children import Ended, Tell, in_child
from tests.crashes.kill_points import END, Reached, instrument, kill_at
from tests.crashes.promises import broken_promises
from tests.crashes.stage import Stage
from tests.crashes.story import STORY
from tests.crashes.warming import settle_down, warm
from tests.plain_nights import forget

Bug = Callable[[], None]


@dataclass(frozen=True)
class Plan:
    """Where to begin in the story, and at which points to kill: the first run, the one that resumes it, and so on.

    A run that ends before its point is reached has ended well, and the next kill is in the step after it.
    """

    step: int
    points: tuple[int, ...]

    @classmethod
    def drawn(cls, seed: str, points: list[list[str]]) -> Self:
        """Two to four kills; the same seed gives the same plan."""
        chance = random.Random(seed)
        step = chance.choices(range(len(STORY)), [len(names) for names in points])[0]
        kills = chance.randint(2, 4)
        return cls(step, tuple(chance.randint(1, len(points[step])) for _ in range(kills)))

    @classmethod
    def parse(cls, text: str) -> Self:
        step, _, points = text.partition(":")
        return cls(int(step), tuple(int(point) for point in points.split(",") if point))

    def __str__(self) -> str:
        return f"{self.step}:{','.join(map(str, self.points))}"


@dataclass(frozen=True)
class Played:
    """What came of a plan: where it really killed, everything that was wrong, and whether it was a case of its own."""

    plan: Plan
    killed_at: tuple[str, ...]
    faults: tuple[str, ...]
    is_new: bool = True

    def __str__(self) -> str:
        kills = "; ".join(self.killed_at) or "nowhere"
        faults = "\n".join(f"    {fault}" for fault in self.faults)
        return f"plan {self.plan}, killed at {kills}\n{faults}"


class Performance:
    """One plan being played on a stage, from the beginning of its first step."""

    def __init__(self, stage: Stage, plan: Plan, bug: Bug | None = None) -> None:
        self.stage = stage
        self.plan = plan
        self.bug = bug
        self.step = plan.step
        self.killed_at: list[str] = []
        self.faults: list[str] = []

    def play(self) -> Played:
        """Play all of it; stop at the first thing that is wrong."""
        self.stage.restore(self.step)
        is_first = True
        for point in self.plan.points:
            ended = self._run(STORY[self.step].do if is_first else STORY[self.step].again, point)
            is_first = not ended.was_killed
            if ended.was_killed:
                self._note_kill(ended)
                if self.faults:
                    break
            elif self.faults or not self._goes_on():
                break
        for words in ("given again", "given once more"):
            self._give_again(words)
        return Played(self.plan, tuple(self.killed_at), tuple(self.faults))

    def play_once(self) -> Played:
        """Kill once, and go on only from what no kill has left before: from what is left alike it goes on alike.

        So it is given again only once: it ends as the unkilled step, which was given again and once more by then.
        """
        self.stage.restore(self.step)
        ended = self._run(STORY[self.step].do, *self.plan.points)
        if not ended.was_killed:
            self.faults.append(f"{self._where()}: nobody came to point {self.plan}")
            return Played(self.plan, (), tuple(self.faults))
        state = self._note_kill(ended, is_only=True)
        if state is not None:
            self._give_again("given again")
            if not self.faults and not self.bug:
                self.stage.seen.add(state)
        return Played(self.plan, tuple(self.killed_at), tuple(self.faults), is_new=state is not None)

    def _run(self, act: Callable[[], object], point: int | None = None) -> Ended:
        """Run something that may die, in a child."""
        ended = run_on(self.stage, act, None if point is None else lambda tell: kill_at(point, tell), self.bug)
        if ended.error:
            self.faults.append(f"{self._where()}: {ended.error}")
        return ended

    def _give_again(self, words: str) -> None:
        """Run the step again and compare; in this process, as nobody is to die: a fork costs more than all it would do."""
        if self.faults:
            return
        if self.bug:
            self._run(STORY[self.step].again)
        else:
            try:
                act_on(self.stage, STORY[self.step].again)
            except Exception:  # noqa: BLE001 - whatever it is, it is told with the plan
                self.faults.append(f"{self._where()}, {words}: {traceback.format_exc()}")
        self._compare(words)

    def _note_kill(self, ended: Ended, *, is_only: bool = False) -> tuple[int, str] | None:
        """Look at what was left; after the only kill, returns a name for it, or None if it was seen before."""
        self.killed_at.append(f"{self._where()}, {ended.point}")
        with self.stage.left() as left:
            state = (self.step, left.state() if is_only else "")
            # What the program as it is has gone on from well says nothing of one with a bug.
            if self.bug is None and state in self.stage.seen:
                return None
            self.faults += [f"left by the kill: {fault}" for fault in broken_promises(left)]
        return state

    def _goes_on(self) -> bool:
        """A step that ended well is compared; then the next one follows, if there is one."""
        self._compare("unkilled")
        if self.faults or self.step + 1 == len(STORY):
            return False
        self.step += 1
        if STORY[self.step].is_delivered_again:
            self.stage.deliver_again()
        return True

    def _compare(self, words: str) -> None:
        if self.faults:
            return
        with self.stage.left() as left:
            differences = self.stage.goldens[self.step].differences(left.found())
            faults = [*broken_promises(left), *differences]
        self.faults += [f"{self._where()}, {words}: {fault}" for fault in faults]

    def _where(self) -> str:
        return f"step {self.step} ({STORY[self.step].name})"


def rehearse(stage: Stage) -> None:
    """Play the story once without a kill: keep the beginning of every step, its points, and what it leaves.

    Every step is given again and once more: that changes nothing.
    """
    for number, step in enumerate(STORY):
        if step.is_delivered_again:
            stage.deliver_again()
        stage.keep(number)
        names, marks = points_of(stage, step.do)
        stage.points.append(names)
        stage.alone.append([place for place in range(1, len(names) + 1) if marks[place - 1] not in marks[: place - 1]])
        for act in (None, step.again, step.again):
            if act:
                act_on(stage, act)
            with stage.left() as left:
                found = left.found()
                stage.goldens[number:] = stage.goldens[number:] or [found]
                faults = [*broken_promises(left), *stage.goldens[number].differences(found)]
            if faults:
                raise AssertionError(f"{step.name}, unkilled: {faults}")


def points_of(stage: Stage, act: Callable[[], object], bug: Bug | None = None) -> tuple[list[str], list[int]]:
    """The names of the points of something that is done on a stage, and a mark of what lies there at each."""
    names: list[str] = []
    marks: list[int] = []

    def note(name: str) -> None:
        names.append(name)
        marks.append(stage.fingerprint())

    ended = run_on(stage, lambda: (act(), (names, marks))[1], lambda _: note, bug)
    if ended.error:
        raise AssertionError(ended.error)
    return ended.answer


def warm_up(stage: Stage) -> None:
    """Let this process read, import and compile, once for all of its children, what the story needs."""
    warm()
    stage.wipe()
    stage.enter()
    for step in STORY:
        if step.is_delivered_again:
            stage.deliver_again()
        act_on(stage, step.do)
    with stage.left() as left:
        broken_promises(left)
    stage.wipe()
    settle_down()


def act_on(stage: Stage, act: Callable[[], object]) -> Any:
    """Do something on a stage, in this process, as if it had just begun."""
    stage.enter()
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        answer = act()
    forget()
    return answer


def run_on(
    stage: Stage,
    act: Callable[[], object],
    reached: Callable[[Tell], Reached] | None = None,
    bug: Bug | None = None,
) -> Ended:
    """Do something on a stage in a child, with something to happen at every point."""

    def work(tell: Tell) -> Any:
        if bug:
            bug()
        reach = reached(tell) if reached else None
        if reach:
            instrument(reach, stage.data)
        answer = act_on(stage, act)
        if reach:
            reach(END)
        return answer

    return in_child(work)
