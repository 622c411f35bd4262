"""Commands given at the same moment, each in a process of its own; who is let in can be made to wait for the others."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

from schemas.errors import NightRefused, NoticesOutstanding
from tasks import nights
from tests.crashes.children import Child, ChildFailed, fork
from tests.plain_nights import forget

Act = Callable[[], object]
HOLDS = "holds"
SILENT_SECONDS = 120
HERE = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Said:
    """What became of one of the commands."""

    process: int
    was_refused: bool
    words: str
    was_let_in: bool


def at_once(*acts: Act, until_all_are_heard: bool = False) -> list[Said]:
    """Give commands at one moment and return what became of each.

    Args:
        acts: the commands.
        until_all_are_heard: who is let in goes no further until all others have been let in too, or have ended.
    """
    forget()
    barrier = HERE.Barrier(len(acts))
    return _ended([_start(act, barrier, waits=until_all_are_heard) for act in acts])


def while_held(act: Act, *others: Act) -> tuple[Said, list[Said]]:
    """Give a command and, as soon as it is let in and while it goes no further, others at one moment.

    Returns:
        What became of it, and of each of the others.
    """
    forget()
    holder = _start(act, HERE.Barrier(1), waits=True)
    _heard(holder[1])
    said = at_once(*others)
    holder[1].send(None)
    return _ended([holder])[0], said


def _start(act: Act, barrier: Barrier, *, waits: bool) -> tuple[Child, Connection]:
    here, there = HERE.Pipe()
    return fork(lambda _: _give(act, barrier, there, waits=waits)), here


def _heard(pipe: Connection) -> str:
    assert pipe.poll(SILENT_SECONDS), "a process says nothing"
    words: str = pipe.recv()
    return words


def _ended(started: list[tuple[Child, Connection]]) -> list[Said]:
    """Hear everybody, let those go on who wait, and wait for all."""
    holders = [pipe for _, pipe in started if _heard(pipe) == HOLDS]
    for pipe in holders:
        pipe.send(None)
    ended = [child.wait() for child, _ in started]
    if errors := [each.error for each in ended if each.error]:
        raise ChildFailed("\n".join(errors))
    return [Said(child.process, *each.answer) for (child, _), each in zip(started, ended, strict=True)]


def _give(act: Act, barrier: Barrier, told: Connection, *, waits: bool) -> tuple[bool, str, bool]:
    """Give a command in this process, once all are ready to: whether it was refused, with which words, and let in."""
    forget()
    let_in = []
    take_writer = nights.take_writer

    def taking(*arguments: Any) -> Any:
        writer = take_writer(*arguments)
        let_in.append(writer.epoch)
        if waits:
            told.send(HOLDS)
            told.recv()
        return writer

    nights.take_writer = taking
    barrier.wait()
    refusal = ""
    try:
        act()
    except NightRefused as refused:
        refusal = str(refused)
    except NoticesOutstanding:
        pass  # it is done; somebody else was sending notices meanwhile
    told.send("ended")
    forget()
    return bool(refusal), refusal, bool(let_in)
