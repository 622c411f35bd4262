"""Bugs that nobody sees as long as nothing dies, each planted by a small patch into a process of its own.

Most were made by somebody: a bulk mailer that marks before it sends, an outbox beside the transaction, a lock file that
outlives its process.
"""

import dataclasses
import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select

from schemas import tables
from schemas.handles import Snapshot
from schemas.vocabulary import Audience, RunStatus
from tasks import (
    evidence,
    finishing,
    holds,
    judgement,
    ledger,
    locks,
    nights,
    opening,
    outbox,
    publishing,
    reporting,
    runs,
    store,
    writers,
)
from tasks.channels import FileChannel, _line
from tasks.settings import settings
from tasks.sources.private_copy import HANDLE_NAME


def outbox_outside_the_transaction() -> None:
    """What is owed is written after the transition, in a transaction of its own."""
    write_chunk, later = publishing._write_chunk, []

    def without_notices(writer: Any, run: Any, connection: Any, chunk: runs.Chunk) -> None:
        later.extend(chunk.notices)
        runs.publish_chunk(writer, run, connection, dataclasses.replace(chunk, notices=[]))

    def then_notices(writer: Any, *rest: Any) -> None:
        write_chunk(writer, *rest)
        with writer.transaction() as connection:
            writer.insert(connection, tables.notices, later)
        later.clear()

    publishing.publish_chunk, publishing._write_chunk = without_notices, then_notices


def send_before_commit() -> None:
    """A chunk's notices are sent while its transaction can still be undone."""

    def and_send(writer: Any, run: Any, connection: Any, chunk: runs.Chunk) -> None:
        runs.publish_chunk(writer, run, connection, chunk)
        channel = FileChannel(settings().data_directory / "deliveries" / run.portfolio)
        for audience in Audience:
            mine = tables.notices.c
            query = select(tables.notices).where(mine.batch == run.directory.name, mine.audience == audience.value)
            owed = connection.execute(query.order_by(mine.sequence)).mappings().all()
            channel.deliver(audience, run.directory.name, owed)

    publishing.publish_chunk = and_send


def mark_before_send() -> None:
    """Notices are marked as accepted, and then handed over."""
    deliver, accept = FileChannel.deliver, outbox._accept

    def mark_and_deliver(channel: Any, audience: Any, batch: str, notices: Any) -> Path:
        writer = writers.Writer(nights.store_of(notices[0]["portfolio"]), writers.RELAY, None, _epoch(notices))
        accept(writer, [notice["notice_id"] for notice in notices])
        return deliver(channel, audience, batch, notices)

    def _epoch(notices: Any) -> int:
        return writers.holder_of(nights.store_of(notices[0]["portfolio"]), writers.RELAY)["epoch"]

    FileChannel.deliver = mark_and_deliver


def blind_retry() -> None:
    """Whatever is not marked is sent once more, after what was sent before."""

    def append(channel: Any, audience: Audience, batch: str, notices: Any) -> Path:
        path = channel.directory / audience.value / f"{batch}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as sink:
            sink.writelines(json.dumps(_line(notice), ensure_ascii=False) + "\n" for notice in notices)
        return path

    FileChannel.deliver = append


def missing_epoch_check() -> None:
    """Nobody looks whether another process has been let in since."""
    writers.Writer._refuse_superseded = lambda *_: None


def progress_mark_before_the_chunk() -> None:
    """How far a plan is, is written before it is that far."""
    write_chunk = publishing._write_chunk

    def mark_first(writer: Any, run: Any, portfolio: Any, rows: Any, start: int) -> None:
        with writer.transaction() as connection:
            if runs.open_run_row(connection, writer, run)["progress"] >= start + len(rows):
                return
            _mark(connection, writer, run, start + len(rows))
        publishing.open_run_row = lambda *args: {**runs.open_run_row(*args), "progress": start}
        write_chunk(writer, run, portfolio, rows, start)
        publishing.open_run_row = runs.open_run_row

    publishing._write_chunk = mark_first


def progress_mark_after_the_chunk() -> None:
    """How far a plan is, is written in a transaction of its own."""
    write_chunk, marks = publishing._write_chunk, []

    def without_mark(writer: Any, run: Any, connection: Any, chunk: runs.Chunk) -> None:
        writer.insert(connection, tables.ledger, chunk.entries)
        writer.upsert(connection, tables.line_states, chunk.states)
        writer.insert(connection, tables.notices, chunk.notices)
        marks.append(chunk.start + len(chunk.entries))

    def then_mark(writer: Any, run: Any, *rest: Any) -> None:
        write_chunk(writer, run, *rest)
        with writer.transaction() as connection:
            while marks:
                _mark(connection, writer, run, marks.pop())

    publishing.publish_chunk, publishing._write_chunk = without_mark, then_mark


def key_with_a_timestamp() -> None:
    """A notice's key is another one every time that it is made."""
    owed = outbox.notices_owed

    def stamped(*args: Any) -> list[dict[str, Any]]:
        moment = datetime.datetime.now(datetime.UTC).isoformat()
        return [{**notice, "notice_id": f"{notice['notice_id']}-{moment}"} for notice in owed(*args)]

    publishing.notices_owed = stamped


def default_sqlite_transactions() -> None:
    """SQLite's driver begins and commits when it thinks fit."""
    store.open_engine = create_engine


