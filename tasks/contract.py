"""Holding a partition against its contract: which rows are clean, and what is wrong with the others.

Counts and names leave this module in errors, never values: an uncaught Pandera error would carry the whole frame into
logs and result files.
"""

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.errors import SchemaErrorReason, SchemaErrors

from schemas.errors import ConfigurationError, SnapshotRefused
from schemas.snapshot import ID_REPEATED, UNPARSABLE, snapshot_contract
from tasks.decisioning.rules import Rules
from tasks.fingerprints import text_hashes


@dataclass(frozen=True)
class Checked:
    """What the contract found in one partition: for each failed check, where. Masks are as long as the partition."""

    row_count: int
    failures: dict[str, np.ndarray]
    """`column: what is wrong` to a mask of rows."""

    @property
    def bad(self) -> np.ndarray:
        return np.logical_or.reduce([*self.failures.values(), np.zeros(self.row_count, bool)])


def check_partition(frame: pd.DataFrame, rules: Rules, business_date: datetime.date) -> Checked:
    """Hold a typed partition, index from 0, against the contract that `rules` imply.

    Raises:
        SnapshotRefused: a column is missing, unexpected or of another type.
    """
    failures: dict[str, np.ndarray] = {}
    contract = snapshot_contract(rules.policy, rules.snapshot_columns, business_date, frame, failures)
    wrong_shape: list[str] = []
    try:
        contract.validate(frame, lazy=True, inplace=True)
    except SchemaErrors as found:
        wrong_shape += [
            f"{error.schema.name or 'the table'} ({error.reason_code.name.lower()})"
            for error in found.schema_errors
            if error.reason_code is not SchemaErrorReason.DATAFRAME_CHECK
        ]
    if wrong_shape:
        raise SnapshotRefused(
            f"the snapshot does not have the shape of its contract: {', '.join(sorted(wrong_shape))}. "
            "Compare the source's columns with the policy's attributes."
        )
    return Checked(len(frame), failures | _unparsable(frame))


def _unparsable(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Cells of a text source that did not read as their type; the reader names their columns row by row."""
    if "unparsable" not in frame:
        return {}
    named = frame["unparsable"].cat
    columns = sorted({name for names in named.categories for name in names.split(",")})
    codes = named.codes.to_numpy()
    return {
        f"{column}: {UNPARSABLE}": np.append([column in names.split(",") for names in named.categories], False)[codes]
        for column in columns
    }


def prove_gate_bites(rules: Rules, business_date: datetime.date) -> None:
    """Check a row that is known to be bad, and refuse to go on if it passes.

    Environment variables can switch Pandera off without a word; a night must not run behind an open gate.

    Raises:
        ConfigurationError: the contract lets the row through.
    """
    kinds = {
        "integer": "Int64",
        "number": "float64",
        "boolean": "boolean",
        "date": "datetime64[ms]",
        "category": "category",
    }
    frame = pd.DataFrame({"account_id": pd.Series([None], dtype="str")})
    for name, kind in rules.snapshot_columns.items():
        frame[name] = pd.Series([None], dtype=kinds[kind])
    frame["line_status"] = pd.Categorical(["closed"])
    frame["closed_limit_cents"] = pd.Series([-1], dtype="Int64")
    found = check_partition(frame, rules, business_date).failures
    if len(found) < 5:  # noqa: PLR2004 - id, limit, and the three facts of a closing
        raise ConfigurationError(
            f"the snapshot contract caught {len(found)} of 5 planted faults: validation is switched off. "
            "Unset PANDERA_VALIDATION_ENABLED and PANDERA_VALIDATION_DEPTH and run again."
        )


def id_hashes(ids: pa.Array) -> np.ndarray:
    """A 64-bit number per id, equal for equal ids; missing ids give 0.

    Only for finding candidates of repetition: equal numbers are compared as text afterwards.
    """
    return text_hashes(ids.cast(pa.string()))


def repeated_hashes(hashes: list[np.ndarray]) -> np.ndarray:
    """The numbers above 0 that stand more than once in all of `hashes` together, sorted."""
    everyone = np.sort(np.concatenate([*hashes, np.zeros(0, np.uint64)]))
    again = everyone[1:][everyone[1:] == everyone[:-1]]
    return np.unique(again[again > 0])


def places_of(wanted: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Where a few of many numbers stand, in order; a table of their low bits leaves little to compare."""
    low = np.uint64(2**20 - 1)
    may_be = np.zeros(2**20, bool)
    may_be[wanted & low] = True
    places = np.flatnonzero(may_be[hashes & low])
    return places[np.isin(hashes[places], wanted)]


REPEATED = f"account_id: {ID_REPEATED}"
