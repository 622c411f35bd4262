"""The JSON Schema of a policy file, as editors read it."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from tasks.policy_files import policy_schema
from tasks.settings import CHECKOUT
from tests.factories import LEFT_OUT, policy_dict
from tests.judging.files import run

POLICIES = CHECKOUT / "deployments" / "policies"
SHIPPED = sorted(path for path in POLICIES.glob("*/*.yaml") if path.name != "reasons.yaml")


def faults(policy: Any) -> list[str]:
    """What an editor would underline; dates are text to it."""
    plain = json.loads(json.dumps(policy, default=str))
    return [error.message for error in Draft202012Validator(policy_schema()).iter_errors(plain)]


def test_the_published_schema_is_what_the_command_prints() -> None:
    printed = run("policy", "schema").output
    assert (POLICIES / "policy.schema.json").read_text(encoding="utf-8") == printed
    Draft202012Validator.check_schema(json.loads(printed))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_a_shipped_policy_fits_and_names_the_schema_for_editors(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../policy.schema.json\n")
    assert faults(YAML(typ="safe", pure=True).load(text)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "colour"),
        ({"causes": LEFT_OUT}, "causes"),
        ({"confirm_nights": "two"}, "two"),
        ({"criteria": {"CURRENT": {"require": True}}}, "True is not of type"),
        ({"attributes": {"deceased": {"type": "truth"}}}, "truth"),
        ({"limit": {"floor_cents": -1}}, "-1"),
    ],
)
def test_a_wrong_policy_is_underlined(changes: dict[str, Any], words: str) -> None:
    assert any(words in fault for fault in faults(policy_dict(**changes)))
