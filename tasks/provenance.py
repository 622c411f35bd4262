"""What a night is judged with beside its inputs: the program, the shapes that it expects, and its libraries.

They are recorded and refuse nothing; a replay that differs says which of them has moved.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from typing import Final

from schemas.vocabulary import CORE_ALLOWED, LEDGER_COLUMNS
from tasks.decisioning.rules import Rules
from tasks.settings import CHECKOUT
from tasks.store import canonical_json

DECIDING: Final = ("numpy", "pandas", "pyarrow")
"""The libraries that compute."""


@cache
def code_version() -> str:
    """The version of the program, and a hash over its sources: a checkout may be at any commit, edited or not."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in ("schemas", "tasks") for path in (CHECKOUT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(CHECKOUT).as_posix()}\n".encode() + path.read_bytes())
    return f"{version('reinstate')}+{digest.hexdigest()[:12]}"


@cache
def libraries() -> dict[str, str]:
    """The versions of the libraries that compute."""
    return {name: version(name) for name in DECIDING}


def schema_hash(rules: Rules) -> str:
    """SHA-256 over the names and types of all columns that a night is judged on, and what their values may be."""
    shape = [rules.snapshot_columns, CORE_ALLOWED, LEDGER_COLUMNS]
    return hashlib.sha256(canonical_json(shape).encode()).hexdigest()
