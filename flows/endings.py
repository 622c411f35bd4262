"""How a run or a command ends: green only if every effect is final, otherwise with what waits, and for whom."""

from schemas.errors import NightHeld, NoticesOutstanding
from schemas.handles import NightResult
from schemas.vocabulary import Outcome


def refuse_held(result: NightResult) -> None:
    """End what came to a night that waits for people: it is not green, and no later night may pass it.

    Raises:
        NightHeld: the night is held.
    """
    if result.outcome is Outcome.HELD:
        raise NightHeld(
            f"{result.business_date} is {result.message}. `reinstate held` shows its plan; release or discard it. "
            f"Report: {result.report}" + f". {result.outstanding}" * bool(result.outstanding)
        )


def refuse_outstanding(words: str, done: str = "") -> None:
    """End what is done, and whose effects are not all final.

    Args:
        words: how many notices wait, and why; none where none do.
        done: what is done, if that is not said yet.

    Raises:
        NoticesOutstanding: notices still wait.
    """
    if words:
        raise NoticesOutstanding(f"{done}. {words}" if done else words)
