"""A process that was taken for dead and goes on spoils nothing of what the one after it has done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from schemas import tables
from schemas.errors import NightRefused
from tasks import judgement, nights, opening, publishing, revising
from tasks.holds import Person
from tasks.nights import store_of
from tests.nights.tiny import NAME, NIGHTS, tiny_eve
from tests.plain_nights import forget, plan_plainly, run_again

LAST, NEXT = NIGHTS[0], NIGHTS[1]


@pytest.fixture(autouse=True)
def first_night(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    tiny_eve(tmp_path_factory.getbasetemp(), 1).use(tmp_path / "data", monkeypatch)
    yield
    forget()


def supersede() -> None:
    """Let another process in."""
    with store_of(NAME).transaction() as connection:
        connection.execute(update(tables.writers).values(epoch=tables.writers.c.epoch + 1))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_does_not_empty_the_folder_of_a_night() -> None:
    folder = nights.run_directory(NAME, NEXT)
    with nights.writing(NAME):
        folder.mkdir()
        (folder / "plan.parquet").write_bytes(b"the other's")
        supersede()
        with pytest.raises(NightRefused, match="another process has taken over"):
            opening.open_run(NAME, NEXT, is_dry_run=False)
    assert contents(folder) == {"plan.parquet": b"the other's"}


def test_a_night_that_is_planned_meanwhile_keeps_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = nights.run_directory(NAME, NEXT)
    with nights.writing(NAME):
        plan_plainly(NAME, NEXT)
        before = contents(folder)
        monkeypatch.setattr(opening, "_refuse_unsettled", lambda _: None)
        with pytest.raises(NightRefused, match="2026-10-27 is planned; nothing was written"):
            opening.open_run(NAME, NEXT, is_dry_run=False)
    assert contents(folder) == before


def test_it_sets_down_no_plan_beside_the_one_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged_while_another_planned(*arguments: object) -> object:
        judged = judgement_of(*arguments)
        supersede()
        (nights.run_directory(NAME, NEXT) / nights.SETTLED_NAME).write_text("the other's")
        return judged

    judgement_of = judgement.judge_night
    monkeypatch.setattr(judgement, "judge_night", judged_while_another_planned)
    with nights.writing(NAME), pytest.raises(NightRefused, match="another process has taken over"):
        plan_plainly(NAME, NEXT)
    assert (nights.run_directory(NAME, NEXT) / nights.SETTLED_NAME).read_text() == "the other's"


def test_a_revision_is_of_the_night_that_is_the_last_once_it_has_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the one that was the last when it was asked for, while the next night was still being published."""

    with monkeypatch.context() as patch:

        def after_the_next_night(name: str) -> object:
            patch.undo()
            run_again(name, NEXT)
            return nights.writing(name)

        patch.setattr(nights, "writing", after_the_next_night)
        revised = revising.revise(NAME, Person("ann", is_proven=False), "delivered again")
    assert revised.business_date == NEXT


def test_no_plan_is_set_down_of_a_date_before_one_that_was_settled() -> None:
    with nights.writing(NAME) as writer:
        settled = plan_plainly(NAME, NEXT)
        later = {"portfolio": NAME, "business_date": NIGHTS[2], "revision": 1, "status": "published"}
        with writer.transaction() as connection:
            known = connection.execute(tables.runs.select().limit(1)).mappings().one()
            connection.execute(tables.runs.insert(), {**known, **later})
            connection.execute(update(tables.runs).where(tables.runs.c.business_date == NEXT).values(status="started"))
        with pytest.raises(NightRefused, match="2026-10-28 has been settled meanwhile, which is after 2026-10-27"):
            publishing.settle(settled.run, nights.portfolio_of(NAME), settled.accepted, settled.plan)
