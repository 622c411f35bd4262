"""Stage: hand what is owed to its channels."""

from schemas.handles import Delivered, Published, Run
from schemas.vocabulary import Outcome
from tasks import nights, outbox
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def notify(run: Run, published: Published) -> Delivered:
    """Deliver every notice that waits, this night's and any older one's; what is not published owes nobody a notice."""
    tell(StageBegins("notify"))
    if published.outcome is not Outcome.PUBLISHED:
        return Delivered(accepted_count=0, outstanding_count=0)
    return outbox.relay(nights.store_of(run.portfolio))
