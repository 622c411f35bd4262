"""Stage: hold the snapshot against its contract, partition by partition, then as a whole."""

from schemas.handles import Accepted, Partition, Run, Snapshot, Validated
from tasks import nights, snapshots
from tasks.progress import LinesDone, tell
from tasks.stages import stage


@stage
def validate(run: Run, partition: Partition) -> Validated:
    """Check every row of one partition; bad rows are listed, not dropped in silence."""
    found = snapshots.validate_partition(run, nights.portfolio_of(run.portfolio), nights.rules_of(run), partition)
    tell(LinesDone(partition.row_count))
    return found


@stage
def accept(run: Run, snapshot: Snapshot, validated: list[Validated]) -> Accepted:
    """Find repeated ids across partitions and refuse a snapshot with too many bad rows."""
    return snapshots.accept_snapshot(run, nights.portfolio_of(run.portfolio), nights.rules_of(run), snapshot, validated)
