"""The examples of the manual and of the README are what they say: whole files load, parts fit where they stand."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from schemas.policy import Policy
from schemas.portfolio import Portfolio
from tasks.decisioning.compiling import compile_rules
from tasks.policy_files import load_policy
from tasks.settings import CHECKOUT
from tests.factories import merged

POLICIES = CHECKOUT / "deployments" / "policies"
SHIPPED = POLICIES / "consumer-revolving" / "2026-10.yaml"
PORTFOLIO = CHECKOUT / "deployments" / "portfolios" / "bundled.yaml"


def blocks(path: Path) -> list[str]:
    """The YAML examples of a page."""
    return re.findall(r"```yaml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def read(text: str) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(text)


MANUAL = blocks(POLICIES / "README.md")
README = blocks(CHECKOUT / "README.md")


def test_the_whole_policy_of_the_manual_loads(tmp_path: Path) -> None:
    (whole,) = [text for text in MANUAL if "\npolicy:" in text]
    (tmp_path / "2026-10.yaml").write_text(whole, encoding="utf-8")
    assert load_policy(tmp_path / "2026-10.yaml").policy.policy == "small"


@pytest.mark.parametrize(
    "text", [text for text in MANUAL if "\npolicy:" not in text], ids=lambda text: text.split(":")[0]
)
def test_a_part_of_a_policy_fits_where_it_stands(text: str) -> None:
    compile_rules(Policy.model_validate(merged(read(SHIPPED.read_text(encoding="utf-8")), read(text))))


@pytest.mark.parametrize("text", README, ids=lambda text: text.split(":")[0])
def test_a_portfolio_of_the_readme_and_its_parts_fit(text: str) -> None:
    part = read(text)
    whole = part if "portfolio" in part else {**read(PORTFOLIO.read_text(encoding="utf-8")), **part}
    Portfolio.model_validate(whole)


def test_the_manual_has_examples_to_run() -> None:
    assert len(MANUAL) >= 4
    assert len(README) >= 3
