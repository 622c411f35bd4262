"""Stage: hand what is owed to its channels."""

from prefect import get_run_logger

from schemas.handles import Delivered, Published, Run
from tasks import outbox
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def notify(run: Run, published: Published) -> Delivered:
    """Deliver every notice that waits, this night's and any older one's, whatever came of this one; in a dry run none."""
    tell(StageBegins("notify"))
    delivered = outbox.relay_after(run, published)
    if delivered.outstanding:
        get_run_logger().warning(delivered.outstanding)
    return delivered
