"""Held nights: what waits for people, and what they say of exactly one plan.

Loads no table library, so that a person on call is answered at once.
"""

import os
import pwd
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import RowMapping, select, update

from schemas import tables
from schemas.errors import NightRefused
from schemas.portfolio import Portfolio
from schemas.vocabulary import RunStatus, Verdict
from tasks.runs import now
from tasks.store import Store
from tasks.writers import Writer

NOT_HELD: Final = MappingProxyType(
    {
        RunStatus.PLANNED: "is to be published, and waits for nobody: run the night again, it goes on from there",
        RunStatus.PUBLISHED: "is published: nothing takes that back but `reinstate revise`, or `withdraw` for a single line",
        RunStatus.DISCARDED: "is discarded",
    }
)
"""How a plan stands of which people have nothing to say any more."""


@dataclass(frozen=True)
class Person:
    """Who says something: proven by the account that runs the command, or only claimed."""

    name: str
    is_proven: bool


def this_person(claimed: str | None = None) -> Person:
    """The name that is claimed, or the one of the account that runs this process."""
    number = os.geteuid()
    try:
        own = pwd.getpwuid(number).pw_name  # not from the environment, which anybody may set
    except KeyError:  # as in a container that runs as any number
        own = f"uid {number}"
    return Person(claimed or own, claimed is None or claimed == own)


def verdicts_on(store: Store, plan_hash: str) -> list[RowMapping]:
    """What people have said of a plan, oldest first."""
    approvals = tables.approvals
    query = select(approvals).where(approvals.c.portfolio == store.portfolio, approvals.c.plan_hash == plan_hash)
    with store.reading() as connection:
        return list(connection.execute(query.order_by(approvals.c.given_at)).mappings().all())


def say(
    writer: Writer, portfolio: Portfolio, plan_hash: str, verdict: Verdict, person: Person, reason: str
) -> tuple[RowMapping, int]:
    """Record what a person says of a held plan; with enough of them the plan is released or discarded.

    Args:
        writer: the portfolio's.
        portfolio: says how many people it takes.
        plan_hash: of the plan, whole; it is one run's only.
        verdict: release or discard.
        person: who says so.
        reason: why, in the person's words.

    Returns:
        The run, and how many more people it takes.

    Raises:
        NightRefused: no such plan waits, this person has said so before or is not proven where the portfolio asks for
            it, or the ledger has moved on since.
    """
    if not reason.strip():
        raise NightRefused("say why: the reason is kept with the plan")
    if portfolio.caps.people_proven and not person.is_proven:
        raise NightRefused(
            f"{writer.portfolio} takes only people who are proven, and the name {person.name} is claimed: run the command "
            "under that person's own account, without --by. Nothing was changed"
        )
    with writer.transaction() as connection:
        run = _waiting(connection, writer, plan_hash, verdict)
        approvals = tables.approvals
        key = {"portfolio": writer.portfolio, "plan_hash": plan_hash, "verdict": verdict.value}
        before = {row.person: row.is_proven for row in connection.execute(select(approvals).filter_by(**key))}
        if person.name in before:
            claimed = "" if before[person.name] else ", in a name that was only claimed"
            raise NightRefused(f"{person.name} has already said {verdict.value}{claimed}; it takes another person")
        counted = sum(is_proven or not portfolio.caps.people_proven for is_proven in before.values())
        if verdict is Verdict.RELEASE:
            _refuse_moved(connection, writer, run)
        row = {
            **key,
            "person": person.name,
            "business_date": run["business_date"],
            "revision": run["revision"],
            "is_proven": person.is_proven,
            "reason": reason,
            "given_at": now(),
        }
        connection.execute(approvals.insert(), row)
        missing = max(portfolio.caps.people - counted - 1, 0)
        if not missing:
            status = RunStatus.PLANNED if verdict is Verdict.RELEASE else RunStatus.DISCARDED
            finished = now() if verdict is Verdict.DISCARD else None
            connection.execute(_this(run).values(status=status, finished_at=finished))
    return run, missing


def _waiting(connection: Any, writer: Writer, plan_hash: str, verdict: Verdict) -> RowMapping:
    """The run whose plan is held; one that is planned may also be discarded, as long as nothing of it is published."""
    query = select(tables.runs).filter_by(portfolio=writer.portfolio, plan_hash=plan_hash)
    run: RowMapping | None = connection.execute(query.with_for_update()).mappings().first()
    if run is None:
        raise NightRefused(
            f"{writer.portfolio} has no plan with the hash {plan_hash}; `reinstate held` lists what waits, with the whole hash. "
            "Nothing was changed"
        )
    is_untouched = run["status"] == RunStatus.PLANNED and run["progress"] == 0
    if run["status"] != RunStatus.HELD and not (verdict is Verdict.DISCARD and is_untouched):
        raise NightRefused(f"the plan of {run['business_date']} {NOT_HELD[run['status']]}. Nothing was changed")
    return run


def _refuse_moved(connection: Any, writer: Writer, run: RowMapping) -> None:
    if writer.store.ledger_head(connection) != (run["planned_sequence"], run["planned_head"]):
        raise NightRefused(
            f"the ledger has moved on since {run['business_date']} was planned: discard the plan, which settles the night without "
            "any effect. Nothing was changed"
        )


def _this(run: RowMapping) -> Any:
    runs = tables.runs
    return update(runs).where(
        runs.c.portfolio == run["portfolio"],
        runs.c.business_date == run["business_date"],
        runs.c.revision == run["revision"],
    )
