"""A night's report, gathered from its evidence, its plan and the store: it can be made again for any past night."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.handles import Delivered, NightResult, Plan, Published, Run, Settled
from schemas.portfolio import Portfolio
from schemas.report import (
    Breakdown,
    Counts,
    DeliveryTally,
    PastNight,
    Report,
    ScoreBucket,
    Tally,
    TransitionRow,
)
from schemas.vocabulary import REVERSE, Decision, Outcome, Route
from tasks.ledger_entries import still_standing
from tasks.nights import FIRST_REVISION, PAGE_NAME, reasons_of, rules_of, store_of
from tasks.planning import evidence_tables
from tasks.publishing import counts_of
from tasks.report_page import render_page
from tasks.whole_files import write_text

REOPENED = (Decision.REOPEN.value, Decision.REOPEN_TEMPORARILY.value)
BUCKETS = 16


class _Tallies:
    """Counts over the evidence, one partition at a time, so that memory does not grow with the book."""

    def __init__(self) -> None:
        self.by: dict[str, Counter[tuple[str, str]]] = {
            name: Counter() for name in ("cause", "customer_segment", "product_code")
        }
        self.steps: Counter[str] = Counter()
        self.reasons: dict[str, Counter[str]] = {Decision.KEEP_CLOSED.value: Counter(), Decision.REFER.value: Counter()}
        self.scores: Counter[tuple[int, bool]] = Counter()

    def add(self, table: pa.Table) -> None:
        for name, counter in self.by.items():
            for row in table.group_by([name, "decision"]).aggregate([([], "count_all")]).to_pylist():
                counter[row[name] or "unknown", row["decision"]] += row["count_all"]
        self.steps.update(_counted(table["step"]))
        for decision, counter in self.reasons.items():
            lines = table.filter(pc.equal(table["decision"], decision))
            counter.update(_counted(pc.list_flatten(lines["reasons"])))
        opened = pc.is_in(table["decision"], value_set=pa.array(REOPENED))
        pairs = pa.table({"score": table["score"], "opened": opened})
        for row in pairs.group_by(["score", "opened"]).aggregate([([], "count_all")]).to_pylist():
            self.scores[row["score"], row["opened"]] += row["count_all"]


def gather_report(settled: Settled, portfolio: Portfolio, published: Published) -> Report:
    """Everything that the night's page says."""
    run, accepted, plan = settled.run, settled.accepted, settled.plan
    policy = rules_of(run).policy
    tallies = _Tallies()
    for table in evidence_tables(run, plan):
        tallies.add(table)
    transitions = list(_transitions(settled, published))
    spending = [row for row in transitions if row.decision in REOPENED and row.route != Route.APPEAL]
    texts = reasons_of(portfolio)
    named = {*tallies.reasons[Decision.KEEP_CLOSED], *tallies.reasons[Decision.REFER]}
    named |= {code for row in transitions for code in row.reasons}
    budget = policy.nightly_budget
    taken_back, made = changes_of(plan)
    return Report(
        portfolio=run.portfolio,
        title=portfolio.title,
        currency=portfolio.currency,
        business_date=run.business_date,
        revision=run.revision,
        outcome=published.outcome,
        findings=settled.findings,
        policy=policy.policy,
        policy_version=policy.version,
        policy_hash=run.policy_hash,
        snapshot_hash=accepted.content_hash,
        plan_hash=plan.plan_hash,
        code_version=run.code_version,
        taken_back_count=taken_back,
        made_count=made,
        ledger_head=published.ledger_head,
        counts=Counts(
            rows=plan.row_count,
            judged=plan.judged_count,
            not_up_for_judgement=plan.not_up_count,
            quarantined=plan.quarantined_count,
            pending_activation=plan.pending_activation_count,
            decisions=plan.decisions,
        ),
        reopened_limit_cents=sum(row.limit_cents or 0 for row in transitions if row.decision in REOPENED),
        budget_lines=budget.lines if budget else None,
        budget_limit_cents=budget.limit_cents if budget else None,
        budget_lines_spent=len(spending),
        budget_limit_cents_spent=sum(row.limit_cents or 0 for row in spending),
        by_cause=_breakdown(tallies.by["cause"]),
        by_segment=_breakdown(tallies.by["customer_segment"]),
        by_product=_breakdown(tallies.by["product_code"]),
        steps=_ranked(tallies.steps),
        reasons=_ranked(tallies.reasons[Decision.KEEP_CLOSED]),
        review_queue=_ranked(tallies.reasons[Decision.REFER]),
        quarantine=_ranked(Counter(accepted.failures)),
        exceptions=_ranked(Counter({name: count for name, count in plan.exceptions.items() if count})),
        scores=_buckets(tallies.scores),
        transitions=tuple(transitions),
        deliveries=tuple(_deliveries(run)) if published.outcome is Outcome.PUBLISHED else (),
        reason_texts={code: getattr(texts[code], portfolio.language).means for code in sorted(named)},
        nights=tuple(_nights(settled, published)),
    )


def write_report(run: Run, report: Report, templates: Path) -> Path:
    """Write a night's page, the same for machines, and the list of its transitions; return the page."""
    page = run.directory / PAGE_NAME
    write_text(run.directory / "transitions.csv", transitions_csv(run))
    write_text(run.directory / "report.json", report.model_dump_json(indent=1))
    write_text(page, render_page(report, templates))
    return page


