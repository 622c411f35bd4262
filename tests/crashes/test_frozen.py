"""A process that is taken for dead and is not: on SQLite nobody passes it, on PostgreSQL it writes nothing more."""

from tests.crashes.troupe import Troupe


def test_on_sqlite_nobody_passes_a_frozen_process_and_everybody_is_told_which_one_it_is(troupe: Troupe) -> None:
    frozen = troupe.freeze()
    assert f"process {frozen.process} on " in frozen.others_before
    assert "End that process: the lock dies with it" in frozen.taken_over
    assert (frozen.itself, frozen.faults) == ("", [])


def test_on_postgresql_a_superseded_process_is_refused_when_it_goes_on_and_writes_nothing(
    postgres_troupe: Troupe,
) -> None:
    frozen = postgres_troupe.freeze()
    assert f"process {frozen.process} on " in frozen.others_before
    assert (frozen.taken_over, frozen.others) == ("", "")
    assert "another process has taken over tiny since" in frozen.itself
    assert frozen.faults == []


def test_on_postgresql_what_a_process_keeps_that_is_frozen_inside_a_chunk_is_let_go_with_it(
    postgres_troupe: Troupe,
) -> None:
    frozen = postgres_troupe.freeze(inside=True)
    assert (frozen.taken_over, frozen.others) == ("", "")
    assert "StoreError: the database answered " in frozen.itself
    assert "`reinstate take-over`" in frozen.itself
    assert frozen.faults == []


def test_a_missing_epoch_check_is_caught(postgres_troupe: Troupe) -> None:
    frozen = postgres_troupe.freeze("missing_epoch_check")
    assert "rows/recoverable_nights" in "".join(frozen.faults)
