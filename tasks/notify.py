"""Stage: hand what is owed to its channels."""

from schemas.handles import Delivered, Run
from tasks import nights, outbox
from tasks.channels import FileChannel
from tasks.progress import StageBegins, tell
from tasks.settings import settings
from tasks.stages import stage


@stage
def notify(run: Run) -> Delivered:
    """Deliver every notice that waits, this night's and any older one's; a dry run sends nothing."""
    tell(StageBegins("notify"))
    if run.is_dry_run:
        return Delivered(accepted_count=0, outstanding_count=0)
    channel = FileChannel(settings().data_directory / "deliveries" / run.portfolio)
    return outbox.deliver_outstanding(nights.store_of(run.portfolio), channel)
