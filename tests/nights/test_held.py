"""Nights above their caps: nothing happens until people release exactly that plan."""

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.errors import NightRefused
from schemas.vocabulary import Outcome
from tasks import holds, nights, publishing, reporting
from tasks.nights import store_of
from tests.nights.another_plan import give_another_plan
from tests.nights.conftest import DAY, Book
from tests.plain_nights import finish_plainly, forget, plan_plainly, run_again, run_plainly, use_home
from tests.small_book import FIRST_NIGHT, make_home, stand_in

SECOND_NIGHT = FIRST_NIGHT + DAY


@pytest.fixture
def home(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    caps = "caps: {reopened_lines_max: 0, people: 2}\n"
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", stand_in(book.world), more=caps))
    yield tmp_path
    forget()


def hold(night: datetime.date) -> str:
    """A night that is above its caps, run and held; returns the hash of its plan."""
    with nights.writing("small"):
        settled = plan_plainly("small", night)
        _, published = finish_plainly(settled)
    assert published.outcome is Outcome.HELD
    return settled.plan.plan_hash


def hold_first() -> str:
    return hold(FIRST_NIGHT)


def said(command: str, plan: str, person: str, reason: str = "looked at it") -> Result:
    arguments = [command, plan, "--portfolio", "small", "--by", person, "--reason", reason]
    return CliRunner().invoke(commands, arguments)


def release_until_it_breaks(plan: str, monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    """Two people release a plan, and publishing it stops at a function."""
    said("release", plan, "ann")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, None)
        said("release", plan, "ben")


def test_a_held_night_changes_nothing_and_says_why_on_its_page(home: Path) -> None:
    hold_first()
    assert store_of("small").ledger_head()[0] == 0
    assert store_of("small").select_mine("notices") == []
    page = (nights.run_directory("small", FIRST_NIGHT) / "report.html").read_text()
    assert "Held: nothing was published." in page
    assert "Lines reopened:" in page
    assert not (home / "data" / "deliveries").exists()


def test_a_held_night_that_was_stopped_before_it_had_its_page_gets_it_when_it_is_run_again(home: Path) -> None:
    with nights.writing("small"):
        held = publishing.publish_plan(plan_plainly("small", FIRST_NIGHT), nights.portfolio_of("small"))
    assert held.outcome is Outcome.HELD
    page = nights.run_directory("small", FIRST_NIGHT) / "report.html"
    assert not page.exists()
    assert nights.unfinished_night("small") == FIRST_NIGHT
    run_again("small", FIRST_NIGHT)
    assert "Held: nothing was published." in page.read_text()
    assert nights.unfinished_night("small") is None


def test_a_released_night_that_was_stopped_before_its_page_was_written_anew_gets_it_when_it_is_run_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = hold_first()
    release_until_it_breaks(plan, monkeypatch, reporting, "write_report")
    assert store_of("small").last_published() == FIRST_NIGHT
    assert nights.unfinished_night("small") == FIRST_NIGHT
    run_again("small", FIRST_NIGHT)
    assert "Held: nothing" not in (nights.run_directory("small", FIRST_NIGHT) / "report.html").read_text()


def test_a_held_night_blocks_the_later_ones(home: Path) -> None:
    hold_first()
    with pytest.raises(NightRefused, match=f"{FIRST_NIGHT} is held: it comes first"):
        run_plainly("small", SECOND_NIGHT)


def test_the_list_of_held_nights_names_plan_and_finding(home: Path) -> None:
    plan = hold_first()
    shown = CliRunner().invoke(commands, ["held", "--portfolio", "small"]).output
    assert f"{FIRST_NIGHT}, revision 1: plan {plan}" in shown
    assert "held because of lines reopened" in shown
    assert "takes 2 people" in shown


def test_two_different_people_release_exactly_the_stored_plan(home: Path, book: Book) -> None:
    plan = hold_first()
    assert "takes another person" in said("release", plan, "ann").output
    assert store_of("small").ledger_head()[0] == 0
    again = said("release", plan, "ann")
    assert isinstance(again.exception, NightRefused)
    done = said("release", plan, "ben")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "published" in done.output
    assert store_of("small").ledger_head()[1] == book.nights[0][1].ledger_head
    assert (home / "data" / "deliveries" / "small" / "customer" / f"{FIRST_NIGHT}.jsonl").exists()


def test_another_hash_releases_nothing(home: Path) -> None:
    plan = hold_first()
    refused = said("release", plan[:-1] + ("0" if plan[-1] != "0" else "1"), "ann")
    assert isinstance(refused.exception, NightRefused)
    assert "has no plan with the hash" in str(refused.exception)


def test_a_plan_that_was_altered_is_not_released(home: Path) -> None:
    plan = hold_first()
    path = nights.run_directory("small", FIRST_NIGHT) / "plan.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    refused = said("release", plan, "ann")
    assert isinstance(refused.exception, NightRefused)
    assert "is not the plan that was audited" in str(refused.exception)
    assert store_of("small").select_mine("approvals") == []


def test_what_is_said_of_one_plan_counts_for_no_later_one_that_changes_the_same(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights that are held for a bad row and would change nothing: their plans are alike, and two."""
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    for date in (FIRST_NIGHT, SECOND_NIGHT):
        table = pq.read_table(world / "base" / f"{date}.parquet")
        rows = table.filter(pc.equal(table["line_status"], "open")).slice(0, 100).to_pylist()
        rows[0]["closed_limit_cents"] = -1
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), snapshots / f"{date}.parquet")
    caps = "caps: {quarantined_share_max_bp: 0, people: 2}\n"
    source = f"{{kind: folder, path: {snapshots}}}"
    use_home(monkeypatch, tmp_path / "data", make_home(tmp_path / "home", source, more=caps))
    first = hold(FIRST_NIGHT)
    said("release", first, "ann")
    for person in ("ann", "ben"):
        said("discard", first, person)
    second = hold(SECOND_NIGHT)
    assert "It takes another person" in said("release", second, "ben").output
    assert store_of("small").last_published() is None


def test_a_plan_whose_folder_holds_another_one_is_not_released_and_can_be_discarded(home: Path) -> None:
    plan = hold_first()
    give_another_plan(nights.run_directory("small", FIRST_NIGHT))
    refused = said("release", plan, "ann")
    assert "holds another plan of 2026-10-26 than the one that was set down" in str(refused.exception)
    assert store_of("small").select_mine("approvals") == []
    said("discard", plan, "ann")
    assert "The night is settled" in said("discard", plan, "ben").output


def test_a_released_plan_that_cannot_be_published_is_discarded_as_long_as_nothing_of_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = hold_first()
    release_until_it_breaks(plan, monkeypatch, publishing, "publish_plan")
    shutil.rmtree(nights.run_directory("small", FIRST_NIGHT))
    with pytest.raises(NightRefused, match=f"reinstate discard {plan}"):
        run_again("small", FIRST_NIGHT)
    said("discard", plan, "ann")
    assert "The night is settled" in said("discard", plan, "ben").output
    assert store_of("small").last_settled() == FIRST_NIGHT


def test_a_plan_of_which_something_is_published_is_not_discarded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = hold_first()
    monkeypatch.setattr(publishing, "CHUNK_LINES", 3)
    release_until_it_breaks(plan, monkeypatch, publishing, "finish_run")
    refused = said("discard", plan, "ann")
    assert "is to be published, and waits for nobody: run the night again" in str(refused.exception)


def test_a_plan_that_is_released_already_is_said_to_be_and_listed_with_what_goes_on_with_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = hold_first()
    release_until_it_breaks(plan, monkeypatch, publishing, "publish_plan")
    assert "waits for nobody: run the night again" in str(said("release", plan, "cid").exception)
    shown = CliRunner().invoke(commands, ["held", "--portfolio", "small"]).output
    assert f"{FIRST_NIGHT}, revision 1: plan {plan}" in shown
    assert "planned and not wholly published: `reinstate nightly --portfolio small` goes on with it" in shown


def test_whoever_goes_on_with_a_plan_is_recorded_as_an_attempt_of_its_own(home: Path) -> None:
    plan = hold_first()
    for person in ("ann", "ben"):
        said("release", plan, person)
    attempts = store_of("small").select_mine("attempts", business_date=FIRST_NIGHT)
    assert [attempt["attempt"] for attempt in attempts] == [1, 2]
    assert attempts[0]["epoch"] < attempts[1]["epoch"]


def test_a_folder_set_down_by_another_version_is_told_of_and_not_guessed_at(home: Path) -> None:
    plan = hold_first()
    path = nights.run_directory("small", FIRST_NIGHT) / "night.json"
    path.write_text(path.read_text().replace('"decided"', '"decided_before"'))
    assert "is not as this program sets it down" in str(said("release", plan, "ann").exception)
    assert store_of("small").select_mine("approvals") == []


def test_a_discarded_night_is_settled_and_the_next_one_may_run(home: Path) -> None:
    plan = hold_first()
    said("discard", plan, "ann")
    assert "The night is settled" in said("discard", plan, "ben").output
    assert store_of("small").ledger_head()[0] == 0
    assert store_of("small").last_settled() == FIRST_NIGHT
    assert store_of("small").last_published() is None
    with pytest.raises(NightRefused, match="only move forward"):
        run_plainly("small", FIRST_NIGHT)
    run, _ = run_plainly("small", SECOND_NIGHT)
    known = pq.read_table(run.directory / "ledger.parquet")
    assert len(known) == 0


def test_where_the_portfolio_asks_for_proof_a_name_that_is_only_claimed_does_not_count(home: Path) -> None:
    plan = hold_first()
    file = home / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text().replace("people: 2", "people: 2, people_proven: true"))
    refused = said("release", plan, "ann")
    assert "the name ann is claimed" in str(refused.exception)
    assert store_of("small").select_mine("approvals") == []
    arguments = ["release", plan, "--portfolio", "small", "--reason", "looked at it"]
    assert "It takes another person." in CliRunner().invoke(commands, arguments).output


def test_once_the_portfolio_asks_for_proof_what_a_claimed_name_said_before_counts_no_more(home: Path) -> None:
    plan = hold_first()
    said("release", plan, "ann")
    file = home / "home" / "deployments" / "portfolios" / "small.yaml"
    file.write_text(file.read_text().replace("people: 2", "people: 2, people_proven: true"))
    arguments = ["release", plan, "--portfolio", "small", "--reason", "looked at it"]
    assert "It takes another person." in CliRunner().invoke(commands, arguments).output
    assert store_of("small").last_published() is None


def test_nobody_is_proven_to_be_whom_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    own = holds.this_person().name
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "ann")
    assert holds.this_person() == holds.Person(own, is_proven=True)
    assert not holds.this_person("ann").is_proven


def test_a_reason_is_needed(home: Path) -> None:
    refused = said("release", hold_first(), "ann", reason="  ")
    assert isinstance(refused.exception, NightRefused)


def test_held_loads_neither_prefect_nor_pandas(home: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from click.testing import CliRunner; from flows.command_line import commands; "
        "done = CliRunner().invoke(commands, ['held', '--portfolio', 'small']); assert done.exit_code == 0, done.output; "
        "print(sorted({'pandas', 'prefect', 'pyarrow'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip() == "[]"
    )


def test_nothing_is_released_while_the_portfolio_is_paused(home: Path) -> None:
    plan = hold_first()
    pause = ["pause", "--portfolio", "small", "--reason", "a fault in the core system"]
    assert CliRunner().invoke(commands, pause).exit_code == 0
    assert "is paused: `reinstate resume` it first" in str(said("release", plan, "ann").exception)
    assert store_of("small").select_mine("approvals") == []
