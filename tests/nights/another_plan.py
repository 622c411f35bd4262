"""A night's folder with another plan than the one that was set down in the store."""

from pathlib import Path

import pyarrow.parquet as pq

from schemas.handles import Settled
from tasks.nights import SETTLED_NAME
from tasks.planning import plan_hash


def give_another_plan(folder: Path) -> None:
    """Take a transition out of the plan, as a process leaves it that was superseded while it planned, and goes on."""
    settled = Settled.model_validate_json((folder / SETTLED_NAME).read_text())
    transitions = pq.read_table(settled.plan.path).slice(1)
    pq.write_table(transitions, settled.plan.path)
    other = plan_hash(settled.run, transitions, pq.read_table(settled.plan.recoverable)["account_id"])
    plan = settled.plan.model_copy(update={"plan_hash": other})
    (folder / SETTLED_NAME).write_text(settled.model_copy(update={"plan": plan}).model_dump_json())
