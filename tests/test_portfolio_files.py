"""Reading portfolio files."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import ConfigurationError, FileRefused
from schemas.portfolio import Calendar, FolderSource, Retention, SqlSource, StandInSource
from tasks.portfolio_files import load_portfolio

SHIPPED = Path(__file__).parents[1] / "deployments"
PORTFOLIO = """\
portfolio: demo
title: A demonstration
currency: EUR
time_zone: Europe/Berlin
policy: consumer-revolving
calendar: weekdays
first_business_date: 2026-10-01
source: {kind: folder, path: drops}
kept_closed_notices_from: 2026-10-01
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "portfolios").mkdir()
    return tmp_path


def write(home: Path, name: str = "demo", **changes: str) -> None:
    """Put a portfolio file with some of its values put otherwise, or added."""
    lines = dict(line.split(": ", 1) for line in PORTFOLIO.splitlines())
    text = "".join(f"{key}: {value}\n" for key, value in {**lines, **changes}.items() if value)
    (home / "portfolios" / f"{name}.yaml").write_text(text)


def refusal(home: Path, **changes: str) -> list[str]:
    """The findings with which a portfolio with changes is refused."""
    write(home, **changes)
    with pytest.raises(FileRefused) as refused:
        load_portfolio("demo", home)
    return [f"{finding.line}: {finding.message}" for finding in refused.value.findings]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("portfolios/*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_portfolio_loads(path: Path) -> None:
    assert load_portfolio(path.stem, SHIPPED).portfolio == path.stem


def test_what_is_left_out_has_its_default(home: Path) -> None:
    write(home)
    portfolio = load_portfolio("demo", home)
    assert portfolio.source == FolderSource(kind="folder", path="drops")
    assert portfolio.calendar is Calendar.WEEKDAYS
    assert portfolio.first_business_date == datetime.date(2026, 10, 1)
    assert (portfolio.columns, portfolio.quarantined_share_max_bp, portfolio.activation_grace_days) == ({}, 100, 3)
    assert (portfolio.partition_rows, portfolio.workers) == (250_000, 2)
    assert portfolio.retention == Retention(quarantine_days=None, evidence_days=None)


@pytest.mark.parametrize(
    "retention", ["{quarantine_days: 90}", "{evidence_days: 1}", "{quarantine_days: 9, evidence_days: 9}"]
)
def test_either_retention_may_be_left_out_and_both_may_be_alike(home: Path, retention: str) -> None:
    write(home, retention=retention)
    assert load_portfolio("demo", home).retention != Retention()


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("{kind: folder, path: /mnt/drops}", FolderSource),
        ("{kind: sql, url: {environment: BOOK_URL}, table: core.lines}", SqlSource),
        ("{kind: sql, url: {secret_block: book-url}, query: 'select * from lines'}", SqlSource),
        ("{kind: stand_in, world: worlds/demo}", StandInSource),
    ],
)
def test_a_source_is_of_one_kind(home: Path, source: str, kind: type) -> None:
    write(home, source=source)
    assert isinstance(load_portfolio("demo", home).source, kind)


