"""Killed anywhere, any number of times, and given again: the same as if nothing had happened."""

import itertools

from tests.crashes.plans import Plan, Played
from tests.crashes.story import STORY
from tests.crashes.troupe import Troupe, seeded, told

SEED = 20261124
PLANS, PLANS_ON_POSTGRES = 200, 50
EVERY_KIND = ("INSERT INTO ledger", "INSERT INTO notices", "commit", "delivery to", "opened", "naming", "removing")


def failures_of(troupe: Troupe, plans: int, store: str) -> str:
    """What is wrong after so many seeded plans."""
    drawn = dict(itertools.islice(seeded(SEED, troupe.rehearsed.points), plans))
    failed = [played for played in troupe.play(drawn.values()) if played.faults]
    return told(failed, {plan: seed for seed, plan in drawn.items()}, store)


def test_every_step_of_the_story_has_points_and_every_kind_of_effect_is_one(troupe: Troupe) -> None:
    assert all(len(names) > 10 for names in troupe.rehearsed.points)
    names = {name for names in troupe.rehearsed.points for name in names}
    assert [kind for kind in EVERY_KIND if not any(kind in name for name in names)] == []


def test_killed_once_at_every_point_of_the_story_and_given_again(troupe: Troupe) -> None:
    """At every one where the files are not, byte for byte, those of a point before; the campaign does without that."""
    plans = troupe.rehearsed.every_point_alone()
    played = list(troupe.kill_once(plans))
    assert told((each for each in played if each.faults), {}, "sqlite") == ""
    assert [len(each.killed_at) for each in played] == [1] * len(plans)
    assert {each.plan.step for each in played if each.is_new} == {*range(len(STORY))}


def test_killed_two_to_four_times_by_seeded_plans_and_given_again(troupe: Troupe) -> None:
    assert failures_of(troupe, PLANS, "sqlite") == ""


def test_an_unkilled_story_leaves_the_same_on_postgresql(troupe: Troupe, postgres_troupe: Troupe) -> None:
    assert postgres_troupe.rehearsed.digests == troupe.rehearsed.digests


def test_killed_by_seeded_plans_on_postgresql_and_given_again(postgres_troupe: Troupe) -> None:
    assert failures_of(postgres_troupe, PLANS_ON_POSTGRES, "postgresql") == ""


def test_a_failure_is_told_with_its_seed_and_the_command_that_plays_it_again() -> None:
    plan = Plan(3, (100, 20))
    words = told([Played(plan, ("step 3, commit",), ("a fault",))], {plan: "7/12"}, "postgresql")
    assert "seed 7/12: plan 3:100,20, killed at step 3, commit" in words
    assert "python -m tests.crashes.campaign --store postgresql --plan 3:100,20" in words
    assert Plan.parse("3:100,20") == plan
