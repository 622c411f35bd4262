"""The peer of the bench: the same night in DuckDB, by hand-written SQL.

`peer_gate.sql` holds a snapshot against its contract, `peer_judge.sql` judges the closed lines and `peer_evidence.sql`
lays out what is written. All three are for one policy, that of `tests.bench.ours`.
"""

import datetime
import hashlib
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa

HERE = Path(__file__).parent
GATE, JUDGE, EVIDENCE = ((HERE / f"peer_{name}.sql").read_text() for name in ("gate", "judge", "evidence"))
AS_PARQUET = "(FORMAT parquet, COMPRESSION zstd)"
QUARANTINED_SHARE_MAX_BP = 100


def connect(business_date: datetime.date, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory, set for speed: no order of rows is kept that nobody asked for."""
    database = duckdb.connect()
    database.execute(f"SET threads = {threads}; SET preserve_insertion_order = false; SET enable_progress_bar = false")
    database.execute(f"SET VARIABLE tonight = DATE '{business_date}'")
    return database


def load_clean(database: duckdb.DuckDBPyConnection, source: Path, *, only_closed: bool) -> None:
    """Have the clean rows of a snapshot as the table `clean` and everything ready to be judged."""
    _hold_against_contract(database, source)
    where = "WHERE line_status = 'closed'" if only_closed else ""
    database.execute(f"CREATE TABLE clean AS FROM accepted {where}")
    database.execute(JUDGE)


def judge(database: duckdb.DuckDBPyConnection) -> None:
    """Judge the closed lines of `clean` into the table `tonights`."""
    database.execute("CREATE OR REPLACE TEMP TABLE tonights AS FROM judged")


def judged_table(database: duckdb.DuckDBPyConnection) -> pa.Table:
    """What `judge` found; a boolean that is null is an answer unknown."""
    return database.sql("FROM tonights").to_arrow_table()


def whole_night(source: Path, folder: Path, business_date: datetime.date, threads: int) -> None:
    """Copy a snapshot, hold it against its contract, judge it and write quarantine, evidence and plan to `folder`."""
    folder.mkdir()
    own = folder / "snapshot.parquet"
    shutil.copyfile(source, own)
    with own.open("rb") as file:
        (folder / "snapshot.sha256").write_text(hashlib.file_digest(file, "sha256").hexdigest())
    with connect(business_date, threads) as database:
        _hold_against_contract(database, own)
        _refuse_if_wrong(database)
        database.execute(f"COPY faulty TO '{folder}/quarantine.parquet' {AS_PARQUET}")
        database.execute("CREATE TEMP TABLE clean AS FROM accepted WHERE line_status = 'closed'")
        database.execute(JUDGE)
        database.execute(EVIDENCE)
        evidence = folder / "evidence.parquet"
        database.execute(f"COPY evidence TO '{evidence}' {AS_PARQUET}")
        for name in ("plan", "recoverable"):
            database.execute(f"COPY (FROM {name}('{evidence}')) TO '{folder}/{name}.parquet' {AS_PARQUET}")


def _hold_against_contract(database: duckdb.DuckDBPyConnection, source: Path) -> None:
    database.execute(f"CREATE VIEW lines AS FROM read_parquet('{source}', file_row_number = true)")
    database.execute(GATE)


def _refuse_if_wrong(database: duckdb.DuckDBPyConnection) -> None:
    others, rows = database.sql(
        "SELECT count(*) FILTER (business_date IS DISTINCT FROM tonight()), count(*) FROM lines"
    ).fetchall()[0]
    faulty = database.sql("SELECT count(*) FROM faulty").fetchall()[0][0]
    if others or faulty * 10_000 > QUARANTINED_SHARE_MAX_BP * rows:
        raise ValueError(f"{others} rows of another date, {faulty} of {rows} rows against the contract")
