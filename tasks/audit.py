"""Stage: nothing is published that does not add up, and nothing above its caps before people have looked at it."""

from schemas.handles import Accepted, Plan, Run, Settled
from tasks import nights, planning, publishing
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def audit(run: Run, accepted: Accepted, plan: Plan) -> Settled:
    """Check that the counts of the night add up and its caps hold, and set the plan down: to be published, or held."""
    tell(StageBegins("audit"))
    planning.check_counts(plan)
    return publishing.settle(run, nights.portfolio_of(run.portfolio), accepted, plan)
