"""Stage: the plan of the whole night."""

from schemas.handles import Accepted, Plan, Rescored, Run
from tasks import nights, planning
from tasks.progress import StageBegins, tell
from tasks.stages import stage


@stage
def decide(run: Run, accepted: Accepted, rescored: list[Rescored]) -> Plan:
    """Apply the night's budget across partitions and set down what will change."""
    tell(StageBegins("decide"))
    return planning.make_plan(run, nights.rules_of(run), accepted, rescored)
