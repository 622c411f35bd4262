"""What a night's report says in sentences, and the sums behind them."""

from schemas.errors import ReinstateError
from schemas.report import Report
from schemas.vocabulary import TRANSITIONS, Decision
from tasks.wording import counted, day, money, number


def decided(report: Report, *decisions: Decision) -> int:
    """How many lines have one of these decisions."""
    return sum(report.counts.decisions.get(decision, 0) for decision in decisions)


def reopened(report: Report) -> int:
    """How many lines are reopened, for good or for a time."""
    return decided(report, Decision.REOPEN, Decision.REOPEN_TEMPORARILY)


def outstanding(report: Report) -> int:
    """How many notices and requests are owed and not accepted."""
    return sum(delivery.owed - delivery.accepted for delivery in report.deliveries)


def ended_unseen(report: Report) -> int:
    """How many temporary lines came to their end without a row in the snapshot: they change, but are not judged."""
    return _changed(report, Decision.EXPIRE) - decided(report, Decision.EXPIRE)


def _changed(report: Report, decision: Decision) -> int:
    return sum(row.decision == decision for row in report.transitions)


def refuse_unless_adding_up(report: Report) -> None:
    """Stop where the rows, the decisions or the transitions of a report do not add up.

    Raises:
        ReinstateError: with what was expected and what was found.
    """
    counts = report.counts
    parts = counts.judged + counts.not_up_for_judgement + counts.quarantined
    sums = [
        ("rows are judged, not up for judgement or quarantined", counts.rows, parts),
        ("lines judged have a decision", counts.judged, sum(counts.decisions.values())),
        *(
            (f"decisions to {decision} are transitions", decided(report, decision), _changed(report, decision))
            for decision in TRANSITIONS
            if decision is not Decision.EXPIRE or ended_unseen(report) < 0
        ),
    ]
    for what, whole, found in sums:
        if whole != found:
            night = f"{report.portfolio}, {report.business_date}, revision {report.revision}"
            raise ReinstateError(f"report of {night}: {found} of {whole} {what}; the report was not written")


def headline(report: Report) -> str:
    """Say in one sentence what the night did, or for a dry run would have done."""
    opened, closed = reopened(report), decided(report, Decision.KEEP_CLOSED, Decision.REFER)
    date, lines = day(report.business_date), counted(opened, "line", "lines")
    if not report.counts.judged:
        return f"On {date}, no line was up for judgement."
    if report.is_unpublished:
        return f"On {date}, {lines} would be reopened, and {number(closed)} would stay closed."
    were, stay = _agreeing(opened, "was", "were"), _agreeing(closed, "stays", "stay")
    return f"On {date}, {lines} {were} reopened, and {number(closed)} {stay} closed."


def standfirst(report: Report) -> tuple[str, ...]:
    """Add to the headline, in sentences: what a revision changed, the limits, and the lines that were open before."""
    said = []
    if report.revision > 1:
        said.append(revised(report.taken_back_count, report.made_count, is_unpublished=report.is_unpublished))
    if reopened(report):
        come = "would come" if report.is_unpublished else "come"
        said.append(f"The limits opened {come} to {money(report.reopened_limit_cents, report.currency)}.")
    stay = decided(report, Decision.KEEP_OPEN, Decision.KEEP_TEMPORARY)
    again, ended = decided(report, Decision.RECLOSE), _changed(report, Decision.EXPIRE)
    if stay or again or ended:
        said.append(
            f"Of the lines reopened before and still watched, {number(stay)} {_agreeing(stay, 'stays', 'stay')} open, "
            f"{number(again)} {'would be' if report.is_unpublished else _agreeing(again, 'was', 'were')} closed again and "
            f"{number(ended)} {'would end' if report.is_unpublished else 'ended'} on {_agreeing(ended, 'its', 'their')} date."
        )
    return tuple(said)


def revised(taken_back: int, made: int, *, is_unpublished: bool) -> str:
    """Say what a revision changed of what its night had published."""
    if not taken_back and not made:
        return "This revision of the night decides what was published before; nothing was changed."
    back = counted(taken_back, "transition", "transitions")
    takes = ("would take", "make") if is_unpublished else ("took", "made")
    return f"This revision of the night {takes[0]} back {back} and {takes[1]} {number(made)} in their stead or anew."


def _agreeing(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def attention(report: Report) -> tuple[str, ...]:
    """Say what waits for a person or for another system; empty when nothing does."""
    waiting = (
        (decided(report, Decision.REFER), "line waits for a person", "lines wait for a person"),
        (sum(each.lines for each in report.exceptions), "line is an exception", "lines are exceptions"),
        (report.counts.quarantined, "row is in quarantine", "rows are in quarantine"),
        (outstanding(report), "notice or request was not accepted", "notices and requests were not accepted"),
    )
    return tuple(counted(count, one, many) for count, one, many in waiting if count)
