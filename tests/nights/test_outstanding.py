"""Notices that could not be handed over: whoever comes next relays them, and nobody is told that all is final before."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands, main
from schemas.errors import NightHeld, NightRefused, NoticesOutstanding
from schemas.vocabulary import Audience, Outcome, RunStatus
from tasks import nights, outbox, publishing
from tasks.channels import FileChannel
from tasks.nights import store_of
from tasks.reruns import published_before
from tasks.writers import RELAY, take_writer
from tests.nights.tiny import NAME, NIGHTS, tiny_eve
from tests.plain_nights import finish_plainly, forget, plan_plainly, run_again, run_plainly

BEFORE, NIGHT, NEXT = NIGHTS[1:4]


@pytest.fixture
def data(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data directory of the book after two nights, all of whose notices were handed over."""
    eve = tiny_eve(tmp_path_factory.getbasetemp(), 2)
    eve.use(tmp_path / "data", monkeypatch)
    home = shutil.copytree(eve.home, tmp_path / "home", symlinks=True)
    monkeypatch.setenv("REINSTATE_HOME", str(home))
    change_portfolio(str(eve.home), str(home))
    forget()
    yield tmp_path / "data"
    forget()


def change_portfolio(old: str, new: str) -> None:
    path = Path(os.environ["REINSTATE_HOME"]) / "deployments" / "portfolios" / f"{NAME}.yaml"
    path.write_text(path.read_text().replace(old, new))


def put_caps() -> None:
    """Let every night be held that reopens a line, until one person has released it."""
    change_portfolio("workers: 1", "workers: 1\ncaps: {reopened_lines_max: 0, people: 1}")


def deliver_again() -> None:
    """Deliver the night again, with other rows: a revision reopens a line with another limit."""
    home = Path(os.environ["REINSTATE_HOME"])
    shutil.copy(home / "delivered_again" / f"{NIGHT}.parquet", home / "delivered")


def block(data: Path) -> None:
    """Put a file where the deliveries' folder belongs: nothing can be handed over, whoever tries."""
    (data / "deliveries").rename(data / "delivered")
    (data / "deliveries").touch()


def unblock(data: Path) -> None:
    (data / "deliveries").unlink()
    (data / "delivered").rename(data / "deliveries")


def publish_without_notices(data: Path) -> None:
    block(data)
    run_again(NAME, NIGHT)
    unblock(data)
    assert waiting()


def waiting() -> int:
    return len(store_of(NAME).select_mine("notices", is_accepted=False))


def an_open_line() -> str:
    states = store_of(NAME).select_mine("line_states")
    return next(str(state["account_id"]) for state in states if state["state"] in ("reopened", "temporary"))


def command(name: str, *words: str) -> Result:
    return CliRunner().invoke(commands, [name, *words, "--portfolio", NAME, "--reason", "why not", "--by", "ann"])


def test_a_night_that_could_not_hand_over_its_notices_says_how_many_wait_why_and_what_to_do(data: Path) -> None:
    block(data)
    result = run_again(NAME, NIGHT)
    assert result is not None
    assert (result.outcome, result.message) == (Outcome.PUBLISHED, "published")
    assert result.outstanding == (
        f"{waiting()} notices wait to be sent: Not a directory ({data}/deliveries/{NAME}/core_system). "
        f"The next run of {NAME} sends them, or `reinstate nightly --portfolio {NAME}` now"
    )


def test_while_another_process_sends_notices_it_is_said_which_one_does(data: Path) -> None:
    relay = take_writer(store_of(NAME), RELAY)
    result = run_again(NAME, NIGHT)
    relay.release()
    assert result is not None
    assert f"notices wait to be sent: {NAME}: its notices are being sent by process " in result.outstanding
    assert "nothing was written" not in result.outstanding


def test_a_night_whose_notices_were_all_handed_over_says_nothing_of_them(data: Path) -> None:
    result = run_again(NAME, NIGHT)
    assert result is not None
    assert (result.outstanding, waiting()) == ("", 0)


def test_the_page_of_a_night_says_what_is_not_accepted_yet(data: Path) -> None:
    block(data)
    run_again(NAME, NIGHT)
    page = (nights.run_directory(NAME, NIGHT) / "report.html").read_text()
    assert "notices and requests were not accepted" in page


