"""What a scheduler and people do, step by step, from an empty folder on; each step can be killed and given again."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from flows.command_line import commands
from schemas.errors import NightRefused
from schemas.vocabulary import RunStatus
from tasks import nights
from tests.crashes.book import NAME, NIGHTS, REVISED, WITHDRAWN
from tests.plain_nights import run_again

HELD = "held"


@dataclass(frozen=True)
class Step:
    """One command: of the scheduler, or by hand."""

    name: str
    do: Callable[[], object]
    may_be_refused: bool = False
    """Once it is done, whoever gives it again may be told so."""
    is_delivered_again: bool = False
    """Before it, a snapshot takes the place of an older one."""

    def again(self) -> None:
        """The same command once more, whatever became of it, and then what the scheduler does before anything else."""
        try:
            self.do()
        except NightRefused:
            if not self.may_be_refused:
                raise
        left = nights.unfinished_night(NAME)
        if left is not None:
            run_again(NAME, left)


def _night(number: int, words: str) -> Step:
    return Step(f"night {number}: {words}", lambda: run_again(NAME, NIGHTS[number - 1]), words == HELD)


def _by_hand(*words: str) -> Step:
    return Step(" ".join(words), lambda: command(*words), may_be_refused=True)


def _says(person: str, word: str, night: datetime.date) -> Step:
    """What a person says of the plan of a night, by its hash."""

    def say() -> None:
        run = nights.store_of(NAME).run(night)
        command(word, run["plan_hash"], "--by", person, "--reason", "looked at it")

    return Step(f"{word} by {person}", say, may_be_refused=True)


def _revise() -> None:
    """Correct the last night, unless that is done: a further revision would be one more, without a difference."""
    if nights.store_of(NAME).run(REVISED, RunStatus.PUBLISHED)["revision"] == nights.FIRST_REVISION:
        command("revise", "--reason", "the core system delivered again", "--by", "ann")


def command(*words: str) -> None:
    """Give a command of the book's portfolio."""
    commands.main([*words, "--portfolio", NAME], prog_name="reinstate", standalone_mode=False)


STORY = (
    Step("the store is made", lambda: nights.store_of(NAME)),
    _night(1, "appeals and campaign"),
    _night(2, "confirmed reopenings"),
    _night(3, "expiries, reclosings, reopenings"),
    Step("revise night 3", _revise, may_be_refused=True, is_delivered_again=True),
    _by_hand("withdraw", WITHDRAWN, "--reason", "the core system refuses it", "--by", "ann"),
    _by_hand("pause", "--reason", "a fault in the core system", "--by", "ann"),
    _night(4, "paused"),
    _by_hand("resume", "--reason", "mended", "--by", "ben"),
    _night(4, HELD),
    _says("ann", "release", NIGHTS[3]),
    _says("ben", "release", NIGHTS[3]),
    _night(5, HELD),
    _says("ann", "discard", NIGHTS[4]),
    _says("ben", "discard", NIGHTS[4]),
    _night(6, "after a discarded one"),
)
"""Every step follows on the one before."""
