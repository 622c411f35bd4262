"""The smallest book in which everything happens: six nights of some forty lines, written by hand.

Lines are reopened, reopened for a time, expire and are reclosed; some only wait for their second night. The third night
is delivered a second time, with other rows. The fourth and the fifth night are above the portfolio's caps.
"""

import datetime
from collections.abc import Iterator
from pathlib import Path

from tasks.policy_files import REASONS_NAME
from tasks.settings import CHECKOUT
from tests.factories import PolicyDict, Row, days_ago, line, policy_dict, rules
from tests.judging.files import write_policy, write_snapshot
from tests.small_book import FIRST_NIGHT

NAME = "tiny"
NIGHTS = tuple(FIRST_NIGHT + datetime.timedelta(days=number) for number in range(6))
REVISED = NIGHTS[2]
WITHDRAWN = "clean-2-0"
"""A line that the second night reopens."""
TAKEN_BACK, REPLACED, RECLOSED_WRONGLY = "clean-3-0", "clean-3-1", "appeal-0"
"""Lines of which the third night is delivered otherwise the second time: not to be reopened, to be reopened with another
limit, not to be closed again."""

PORTFOLIO = """\
portfolio: {name}
title: Tiny Lender
currency: EUR
time_zone: Europe/Berlin
policy: {name}
calendar: daily
first_business_date: {first}
source: {{kind: folder, path: {snapshots}}}
quarantined_share_max_bp: 500
kept_closed_notices_from: {first}
workers: 1
caps: {{reopened_lines_max: 6, people: 2}}
"""
TEXT = ":\n  en: {means: m, helps: h}\n  zh: {means: m, helps: h}\n"

OPEN = {"line_status": "open", "closed_on": None, "closure_cause": None, "closure_initiator": None}
OVERDUE = {"days_past_due": 40}
REOPENED_ON = {2: 5, 3: 4, 4: 7, 5: 8, 6: 2}
"""How many lines become clean the night before, and are reopened on the night of that number."""


def make_home(folder: Path, source: Path | None = None) -> Path:
    """A home whose only portfolio is the book, which reads `source`, or what was delivered first to the home itself."""
    deployments = folder / "deployments"
    (deployments / "portfolios").mkdir(parents=True)
    for name in ("templates", "migrations"):
        (deployments / name).symlink_to(CHECKOUT / "deployments" / name)
    policy = _write_series(deployments / "policies" / NAME)
    for name in ("delivered", "delivered_again"):
        (folder / name).mkdir()
    for number, night in enumerate(NIGHTS, 1):
        write_snapshot(folder / "delivered" / f"{night}.parquet", policy, lines(number, night), with_ledger=False)
    revised = lines(NIGHTS.index(REVISED) + 1, REVISED, is_again=True)
    write_snapshot(folder / "delivered_again" / f"{REVISED}.parquet", policy, revised, with_ledger=False)
    text = PORTFOLIO.format(name=NAME, first=FIRST_NIGHT, snapshots=source or folder / "delivered")
    (deployments / "portfolios" / f"{NAME}.yaml").write_text(text)
    return folder


def lines(number: int, night: datetime.date, *, is_again: bool = False) -> Iterator[Row]:
    """The snapshot of the night of that number, from 1, as it is delivered first or again."""
    old, new = {"closed_on": days_ago(200, NIGHTS[0])}, {"closed_on": days_ago(3, NIGHTS[0])}
    changes = {TAKEN_BACK: OVERDUE, REPLACED: {"closed_limit_cents": 400_000}, RECLOSED_WRONGLY: {"days_past_due": 0}}
    for name in ("appeal-0", "appeal-1"):
        row = _appealed(name, number) or {"appeal_status": "upheld", **old}
        yield _row(name, night, row | (changes.get(name, {}) if is_again else {}))
    for place in range(4):
        is_open = number in (2, 3)
        yield _row(f"campaign-{place}", night, OPEN if is_open else {"campaign_code": "SPRING", **new})
    for opens_on, count in REOPENED_ON.items():
        for name in (f"clean-{opens_on}-{place}" for place in range(count)):
            row = OPEN if _is_open(name, opens_on, number) else _clean(opens_on, number) | old
            yield _row(name, night, row | (changes.get(name, {}) if is_again else {}))
    for place in range(4):
        yield _row(f"overdue-{place}", night, {**OVERDUE, **old})
    yield _row("bad", night, {"closed_limit_cents": -1, **old})


def _appealed(name: str, number: int) -> Row | None:
    """What became of the lines whose appeal the first night upholds: open, and far overdue on the third."""
    if number == 1:
        return None
    if number > 3 and name == RECLOSED_WRONGLY:
        return OPEN
    return OPEN | (OVERDUE if number == 3 else {}) if number <= 3 else {**OVERDUE, "closed_on": NIGHTS[2]}


def _is_open(name: str, opens_on: int, number: int) -> bool:
    """Whether the core system shows a line open that the night `opens_on` reopened; the fifth is discarded."""
    closed_since = number >= 4 and name in (WITHDRAWN, TAKEN_BACK)
    return number > opens_on and opens_on != 5 and not closed_since


def _clean(opens_on: int, number: int) -> Row:
    """Nothing speaks against a line on the night before it is reopened and on that night."""
    return {} if number in (opens_on - 1, opens_on) else OVERDUE


def _row(account_id: str, night: datetime.date, changes: Row) -> Row:
    return line(account_id=account_id, business_date=night, income_observed_on=days_ago(10, night)) | changes


def _write_series(folder: Path) -> PolicyDict:
    """The small policy, with two nights of confirmation and a campaign of two days; returns it."""
    policy = policy_dict(policy=NAME, confirm_nights=2)
    policy["campaigns"][0]["valid_days"] = 2
    folder.mkdir(parents=True)
    write_policy(folder / "2026-10.yaml", policy)
    (folder / REASONS_NAME).write_text("".join(f"{code}{TEXT}" for code in rules(policy).reasons))
    return policy
