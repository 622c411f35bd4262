"""Stage: make the plan true."""

from schemas.handles import Accepted, Plan, Published, Run
from tasks import nights, publishing
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def publish(run: Run, accepted: Accepted, plan: Plan) -> Published:
    """Write transitions, ledger and notices owed in one transaction; a dry run writes nothing."""
    tell(StageBegins("publish"))
    return publishing.publish_plan(run, nights.portfolio_of(run.portfolio), accepted, plan)