def test_a_portfolio_does_not_change_after_loading(home: Path) -> None:
    write(home)
    portfolio: Any = load_portfolio("demo", home)
    with pytest.raises(ValidationError, match="frozen"):
        portfolio.currency = "USD"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"portfolio": "demos"}, "1: portfolio: found 'demos' in the file of 'demo'; the two names are the same"),
        ({"portfolio": "Demo"}, "1: portfolio: expected text of the form ^[a-z0-9][a-z0-9_-]*$, found the text 'Demo'"),
        ({"title": "5"}, "2: title: expected text, found the whole number 5; quote it if it is meant as text"),
        ({"currency": "eur"}, "3: currency: expected three capital letters, such as EUR, found the text 'eur'"),
        ({"time_zone": "Europe/Berlni"}, "4: time_zone: 'Europe/Berlni' is not a time zone; write one such as"),
        ({"time_zone": "../../etc/passwd"}, "4: time_zone: '../../etc/passwd' is not a time zone"),
        ({"policy": "a/b"}, "5: policy: expected at most 64 small letters, digits, _ or -"),
        ({"calendar": "weekly"}, "6: calendar: expected daily, weekdays, month_end or as_delivered, found the text 'weekly'"),
        ({"first_business_date": '"2026-10-01"'}, "7: first_business_date: expected a date, found the text '2026-10-01'"),
        ({"kept_closed_notices_from": ""}, "1: kept_closed_notices_from: is missing"),
        ({"source": ""}, "1: source: is missing"),
        ({"source": "{kind: ftp}"}, "8: source: expected folder, sql, stand_in, found the text 'ftp'"),
        ({"source": "{kind: folder}"}, "8: source.path: is missing"),
        ({"source": "{kind: folder, path: x, table: t}"}, "8: source.table: unknown key 'table'"),
        ({"source": "{kind: sql, url: {environment: A}}"}, "8: source: has table or query, one of the two"),
        ({"source": "{kind: sql, url: {environment: A}, table: t, query: q}"}, "8: source: has table or query"),
        ({"source": "{kind: sql, url: {}, table: t}"}, "8: source.url: name environment or secret_block, one of the two"),
        ({"source": "{kind: sql, url: {environment: A, secret_block: b}, table: t}"}, "8: source.url: name environment or"),
        ({"source": "{kind: sql, url: {environment: A B}, table: t}"}, "8: source.url.environment: expected the name of"),
        ({"source": "{kind: sql, table: t}"}, "8: source.url: is missing"),
        ({"quarantined_share_max_bp": "10001"}, "10: quarantined_share_max_bp: must be at most 10000"),
        ({"activation_grace_days": "-1"}, "10: activation_grace_days: must be at least 0"),
        ({"partition_rows": "999"}, "10: partition_rows: must be at least 1000"),
        ({"partition_rows": "5000001"}, "10: partition_rows: must be at most 5000000"),
        ({"workers": "0"}, "10: workers: must be at least 1"),
        ({"workers": "65"}, "10: workers: must be at most 64"),
        ({"columns": "{a: deceased, b: deceased}"}, "10: columns: deceased stands for more than one column of the source"),
        ({"columns": "{a: 5}"}, "10: columns.a: expected text, found the whole number 5"),
        ({"columns": "{a: a b}"}, "10: columns.a: expected a letter, then at most 63 letters, digits or _"),
        ({"retention": "{quarantine_days: 0}"}, "10: retention.quarantine_days: must be at least 1"),
        ({"retention": "{evidence_days: 36501}"}, "10: retention.evidence_days: must be at most 36500"),
        ({"retention": "{evidence_days: 1.5}"}, "10: retention.evidence_days: expected a whole number"),
        ({"retention": "{evidence_day: 9}"}, "10: retention.evidence_day: unknown key 'evidence_day'; did you mean"),
        ({"retention": "{quarantine_days: 90, evidence_days: 89}"}, "10: retention: evidence_days 89 is less than quarantine_days 90"),
        ({"worker": "2"}, "10: worker: unknown key 'worker'; did you mean 'workers'?"),
    ],
    ids=str,
)  # fmt: skip
def test_a_portfolio_that_is_wrong_is_refused_at_its_line(home: Path, changes: dict[str, str], words: str) -> None:
    (found,) = refusal(home, **changes)
    assert found.startswith(words)


@pytest.mark.parametrize(
    "url", ["'postgresql://user:geheim@host/book'", "{environment: 'postgresql://user:geheim@host/book'}", "geheim"]
)
def test_an_address_in_the_file_is_refused_and_not_repeated(home: Path, url: str) -> None:
    (found,) = refusal(home, source=f"{{kind: sql, url: {url}, table: t}}")
    assert found.startswith("8: source.url")
    assert "geheim" not in found


@pytest.mark.parametrize(
    "name", ["../demo", "demo/x", "/etc/passwd", "", "Demo", "demo\n", ".demo", "-demo", "demo.yaml"]
)
def test_a_portfolio_is_a_name_and_not_a_path(home: Path, name: str) -> None:
    write(home)
    with pytest.raises(ConfigurationError, match="a portfolio's name is small letters"):
        load_portfolio(name, home)


def test_a_portfolio_that_is_not_there_is_named_with_those_that_are(home: Path) -> None:
    write(home)
    write(home, "other")
    with pytest.raises(
        ConfigurationError, match=r"there is no portfolio 'dmeo' in .*; did you mean 'demo'\?; found demo, other"
    ):
        load_portfolio("dmeo", home)
