"""Publishing: a plan becomes ledger entries, line states and notices owed, in one transaction."""

from typing import Any

import pyarrow.parquet as pq

from schemas.handles import Accepted, Plan, Published, Run, Settled
from schemas.portfolio import Portfolio
from tasks.evidence import write_text
from tasks.ledger import entries_of, states_after
from tasks.nights import SETTLED_NAME, reasons_of, rules_of, store_of
from tasks.outbox import notices_owed
from tasks.settings import settings


def publish_plan(run: Run, portfolio: Portfolio, accepted: Accepted, plan: Plan) -> Published:
    """Write everything that the plan changes; for a dry run write nothing.

    What is needed to finish the night is set down before, so that whoever is killed right after can be followed.

    Raises:
        NightRefused: the night was published meanwhile, or the ledger has moved on since the plan was made.
    """
    store = store_of(run.portfolio)
    head = store.ledger_head()
    entries = entries_of(pq.read_table(plan.path).to_pylist(), run, head)
    ledger_head = entries[-1]["entry_hash"] if entries else head[1]
    published = Published(plan=plan, snapshot_hash=accepted.snapshot.content_hash, ledger_head=ledger_head)
    settled = Settled(run=run, accepted=accepted, published=published)
    write_text(run.directory / SETTLED_NAME, settled.model_dump_json(indent=1))
    if not run.is_dry_run:
        templates = settings().deployments / "templates"
        reasons_max = rules_of(run).policy.notices.reasons_max
        store.publish(
            {
                "business_date": run.business_date,
                "revision": run.revision,
                "snapshot_hash": published.snapshot_hash,
                "plan_hash": plan.plan_hash,
                "ledger_head": ledger_head,
                "counts": counts_of(plan),
            },
            entries,
            states_after(entries),
            _recoverable(run, plan),
            notices_owed(entries, portfolio, reasons_of(portfolio), reasons_max, templates),
        )
    return published


def counts_of(plan: Plan) -> dict[str, int]:
    """The counts of a night by name, as they are kept in the store."""
    return {
        "rows": plan.row_count,
        "judged": plan.judged_count,
        "not_up_for_judgement": plan.not_up_count,
        "quarantined": plan.quarantined_count,
        "pending_activation": plan.pending_activation_count,
        **plan.decisions,
    }


def _recoverable(run: Run, plan: Plan) -> list[dict[str, Any]]:
    """Lines that were recoverable tonight and did not move, with one night more than before."""
    known = pq.read_table(run.directory / "ledger.parquet", columns=["account_id", "ledger_recoverable_nights_count"])
    before = dict(zip(*(column.to_pylist() for column in known.columns), strict=True))
    return [
        {"portfolio": run.portfolio, "account_id": account, "nights": before.get(account, 0) + 1}
        for account in pq.read_table(plan.recoverable)["account_id"].to_pylist()
    ]
