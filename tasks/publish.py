"""Stage: make the plan true."""

from schemas.handles import Published, Settled
from tasks import nights, publishing
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def publish(settled: Settled) -> Published:
    """Write what the plan changes, chunk by chunk; safe to call again. A dry run or a held plan writes nothing."""
    tell(StageBegins("publish"))
    return publishing.publish_plan(settled, nights.portfolio_of(settled.run.portfolio))
