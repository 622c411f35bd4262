"""Stage: nothing is published that does not add up."""

from schemas.handles import Plan
from tasks import planning
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def audit(plan: Plan) -> Plan:
    """Check that the counts of the night add up, and let the plan through."""
    tell(StageBegins("audit"))
    planning.check_counts(plan)
    return plan