def file_without_a_temporary_name() -> None:
    """A file has its final name while it is written."""
    opening.write_text = publishing.write_text = reporting.write_text = lambda path, text: path.write_text(text)


def judged_anew_on_resume() -> None:
    """Who goes on with a planned night judges it again, on a ledger that has moved on."""

    def publish_anew(name: str, business_date: datetime.date) -> Any:
        settled = nights.recall(name, business_date)
        run, portfolio = settled.run, nights.portfolio_of(name)
        evidence.write_table(
            ledger.ledger_columns(nights.store_of(name), business_date), run.directory / "ledger.parquet"
        )
        handle = (run.directory / "snapshot" / HANDLE_NAME).read_text("utf-8")
        snapshot = Snapshot.model_validate_json(handle)
        accepted, plan = judgement.judge_night(run, portfolio, nights.rules_of(run), snapshot)
        anew = settled.model_copy(update={"accepted": accepted, "plan": plan})
        return anew, publishing.publish_plan(anew, portfolio)

    finishing.publish_night = publish_anew


def published_before_its_last_chunk() -> None:
    """A run counts as published from its beginning."""
    publish = publishing._publish

    def finish_first(writer: Any, settled: Any, portfolio: Any) -> None:
        runs.finish_run(writer, settled.run)
        publish(writer, settled, portfolio)

    publishing._publish = finish_first


def released_in_two_transactions() -> None:
    """The last person's word is written, and then what follows from it."""
    say = holds.say

    def say_and_then_move(writer: Any, portfolio: Any, *rest: Any) -> Any:
        caps = portfolio.caps.model_copy(update={"people": portfolio.caps.people + 1})
        run, missing = say(writer, portfolio.model_copy(update={"caps": caps}), *rest)
        if missing == 1:
            status = RunStatus.PLANNED if rest[1] == "release" else RunStatus.DISCARDED
            with writer.transaction() as connection:
                finished = None if status is RunStatus.PLANNED else runs.now()
                connection.execute(holds._this(run).values(status=status, finished_at=finished))
        return run, missing - 1

    holds.say = say_and_then_move


def lock_that_outlives_its_process() -> None:
    """A file says who is at work, and whoever dies does not take it away."""

    class FileThatStays:
        session = None

        def __init__(self, path: Path) -> None:
            self.path = path

        def release(self) -> None:
            self.path.unlink(missing_ok=True)

    def try_file(path: Path) -> Any:
        path = path.with_suffix(".pid")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return None
        return FileThatStays(path)

    locks._try_file = try_file


def _mark(connection: Any, writer: Any, run: Any, progress: int) -> None:
    connection.execute(runs._update(writer, runs._key(run)).values(progress=progress))


@dataclasses.dataclass(frozen=True)
class Planted:
    """A bug, the step that shows it, and where in that step to kill."""

    plant: Callable[[], None]
    step: str
    after: str
    """A word in the name of the first point that may matter."""
    points: tuple[str, ...]
    """Words in the names of those after it that do."""
    caught_by: str
    """Words of the fault that the harness finds."""

    def candidates(self, names: list[str]) -> list[int]:
        """The points to try, from 1, in their order."""
        begins = next((place for place, name in enumerate(names) if self.after in name), len(names))
        places = [place for place, name in enumerate(names) if any(word in name for word in self.points)]
        return [place + 1 for place in places if place >= begins][:TRIES]


TRIES = 6
NIGHT, MADE, RELEASED = "night 2: confirmed reopenings", "the store is made", "release by ben"
CHUNK, MARK, STATUS = "INSERT INTO ledger", "UPDATE runs SET progress", "UPDATE runs SET status"
PLANTED = {
    each.plant.__name__: each
    for each in (
        Planted(outbox_outside_the_transaction, NIGHT, CHUNK, ("INSERT INTO notices",), "notices are missing"),
        Planted(send_before_commit, NIGHT, "delivery to", ("commit",), "a notice was sent that nobody owes"),
        Planted(mark_before_send, NIGHT, "UPDATE notices", ("making", "opened"), "marked accepted and were not sent"),
        Planted(blind_retry, NIGHT, "delivery to", ("UPDATE notices",), "a notice was sent 2 times"),
        Planted(progress_mark_before_the_chunk, NIGHT, MARK, (CHUNK,), "progress"),
        Planted(progress_mark_after_the_chunk, NIGHT, CHUNK, (MARK,), "progress"),
        Planted(key_with_a_timestamp, NIGHT, "delivery to", ("UPDATE notices",), "are owed by no entry"),
        Planted(default_sqlite_transactions, MADE, "CREATE", ("CREATE",), "the store has tables, and lacks"),
        Planted(file_without_a_temporary_name, NIGHT, "policy.yaml", ("opened",), "is not whole"),
        Planted(judged_anew_on_resume, NIGHT, MARK, (CHUNK,), "holds another plan"),
        Planted(published_before_its_last_chunk, NIGHT, STATUS, (CHUNK,), "progress"),
        Planted(released_in_two_transactions, RELEASED, "INSERT INTO approvals", (STATUS,), "is held, 2 released"),
        Planted(lock_that_outlives_its_process, NIGHT, CHUNK, (CHUNK,), "NightRefused"),
    )
}
"""All but one, which shows only where a process is frozen and goes on: `missing_epoch_check`."""