def test_the_night_that_is_run_next_is_the_one_whose_notices_wait(data: Path) -> None:
    publish_without_notices(data)
    assert nights.nights_to_run(NAME)[:2] == [NIGHT, NEXT]
    result = run_again(NAME, NIGHT)
    assert result is not None
    assert (result.outstanding, waiting()) == ("", 0)


def test_an_older_night_that_is_brought_back_says_what_still_waits(data: Path) -> None:
    block(data)
    run_again(NAME, NIGHT)
    again = published_before(NAME, BEFORE)
    assert again is not None
    assert again.outstanding.startswith(f"{waiting()} notices wait to be sent: ")


def test_a_held_revision_hands_over_what_its_published_night_still_owes(data: Path) -> None:
    publish_without_notices(data)
    put_caps()
    deliver_again()
    assert isinstance(command("revise").exception, NightHeld)
    assert waiting() == 0


def test_a_held_revision_that_is_run_again_hands_over_what_still_waits(data: Path) -> None:
    block(data)
    run_again(NAME, NIGHT)
    put_caps()
    deliver_again()
    waits = command("revise")
    assert isinstance(waits.exception, NightHeld)
    assert "notices wait to be sent" in str(waits.exception)
    unblock(data)
    assert nights.unfinished_night(NAME) == NIGHT
    result = run_again(NAME, NIGHT)
    assert result is not None
    assert (result.outcome, result.outstanding, waiting()) == (Outcome.HELD, "", 0)


def test_a_later_night_that_is_held_hands_over_what_an_older_one_owes(data: Path) -> None:
    publish_without_notices(data)
    put_caps()
    assert run_plainly(NAME, NEXT)[1].outcome is Outcome.HELD
    assert waiting() == 0


def test_a_night_of_a_paused_portfolio_hands_over_what_was_published_before(data: Path) -> None:
    publish_without_notices(data)
    assert command("pause").exit_code == 0
    assert nights.nights_to_run(NAME) == [NIGHT, NIGHTS[-1]]
    assert run_plainly(NAME, NEXT)[1].outcome is Outcome.PAUSED
    assert waiting() == 0


def test_a_dry_run_by_hand_hands_over_nothing(data: Path) -> None:
    publish_without_notices(data)
    before = waiting()
    run_plainly(NAME, NEXT, dry_run=True)
    assert waiting() == before


def test_a_withdrawal_whose_notices_wait_is_said_to_be_done(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    block(data)
    with pytest.raises(SystemExit) as ended:
        main(["withdraw", an_open_line(), "--portfolio", NAME, "--reason", "why not"])
    shown = capfd.readouterr()
    assert ended.value.code == 1
    assert shown.out == f"Withdrawn: entry {store_of(NAME).ledger_head()[0]} of the ledger.\n"
    assert shown.err.startswith("Error: 2 notices wait to be sent: Not a directory (")


def test_a_withdrawal_is_said_to_be_done_whatever_breaks_after_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "deliver_outstanding", None)
    done = command("withdraw", an_open_line())
    assert "Withdrawn: entry " in done.output
    assert done.exception is not None


def test_a_revision_whose_notices_wait_is_said_to_be_published(data: Path) -> None:
    run_again(NAME, NIGHT)
    deliver_again()
    block(data)
    done = command("revise")
    assert f"{NIGHT}: revised, " in done.output
    assert isinstance(done.exception, NoticesOutstanding)
    assert str(done.exception).startswith(f"{waiting()} notices wait to be sent: ")


def test_a_released_night_whose_notices_wait_is_said_to_be_published(data: Path) -> None:
    put_caps()
    run_again(NAME, NIGHT)
    block(data)
    done = command("release", store_of(NAME).run(NIGHT)["plan_hash"])
    assert f"{NIGHT}: published. Report: " in done.output
    assert isinstance(done.exception, NoticesOutstanding)
    unblock(data)
    assert nights.unfinished_night(NAME) == NIGHT


