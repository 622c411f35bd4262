"""The house itself: what the papers say is so."""

import re
import subprocess
import sys
import tomllib

import pytest

from flows.command_line import commands
from schemas.policy import Policy
from tasks.settings import CHECKOUT, Settings

STAGES = {"pull", "validate", "rescore", "decide", "audit", "publish", "notify", "report", "stages"}
README = (CHECKOUT / "README.md").read_text()
MAKEFILE = (CHECKOUT / "Makefile").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"`REINSTATE_{name.upper()}`" in README


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_says_what_it_does(name: str) -> None:
    assert commands.commands[name].help


@pytest.mark.parametrize("target", re.findall(r"(?:\$ |`)make ([a-z-]+)", README))
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("section", [name for name in Policy.model_fields if name not in {"policy", "version"}])
def test_every_section_of_a_policy_is_in_the_manual(section: str) -> None:
    manual = (CHECKOUT / "deployments" / "policies" / "README.md").read_text()
    words = {"in_force": "in force", "nightly_budget": "budget", "limit": "limit", "scorecard": "scorecard"}
    assert words.get(section, section).rstrip("s") in manual


def test_the_lock_has_hashes_and_no_address() -> None:
    lock = (CHECKOUT / "requirements.txt").read_text()
    assert not re.search(r"://|--index|--extra-index|--find-links", lock)
    pinned = re.findall(r"^[a-z0-9][^\s=]*==", lock, re.MULTILINE)
    assert len(pinned) > 100
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_shapes_can_be_had_without_the_libraries_of_others() -> None:
    program = "import sys, schemas.policy; sys.exit(any(name in sys.modules for name in ('pandera', 'sqlalchemy')))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_module_but_the_stages_is_kept_from_prefect_by_contract() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    kept = next(each for each in contracts if each["name"] == "Only stages and flows know Prefect")["source_modules"]
    modules = {path.stem for path in (CHECKOUT / "tasks").glob("*.py")} - {"__init__"} - STAGES
    packages = {path.parent.name for path in (CHECKOUT / "tasks").glob("*/__init__.py")}
    assert sorted(kept) == sorted({"schemas", *(f"tasks.{name}" for name in modules | packages)})
