"""What moved a line is something that differs, whatever differs: random policies with one thing changed, and with more."""

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from schemas.policy import Policy
from tasks import judging
from tasks.attributing import COMPETITION, standing_of
from tasks.comparing import Compared, compare
from tasks.decisioning.mixtures import Mixture, rules_of
from tasks.judging import Book, JudgedBook, judge_book, read_book
from tasks.policy_changes import changes_between
from tests.decisioning.strategies import RandomNight, random_night
from tests.factories import NIGHT, PolicyDict, days_ago, line, policy_dict, probation_line, rules, temporary_line
from tests.judging.files import write_snapshot
from tests.judging.mutations import MUTATIONS

NIGHTS = 6
LINES = 150
SECTIONS = {"exclusions", "freezes", "campaigns", "appeal", "probation"}
TERMS = ("decision", "limit_cents", "valid_until")


@dataclass(frozen=True)
class Start:
    """A random policy, a book, and what the one decides about the other."""

    policy: PolicyDict
    book: Book
    judged: JudgedBook

    def under(self, policy: PolicyDict) -> JudgedBook:
        """What another policy decides, which loading may refuse: a mutation breaks what loading asks of the whole."""
        return judge_book(self.book, rules_of(Policy.model_validate(policy)))

    def mutated(self, kinds: list[str], chance: random.Random) -> tuple[PolicyDict, list[str]]:
        """The policy with something of each kind changed, and the names of what was; none where it has no such thing."""
        policy = copy.deepcopy(self.policy)
        names = [MUTATIONS[kind](policy, chance) for kind in kinds]
        return policy, [name for name in names if name]


@cache
def start(seed: int) -> Start:
    """A book of some lines under a policy with every section; on every other night the budget is small."""
    chance = random.Random(f"movers {seed}")
    night = _small(chance) if seed < NIGHTS // 2 else _drawn(chance)
    policy = {name: section for name, section in night.policy.items() if name != "nightly_budget"}
    if seed % 2:
        policy["nightly_budget"] = {"lines": 7, "limit_cents": 10**16}
    compiled = rules(policy)
    with TemporaryDirectory() as folder:
        snapshot = write_snapshot(Path(folder) / "lines.parquet", policy, night.rows)
        book = read_book([snapshot], [compiled], night.date)
    return Start(policy, book, judge_book(book, compiled))


def _drawn(chance: random.Random) -> RandomNight:
    while True:
        night = random_night(chance.randrange, count=LINES)
        if all(night.policy.get(section) for section in SECTIONS) and night.policy["limit"]["bands"]:
            return night


