"""Stage: judge every line of a partition that is up for judgement."""

from schemas.handles import Rescored, Run, Validated
from tasks import judgement, nights
from tasks.progress import LinesDone, tell
from tasks.stages import stage


@stage
def rescore(run: Run, validated: Validated) -> Rescored:
    """Score, answer and decide the lines of one partition and write their evidence."""
    judged = judgement.rescore_partition(run, nights.portfolio_of(run.portfolio), nights.rules_of(run), validated)
    tell(LinesDone(validated.partition.row_count))
    return judged
