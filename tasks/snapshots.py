"""From a source to rows that may be judged: the private copy, the contract, the quarantine."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.errors import SnapshotRefused
from schemas.handles import Accepted, Partition, Run, Snapshot, Validated
from schemas.portfolio import Portfolio
from tasks.contract import REPEATED, check_partition, id_hashes, places_of, repeated_hashes
from tasks.decisioning.rules import Rules
from tasks.evidence import write_array, write_table
from tasks.fingerprints import content_hash, fingerprint
from tasks.partitions import UNPARSABLE, read_ids, read_partition, to_frame


def validate_partition(run: Run, portfolio: Portfolio, rules: Rules, partition: Partition) -> Validated:
    """Hold one partition against the contract and list the rows that fail it.

    Raises:
        SnapshotRefused: the partition does not have the contract's shape.
    """
    table = read_partition(partition, rules.snapshot_columns, portfolio.columns)
    checked = check_partition(to_frame(table), rules, run.business_date)
    hashes = run.directory / "quarantine" / f"ids-{partition.number:05d}.npy"
    write_array(id_hashes(table["account_id"].combine_chunks()), hashes)
    quarantine = None
    if checked.failures:
        quarantine = run.directory / "quarantine" / f"part-{partition.number:05d}.parquet"
        write_table(quarantine_table(table, checked.failures), quarantine)
    return Validated(
        partition=partition,
        quarantine=quarantine,
        quarantined_count=int(checked.bad.sum()),
        failures={name: int(mask.sum()) for name, mask in checked.failures.items()},
        id_hashes=hashes,
        fingerprint=fingerprint(table),
    )


def quarantine_table(table: pa.Table, failures: dict[str, np.ndarray]) -> pa.Table:
    """The rows of `table` that fail a check: position, account id, and all that is wrong with each."""
    names = list(failures)
    masks = np.array([failures[name] for name in names]).reshape(len(names), len(table))
    bad = np.flatnonzero(masks.any(axis=0))
    counts = masks[:, bad].sum(axis=0)
    checks = np.nonzero(masks[:, bad].T)[1]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    reasons = pa.DictionaryArray.from_arrays(pa.array(checks, pa.int32()), pa.array(names, pa.string()))
    return pa.table(
        {
            "row": pa.array(bad, pa.int64()),
            "account_id": table["account_id"].combine_chunks().take(pa.array(bad)),
            "reasons": pa.ListArray.from_arrays(pa.array(offsets), reasons),
        }
    )


def accept_snapshot(
    run: Run, portfolio: Portfolio, rules: Rules, snapshot: Snapshot, validated: list[Validated]
) -> Accepted:
    """Quarantine every copy of a repeated id, wherever it lies, and decide whether the rest may be judged.

    Raises:
        SnapshotRefused: more rows are quarantined than the portfolio allows.
    """
    parts = _without_repeated(run, portfolio, rules, validated)
    failures: dict[str, int] = {}
    for part in parts:
        for name, count in part.failures.items():
            failures[name] = failures.get(name, 0) + count
    quarantined = sum(part.quarantined_count for part in parts)
    share = portfolio.quarantined_share_max_bp
    if quarantined * 10_000 > share * snapshot.row_count:
        worst = sorted(failures.items(), key=lambda item: -item[1])[:3]
        raise SnapshotRefused(
            f"{quarantined:,} of {snapshot.row_count:,} rows would be quarantined, more than the "
            f"{share / 100:g} % that the portfolio allows: {'; '.join(f'{name} ({count:,})' for name, count in worst)}. "
            f"The rows are listed in {run.directory / 'quarantine'}; have the source put right, or raise "
            "quarantined_share_max_bp if they are as they should be."
        )
    return Accepted(
        snapshot=snapshot,
        content_hash=content_hash((part.fingerprint for part in validated), rules.snapshot_columns),
        partitions=tuple(parts),
        quarantined_count=quarantined,
        failures=failures,
    )


def clean_table(validated: Validated, rules: Rules, portfolio: Portfolio) -> pa.Table:
    """The rows of a partition that are not quarantined."""
    table = read_partition(validated.partition, rules.snapshot_columns, portfolio.columns)
    if UNPARSABLE in table.column_names:
        table = table.drop_columns(UNPARSABLE)
    if validated.quarantine is None:
        return table
    keep = np.ones(len(table), bool)
    keep[quarantined_rows(validated)] = False
    return table.filter(pa.array(keep))


def quarantined_rows(validated: Validated) -> np.ndarray:
    """Positions in the partition of the rows that are quarantined."""
    return pq.read_table(validated.quarantine, columns=["row"])["row"].to_numpy()


def _without_repeated(run: Run, portfolio: Portfolio, rules: Rules, validated: list[Validated]) -> list[Validated]:
    """The partitions with every copy of a repeated id quarantined; only ids are read, and only where some may repeat."""
    hashes = [np.load(part.id_hashes) for part in validated]
    suspects = repeated_hashes(hashes)
    if not len(suspects):
        return validated
    rows = [places_of(suspects, part) for part in hashes]
    ids = [
        read_ids(part.partition, rules.snapshot_columns, portfolio.columns).take(pa.array(some))
        for part, some in zip(validated, rows, strict=True)
    ]
    counted = pc.value_counts(pa.concat_arrays(ids))
    repeated = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    parts = []
    for part, some, found in zip(validated, rows, ids, strict=True):
        again = pc.is_in(found, value_set=repeated)
        listed = pa.table({"row": pa.array(some).filter(again), "account_id": found.filter(again)})
        parts.append(_also_quarantined(run, part, listed) if len(listed) else part)
    return parts


def _also_quarantined(run: Run, part: Validated, repeated: pa.Table) -> Validated:
    """The partition with the rows of `repeated` quarantined too, beside what its own checks found."""
    reasons = {row: [REPEATED] for row in repeated["row"].to_pylist()}
    accounts = dict(zip(*(column.to_pylist() for column in repeated.columns), strict=True))
    if part.quarantine is not None:
        for known in pq.read_table(part.quarantine).to_pylist():
            accounts[known["row"]] = known["account_id"]
            reasons[known["row"]] = known["reasons"] + reasons.get(known["row"], [])
    places = sorted(reasons)
    path = run.directory / "quarantine" / f"part-{part.partition.number:05d}.parquet"
    listed = {
        "row": pa.array(places, pa.int64()),
        "account_id": pa.array([accounts[place] for place in places], pa.string()),
        "reasons": pa.array([reasons[place] for place in places], pa.list_(pa.string())),
    }
    write_table(pa.table(listed), path)
    update = {
        "quarantine": path,
        "quarantined_count": len(places),
        "failures": {**part.failures, REPEATED: len(repeated)},
    }
    return part.model_copy(update=update)