def result_of(
    settled: Settled, published: Published, page: Path, delivered: Delivered, warnings: tuple[str, ...]
) -> NightResult:
    """What a night ends with, for a person and for whoever started it."""
    published_words = "published"
    if settled.run.revision > FIRST_REVISION:
        back, made = changes_of(settled.plan)
        published_words = f"revised, {back:,} transition{'' if back == 1 else 's'} taken back and {made:,} made"
    words = {
        Outcome.PUBLISHED: published_words,
        Outcome.DRY_RUN: "dry run, nothing was published",
        Outcome.PAUSED: "the portfolio is paused, nothing was published",
        Outcome.HELD: f"held, nothing was published: {'; '.join(settled.findings)}",
    }
    return NightResult(
        portfolio=settled.run.portfolio,
        business_date=settled.run.business_date,
        outcome=published.outcome,
        message=words[published.outcome],
        report=page,
        counts=counts_of(settled.plan),
        warnings=warnings,
        outstanding=delivered.outstanding,
    )


def changes_of(plan: Plan) -> tuple[int, int]:
    """How many transitions a plan takes back, and how many it makes."""
    written = pq.read_table(plan.path, columns=["decision"])["decision"].to_pylist()
    back = written.count(REVERSE)
    return back, len(written) - back


def transitions_csv(run: Run) -> str:
    """Every transition of a night with its account, for the people who may see it; formulas are made inert."""
    table = pq.read_table(run.directory / "plan.parquet")
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    names = [
        "account_id",
        "decision",
        "step",
        "route",
        "campaign",
        "cause",
        "score",
        "limit_cents",
        "valid_until",
        "reasons",
    ]
    writer.writerow(names)
    for row in table.select(names).to_pylist():
        row["reasons"] = " ".join(row["reasons"])
        writer.writerow([_inert(row[name]) for name in names])
    return sink.getvalue()


def _inert(value: object) -> object:
    """A spreadsheet takes text that starts like a formula for one; a leading quote makes it text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _counted(values: pa.ChunkedArray) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in pc.value_counts(values).to_pylist() if row["values"] is not None}


def _ranked(counter: Counter[str]) -> tuple[Tally, ...]:
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Tally(word=word, lines=lines) for word, lines in ranked)


def _breakdown(counter: Counter[tuple[str, str]]) -> tuple[Breakdown, ...]:
    words = sorted({word for word, _ in counter})
    rows = []
    for word in words:
        decided = {decision: count for (each, decision), count in counter.items() if each == word}
        rows.append(
            Breakdown(
                word=word,
                judged=sum(decided.values()),
                reopened=sum(decided.get(decision, 0) for decision in REOPENED),
                kept_closed=decided.get(Decision.KEEP_CLOSED.value, 0),
                referred=decided.get(Decision.REFER.value, 0),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.judged))


def _buckets(scores: Counter[tuple[int, bool]]) -> tuple[ScoreBucket, ...]:
    """Scores in at most 16 buckets of equal, round width."""
    if not scores:
        return ()
    low, high = min(score for score, _ in scores), max(score for score, _ in scores)
    widths = [width * 10**power for power in range(7) for width in (1, 2, 5)]
    width = next(width for width in widths if (high // width) - (low // width) < BUCKETS)
    buckets = range(low // width * width, high + 1, width)
    found: Counter[tuple[int, bool]] = Counter()
    for (score, opened), count in scores.items():
        found[score // width * width, opened] += count
    return tuple(
        ScoreBucket(from_score=start, reopened=found[start, True], not_reopened=found[start, False])
        for start in buckets
    )


def _transitions(settled: Settled, published: Published) -> Iterator[TransitionRow]:
    """All that the night decided to change, with the numbers of the entries that stand for it."""
    run, store = settled.run, store_of(settled.run.portfolio)
    rows = pq.read_table(settled.plan.decided).to_pylist()
    if run.revision > FIRST_REVISION:
        is_published = published.outcome is Outcome.PUBLISHED
        entries = store.select_mine("ledger", business_date=run.business_date) if is_published else []
        numbers = {(entry["account_id"], entry["decision"]): entry["sequence"] for entry in still_standing(entries)}
        sequences = [numbers.get((row["account_id"], row["decision"])) for row in rows]
    else:
        known = store.run(run.business_date, revision=run.revision)
        first = (known["planned_sequence"] if known and known["plan_hash"] else store.ledger_head()[0]) + 1
        sequences = [*range(first, first + len(rows))]
    for sequence, row in zip(sequences, rows, strict=True):
        kept = {name: row[name] for name in TransitionRow.model_fields if name != "sequence"}
        yield TransitionRow(sequence=sequence, **{**kept, "reasons": tuple(row["reasons"])})


def _deliveries(run: Run) -> Iterator[DeliveryTally]:
    owed = store_of(run.portfolio).select_mine("notices", "audience", "kind", "is_accepted", batch=run.directory.name)
    counts: Counter[tuple[str, str]] = Counter((notice["audience"], notice["kind"]) for notice in owed)
    accepted = Counter((notice["audience"], notice["kind"]) for notice in owed if notice["is_accepted"])
    for (audience, kind), count in sorted(counts.items()):
        yield DeliveryTally(audience=audience, kind=kind, owed=count, accepted=accepted[audience, kind])


def _nights(settled: Settled, published: Published) -> Iterator[PastNight]:
    run, plan = settled.run, settled.plan
    past = [
        (known["business_date"], known["counts"]) for known in store_of(run.portfolio).runs_published(run.business_date)
    ]
    if published.outcome is not Outcome.PUBLISHED:
        past.append((run.business_date, {"judged": plan.judged_count, **plan.decisions}))
    for business_date, counts in past:
        yield PastNight(
            business_date=business_date,
            judged=counts["judged"],
            reopened=sum(counts.get(decision, 0) for decision in REOPENED),
            closed_again=counts.get(Decision.RECLOSE.value, 0) + counts.get(Decision.EXPIRE.value, 0),
        )