def test_batches_go_out_in_the_order_of_the_ledger_and_not_of_their_names(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(data)
    run_again(NAME, NIGHT)
    command("withdraw", an_open_line())
    withdrawn = f"{NIGHT}-withdrawn-{store_of(NAME).ledger_head()[0]}"
    deliver_again()
    command("revise")
    unblock(data)
    sent: list[tuple[str, str]] = []
    deliver = FileChannel.deliver

    def note(channel: FileChannel, audience: Audience, batch: str, notices: Any) -> Path:
        sent.append((audience.value, batch))
        return deliver(channel, audience, batch, notices)

    monkeypatch.setattr(FileChannel, "deliver", note)
    outbox.relay(store_of(NAME))
    batches = (f"{NIGHT}", withdrawn, f"{NIGHT}-revision-2")
    assert sent == [(audience, batch) for audience in ("core_system", "customer") for batch in batches]


def publish_while_sending(monkeypatch: pytest.MonkeyPatch, night: Callable[[], object]) -> None:
    """Let a night happen while the first batch is handed over to the core system."""
    deliver = FileChannel.deliver

    def slowly(channel: FileChannel, *arguments: Any) -> Path:
        monkeypatch.undo()
        night()
        return deliver(channel, *arguments)

    monkeypatch.setattr(FileChannel, "deliver", slowly)


def sent(data: Path, audience: Audience, night: Any) -> bool:
    return (data / "deliveries" / NAME / audience.value / f"{night}.jsonl").exists()


def test_nothing_is_sent_of_a_night_that_begins_while_notices_are_sent_and_is_stopped(data: Path) -> None:
    def half_a_night() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(publishing, "CHUNK_LINES", 1)
            patch.setattr(publishing, "_write_counts", None)
            with pytest.raises(TypeError), nights.writing(NAME):
                finish_plainly(plan_plainly(NAME, NEXT))

    publish_without_notices(data)
    with pytest.MonkeyPatch.context() as patch:
        publish_while_sending(patch, half_a_night)
        outbox.relay(store_of(NAME))
    assert store_of(NAME).run(NEXT)["status"] == RunStatus.PLANNED
    assert sent(data, Audience.CUSTOMER, NIGHT)
    assert not sent(data, Audience.CUSTOMER, NEXT)
    assert waiting()


def test_a_night_that_is_published_while_notices_are_sent_is_sent_too_to_the_core_system_first(data: Path) -> None:
    order: list[Path] = []
    deliver = FileChannel.deliver

    def noted(channel: FileChannel, *arguments: Any) -> Path:
        order.append(deliver(channel, *arguments))
        return order[-1]

    publish_without_notices(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileChannel, "deliver", noted)
        with pytest.MonkeyPatch.context() as inner:
            publish_while_sending(inner, lambda: run_plainly(NAME, NEXT))
            delivered = outbox.relay(store_of(NAME))
    assert (waiting(), delivered.outstanding) == (0, "")
    assert [(path.parent.name, path.stem) for path in order] == [
        ("core_system", f"{NIGHT}"), ("customer", f"{NIGHT}"), ("core_system", f"{NEXT}"), ("customer", f"{NEXT}"),
    ]  # fmt: skip


def test_a_planned_night_that_cannot_go_on_does_not_keep_back_what_waits_of_earlier_ones(data: Path) -> None:
    publish_without_notices(data)
    with nights.writing(NAME):
        plan_plainly(NAME, NEXT)
    shutil.rmtree(nights.run_directory(NAME, NEXT))
    with pytest.raises(NightRefused, match="is gone"):
        run_again(NAME, NEXT)
    assert not waiting()


def test_a_published_night_whose_folder_is_gone_holds_up_no_later_one(data: Path) -> None:
    publish_without_notices(data)
    shutil.rmtree(nights.run_directory(NAME, NIGHT))
    assert nights.nights_to_run(NAME)[0] == NEXT
    run_again(NAME, NEXT)
    assert not waiting()


def test_where_nothing_is_due_what_waits_is_sent_all_the_same(data: Path) -> None:
    publish_without_notices(data)
    shutil.rmtree(nights.run_directory(NAME, NIGHT))
    for later in NIGHTS[3:]:
        (Path(os.environ["REINSTATE_HOME"]) / "delivered" / f"{later}.parquet").unlink()
    done = CliRunner().invoke(commands, ["nightly", "--portfolio", NAME])
    assert (done.exit_code, waiting()) == (0, 0)
    assert "Nothing is due for tiny" in done.output