@pytest.fixture(autouse=True)
def _gate_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the contract bites is proven where it is the question, not for each of hundreds of policies."""
    monkeypatch.setattr(judging, "prove_gate_bites", lambda *_: None)


CELLS = {
    "days_past_due": [0, 0, 0, 3, 20, 40, None], "on_time_streak_months": [12, 12, 6, 5, 4, 3, 2, None],
    "utilisation_ratio": [0.25, 0.5, 0.9], "monthly_income_cents": [10**6, 10**5, None], "employment": ["full_time", "part_time", "none", None],
    "income_observed_on": [days_ago(1), days_ago(200), days_ago(500)], "closed_on": [days_ago(200), days_ago(60), days_ago(95)],
    "closed_limit_cents": [10**6, 400_000, 120_000], "deceased": [False] * 9 + [True, None], "customer_segment": ["consumer"] * 5 + ["student"],
    "appeal_status": ["no_appeal"] * 5 + ["received", "upheld"], "campaign_code": ["SPRING", "SPRING", "no_campaign"],
    "closure_cause": ["credit_assessment", "credit_assessment", "abnormal_behaviour", "product_operation"],
    "alert_cleared_on": [days_ago(300), days_ago(10)], "ledger_recoverable_nights_count": [0, 1, 5],
}  # fmt: skip


def _small(chance: random.Random) -> RandomNight:
    """The small policy with a second campaign, and lines of every kind with cells near what it asks."""
    first = policy_dict()["campaigns"][0]
    second = {
        **first,
        "code": "SECOND",
        "causes": ["credit_assessment", "abnormal_behaviour"],
        "waives": ["UTILISATION"],
        "valid_days": 7,
    }
    freeze = {**policy_dict()["freezes"][0], "until": None}
    policy = policy_dict(campaigns=[first, second], confirm_nights=2, freezes=[freeze])
    dated = {"observed_on": "streak_observed_on", "max_age_days": 30}
    policy["attributes"]["on_time_streak_months"] |= dated
    rows = []
    for number in range(LINES):
        row = chance.choice([line, line, line, line, temporary_line, probation_line])()
        cells = [name for name in CELLS if row.get(name, 0) is not None or name == "alert_cleared_on"]
        changed = {name: chance.choice(CELLS[name]) for name in chance.sample(cells, k=chance.choice([1, 2, 3, 4]))}
        rows.append(
            {
                "streak_observed_on": chance.choice([days_ago(1), days_ago(20)]),
                **row,
                **changed,
                "account_id": f"{number:04}",
            }
        )
    return RandomNight(policy, rows, NIGHT)


def hold(compared: Compared, names: list[str]) -> int:
    """Every moved line has movers, no other line has, and nothing is named but `names`; gives how many lines moved."""
    moved = 0
    for row in compared.rows.to_pylist():
        differs = any(row[name] != row[f"{name}_against"] for name in TERMS)
        assert bool(row["moved_by"]) == differs, (names, row)
        moved += differs
        for mover in row["moved_by"]:
            assert any(fnmatchcase(mover, name) for name in [*names, COMPETITION]), (names, row)
    assert moved == compared.moved_count == sum(cell.lines for cell in compared.cells if _has_moved(cell))
    assert all(mover.change for mover in compared.movers), compared.movers
    return moved


def _has_moved(cell: object) -> bool:
    return bool(cell.before != cell.after or cell.other)  # type: ignore[attr-defined]


def both_ways(begun: Start, policy: PolicyDict) -> Iterator[Compared]:
    other = begun.under(policy)
    yield compare(begun.book, begun.judged, other)
    yield compare(begun.book, other, begun.judged)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_where_one_thing_differs_only_that_is_said_to_have_moved_lines(kind: str) -> None:
    moved = 0
    for seed in range(NIGHTS):
        begun = start(seed)
        policy, names = begun.mutated([kind], random.Random(f"{kind} {seed}"))
        if policy != begun.policy:
            moved += sum(hold(compared, names) for compared in both_ways(begun, policy))
    assert moved or kind == "criteria stand in another order", "nothing was put to the test"


@pytest.mark.parametrize("seed", range(8))
def test_where_several_things_differ_nothing_else_is_said_to_have_moved_lines(seed: int) -> None:
    chance = random.Random(f"several {seed}")
    begun = start(chance.randrange(NIGHTS))
    policy, names = begun.mutated(chance.sample(list(MUTATIONS), k=chance.choice([2, 3, 5, 8])), chance)
    for compared in both_ways(begun, policy):
        hold(compared, names)


@pytest.mark.parametrize("seed", range(4))
def test_policies_with_nothing_in_common_have_a_mover_for_every_moved_line_too(seed: int) -> None:
    begun = start(seed)
    policy, names = begun.mutated(list(MUTATIONS), random.Random(f"everything {seed}"))
    for compared in both_ways(begun, policy):
        hold(compared, names)


@pytest.mark.parametrize("seed", range(6))
def test_a_mixture_that_has_all_of_one_policy_judges_as_it_does(seed: int) -> None:
    chance = random.Random(f"mixture {seed}")
    begun = start(chance.randrange(NIGHTS))
    policy, _ = begun.mutated(chance.sample(list(MUTATIONS), k=8), chance)
    before, after = (Policy.model_validate(each) for each in (begun.policy, policy))
    everything = frozenset(change.name for change in changes_between(before, after))
    for applied, expected in ((frozenset(), begun.judged), (everything, begun.under(policy))):
        mixed = judge_book(begun.book, rules_of(Mixture(before, after, applied).policy()))
        ids = expected.evidence["account_id"].combine_chunks()
        assert len(mixed.evidence) == len(ids)
        assert (standing_of(mixed, ids).asks == standing_of(expected, ids).asks).all()
        assert (standing_of(mixed, ids).gets == standing_of(expected, ids).gets).all()


def test_what_decides_nothing_is_no_change() -> None:
    before = start(0).policy
    after = copy.deepcopy(before)
    after |= {"version": "2", "notices": {**after["notices"], "reasons_max": 1}}
    for spec in after["attributes"].values():
        spec |= {"actionable": not spec.get("actionable"), "says": "In other words."}
    assert not changes_between(Policy.model_validate(before), Policy.model_validate(after))
