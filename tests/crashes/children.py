"""Work in forked processes: what it came to, or how it died."""

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Never

Tell = Callable[[str], None]
"""Says a few words that outlive whoever says them."""


class ChildFailed(AssertionError):
    """The work of a child ended in an error; its trace is the message."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: killed or asked to end, at the point that it named, or with an answer or an error."""

    was_killed: bool
    point: str = ""
    answer: Any = None
    error: str = ""


@dataclass(frozen=True)
class Child:
    """A child that works."""

    process: int
    source: int

    def wait(self) -> Ended:
        """Wait until it has ended."""
        with os.fdopen(self.source, "rb") as source:
            said = source.read()
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        if status in (-signal.SIGKILL, -signal.SIGTERM):
            return Ended(was_killed=True, point=said.decode())
        if status:
            return Ended(was_killed=False, error=f"ended with status {status}, saying {said[-2000:]!r}")
        return pickle.loads(said)

    def until_stopped(self) -> None:
        """Wait until it is frozen.

        Raises:
            ChildFailed: it ended instead.
        """
        _, status = os.waitpid(self.process, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise ChildFailed(f"was to be frozen, and ended with {status}")

    def go_on(self) -> None:
        os.kill(self.process, signal.SIGCONT)


def fork(work: Callable[[Tell], Any]) -> Child:
    """Start `work` in a child; it is given a function with which to say its last words."""
    source, sink = os.pipe()
    process = os.fork()
    if not process:
        os.close(source)
        _work_and_end(work, sink)
    os.close(sink)
    return Child(process, source)


def in_child(work: Callable[[Tell], Any]) -> Ended:
    """Do `work` in a child and wait for it."""
    return fork(work).wait()


def _work_and_end(work: Callable[[Tell], Any], sink: int) -> Never:
    try:
        ended = Ended(was_killed=False, answer=work(lambda words: os.write(sink, words.encode())))
    except BaseException:  # noqa: BLE001 - whatever it is, it ends here
        ended = Ended(was_killed=False, error=traceback.format_exc())
    with os.fdopen(sink, "wb") as file:
        pickle.dump(ended, file)
    os._exit(0)
