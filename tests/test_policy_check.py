"""`reinstate policy check`: every problem of every file, with its line, for an editor or a commit hook."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flows.command_line import commands
from schemas.vocabulary import PROGRAM_REASONS
from tasks.settings import CHECKOUT
from tests.factories import policy_dict, rules
from tests.judging.files import write_policy

SHIPPED = CHECKOUT / "deployments" / "policies" / "consumer-revolving"
TEXT = ":\n  en: {means: m, helps: h}\n  zh: {means: m, helps: h}\n"


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """The folder of a series with the small policy and a text for each of its reasons."""
    folder = tmp_path / "small"
    folder.mkdir()
    write_policy(folder / "2026-10.yaml", policy_dict())
    codes = [code for code in rules(policy_dict()).reasons if code not in PROGRAM_REASONS]
    (folder / "reasons.yaml").write_text("".join(f"{code}{TEXT}" for code in codes))
    return folder


def check(*files: Path) -> Result:
    return CliRunner().invoke(commands, ["policy", "check", *map(str, files)])


def test_a_series_in_order_is_said_to_be() -> None:
    file = SHIPPED / "2026-10.yaml"
    done = check(file)
    assert (done.exit_code, done.stdout) == (0, f"{file}: in order.\n")


def test_every_problem_of_every_file_is_listed_with_its_line(series: Path) -> None:
    first, second = series / "2026-10.yaml", series / "2027-01.yaml"
    changed = policy_dict(version="2027-01", limit={"flor_cents": 3}, criteria={"CURRENT": {"require": "dais == 0"}})
    write_policy(second, changed)
    done = check(first, second)
    assert done.exit_code == 2
    assert done.stdout == f"{first}: in order.\n"
    listed = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in listed] == ["criteria.CURRENT.require", "limit.flor_cents"]
    assert all(line.startswith(f"{second}:") and line.split(":")[1].isdigit() for line in listed)


def test_a_reason_without_a_text_is_a_problem_of_its_file(series: Path) -> None:
    file = write_policy(
        series / "2026-10.yaml", policy_dict(criteria={"CURRENT": {"require": "days_past_due == 0", "reason": "late"}})
    )
    done = check(file)
    assert done.exit_code == 2
    assert "criteria.CURRENT.reason: 'late' has no text in reasons.yaml" in done.stderr
    assert "payment_overdue: no version of the series gives this reason" in done.stderr
    assert "in order" not in done.stdout


def test_a_policy_without_texts_beside_it_is_refused(tmp_path: Path) -> None:
    done = check(write_policy(tmp_path / "2026-10.yaml", policy_dict()))
    assert done.exit_code == 2
    assert f"{tmp_path / 'reasons.yaml'}:1: there is no such file; every reason" in done.stderr


def test_the_file_of_texts_may_be_named_too(series: Path) -> None:
    done = check(series / "2026-10.yaml", series / "reasons.yaml")
    assert (done.exit_code, done.stdout.count("in order.")) == (0, 2)


def test_checking_loads_neither_prefect_nor_a_table_library() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from flows.command_line import commands; "
        f"done = CliRunner().invoke(commands, ['policy', 'check', {str(SHIPPED / '2026-10.yaml')!r}]); "
        "assert done.exit_code == 0; print(sorted({'numpy', 'pandas', 'prefect', 'pyarrow', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
