"""The importer of a public data set: default of credit card clients, Taiwan 2005.

Source: I-Cheng Yeh, "Default of Credit Card Clients", UCI Machine Learning Repository, doi 10.24432/C55S3H, CC BY 4.0;
Yeh & Lien (2009), Expert Systems with Applications 36(2). The file is downloaded by whoever wants it and is not part of
this project.

Its columns turn into six month-end snapshots, April to September 2005. Each holds only what was known on its date: the
repayment status labelled month m is settled by the payment made in month m+1, so the snapshot at the end of month m
knows the statuses up to the one labelled m-1. Only the last, 30 September, also uses the status labelled September, as
the study does. Nothing is known of a status on 30 April: there it stays null.

There are no closings in the data. The lender of this world suspends a line at the first snapshot whose settled status
is two or more months late; every later snapshot shows it closed, with that date and the cause `credit_assessment`.
Sex, education, marriage and age are left out; the default of October stands in the truth only.
"""

import datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from schemas.vocabulary import AttributeType
from tasks.sample_data import SampleDataError
from tasks.sample_data.worlds import (
    TRUTH_SCHEMA,
    base_file,
    date_array,
    day_number,
    new_world,
    snapshot_schema,
    text_array,
    write_facts,
    write_parquet,
)

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

MONTH_ENDS: Final = tuple(
    datetime.date(2005, month, day) for month, day in ((4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30))
)
STATUS_COLUMNS: Final = ("PAY_6", "PAY_5", "PAY_4", "PAY_3", "PAY_2", "PAY_0")
STATEMENT_COLUMNS: Final = tuple(f"BILL_AMT{n}" for n in range(6, 0, -1))
PAYMENT_COLUMNS: Final = tuple(f"PAY_AMT{n}" for n in range(6, 0, -1))
"""The columns labelled April to September: the file counts backwards from September, and has no PAY_1."""

DEFAULT_COLUMN: Final = "default.payment.next.month"
NEEDED_COLUMNS: Final = (
    "ID",
    "LIMIT_BAL",
    *STATUS_COLUMNS,
    *STATEMENT_COLUMNS,
    *PAYMENT_COLUMNS,
    DEFAULT_COLUMN,
)
OUTCOME_ON: Final = datetime.date(2005, 10, 31)
SUSPENDED_AT_MONTHS: Final = 2
RATIO_MAX_BP: Final = 100_000

ATTRIBUTES: Final[dict[str, AttributeType]] = dict.fromkeys(
    (
        "payment_cents",
        "previous_balance_cents",
        "payment_ratio_bp",
        "new_spending_cents",
        "utilisation_bp",
        "months_past_due",
        "on_time_streak_months",
        "months_since_late",
        "months_since_two_late",
        "late_months_count",
        "two_late_months_count",
        "worst_months_past_due",
    ),
    AttributeType.INTEGER,
)
"""What a snapshot carries beside the core columns, in this order."""

_DOWNLOAD: Final = (
    "Get 'Default of Credit Card Clients' from the UCI Machine Learning Repository (doi 10.24432/C55S3H) and give it "
    "as Parquet, or as CSV saved from its .xls with the row that names ID, LIMIT_BAL, .. as header."
)


def import_uci(file: Path, world: Path) -> None:
    """Make a world of six month-end snapshots, 2005-04-30 to 2005-09-30, out of the public file.

    Amounts become cents of a New Taiwan dollar, the ID six digits of text, one row per client in the file's order.

    Args:
        file: the public data set as Parquet or CSV.
        world: the folder to make; it must not hold anything yet.

    Raises:
        SampleDataError: the file cannot be read, lacks columns, or holds what is not a whole number.
    """
    clients = _read(file)
    account_ids = pa.array(clients["ID"].map("{:06d}".format).tolist(), pa.string())
    closed_since = _closed_since(clients)
    schema = snapshot_schema(ATTRIBUTES)
    with new_world(world) as folder:
        for month, business_date in enumerate(MONTH_ENDS):
            columns = {"account_id": account_ids, **_core(clients, month, closed_since)}
            columns |= _attributes(clients, month)
            arrays = [columns[name] for name in schema.names]
            write_parquet(pa.Table.from_arrays(arrays, schema=schema), base_file(folder, business_date))
        write_parquet(_truth(clients, account_ids), folder / "truth.parquet")
        write_facts(
            folder,
            {
                "world": "uci-cards",
                "source": "doi 10.24432/C55S3H",
                "lines": len(clients),
                "dates": [day.isoformat() for day in MONTH_ENDS],
            },
        )


def _read(file: Path) -> pd.DataFrame:
    """The needed columns of the file as int64, one row per client."""
    table = _read_any(file)
    table.columns = [str(name).strip().replace(" ", ".") for name in table.columns]
    missing = [name for name in NEEDED_COLUMNS if name not in table.columns]
    if missing:
        msg = f"{file} lacks {len(missing)} of {len(NEEDED_COLUMNS)} needed columns: {', '.join(missing)}. {_DOWNLOAD}"
        raise SampleDataError(msg)
    whole = {name: _whole_numbers(table[name], file) for name in NEEDED_COLUMNS}
    clients = pd.DataFrame(whole)
    if clients.empty or clients["ID"].duplicated().any() or not clients["ID"].between(0, 999_999).all():
        msg = f"{file}: column ID must hold a different number of at most six digits in every row. {_DOWNLOAD}"
        raise SampleDataError(msg)
    if (clients["LIMIT_BAL"] <= 0).any():
        msg = f"{file}: column LIMIT_BAL must be above zero in every row. {_DOWNLOAD}"
        raise SampleDataError(msg)
    return clients


def _read_any(file: Path) -> pd.DataFrame:
    """The file as it stands; a CSV as text, without the row of X1, X2, .. that the .xls has above its names."""
    kind = file.suffix.lower()
    if kind not in (".parquet", ".csv") or not file.is_file():
        msg = f"{file} is no .parquet and no .csv file that exists. {_DOWNLOAD}"
        raise SampleDataError(msg)
    try:
        if kind == ".parquet":
            return pd.read_parquet(file)
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError):
        table = pd.DataFrame()
    if table.empty:
        msg = f"{file} holds no rows that can be read. {_DOWNLOAD}"
        raise SampleDataError(msg)
    if "ID" not in table.columns and "ID" in table.iloc[0].to_numpy():
        table.columns = table.iloc[0]
        table = table.iloc[1:]
    return table


def _whole_numbers(column: pd.Series, file: Path) -> Integers:
    """A column as int64."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(numbers) | (numbers != np.round(numbers))
    if wrong.any():
        msg = (
            f"{file}: column {column.name} is not a whole number in {int(wrong.sum())} of {len(wrong)} rows, "
            f"first in data row {int(wrong.argmax()) + 1}. {_DOWNLOAD}"
        )
        raise SampleDataError(msg)
    integers: Integers = numbers.astype(np.int64)
    return integers


def _settled(clients: pd.DataFrame, month: int) -> Integers:
    """Months late as settled by the end of `month` (0 is April): (lines, statuses), oldest first, on time as 0.

    April has none, September has those labelled April to September.
    """
    last = month == len(MONTH_ENDS) - 1
    known = STATUS_COLUMNS[: month + 1 if last else month]
    statuses: Integers = clients[list(known)].to_numpy(dtype=np.int64)
    return np.maximum(statuses, 0)


def _closed_since(clients: pd.DataFrame) -> Integers:
    """Per line the month (0 is April) at whose end it was suspended; 6 if it never was."""
    suspended = np.zeros((len(clients), len(MONTH_ENDS)), dtype=bool)
    for month in range(1, len(MONTH_ENDS)):
        suspended[:, month] = _settled(clients, month)[:, -1] >= SUSPENDED_AT_MONTHS
    first: Integers = suspended.argmax(axis=1)
    first[~suspended.any(axis=1)] = len(MONTH_ENDS)
    return first


def _core(clients: pd.DataFrame, month: int, closed_since: Integers) -> dict[str, pa.Array]:
    """The business date and the core columns at the end of `month`."""
    lines = len(clients)
    closed = closed_since <= month
    ends = np.array([day_number(day) for day in MONTH_ENDS])
    closed_on = ends[np.minimum(closed_since, len(ends) - 1)]
    nothing = np.zeros(lines, dtype=np.int64)
    if_closed = np.where(closed, 0, -1)
    return {
        "business_date": date_array(nothing + ends[month]),
        "product_code": text_array(nothing, ("credit_card",)),
        "customer_segment": text_array(nothing, ("consumer",)),
        "line_status": text_array(closed.astype(np.int64), ("open", "closed")),
        "closed_limit_cents": pa.array(clients["LIMIT_BAL"].to_numpy() * 100),
        "balance_cents": pa.array(clients[STATEMENT_COLUMNS[month]].to_numpy() * 100),
        "closed_on": date_array(closed_on, ~closed),
        "closure_cause": text_array(if_closed, ("credit_assessment",)),
        "closure_initiator": text_array(if_closed, ("issuer",)),
    }


def _attributes(clients: pd.DataFrame, month: int) -> dict[str, pa.Array]:
    """The attributes at the end of `month`, int64 with nulls where nothing is known."""
    return {
        name: pa.array(values, mask=unknown)
        for name, (values, unknown) in {**_amounts(clients, month), **_lateness(_settled(clients, month))}.items()
    }


def _amounts(clients: pd.DataFrame, month: int) -> dict[str, tuple[Integers, Booleans]]:
    """Amounts in cents and shares in basis points, each with where it is unknown.

    New spending is what the statement grew by beyond what the payment left of the last one.
    """
    never, first = np.zeros(len(clients), dtype=bool), np.full(len(clients), month == 0)
    limit, balance, payment = (
        clients[name].to_numpy(dtype=np.int64) * 100
        for name in ("LIMIT_BAL", STATEMENT_COLUMNS[month], PAYMENT_COLUMNS[month])
    )
    before = STATEMENT_COLUMNS[max(month - 1, 0)]
    previous = np.where(first, 0, clients[before].to_numpy(dtype=np.int64) * 100)
    ratio = np.minimum(payment * 10_000 // np.where(previous > 0, previous, 1), RATIO_MAX_BP)
    return {
        "payment_cents": (payment, never),
        "previous_balance_cents": (previous, first),
        "payment_ratio_bp": (ratio, (previous <= 0) | first),
        "new_spending_cents": (balance - (previous - payment), first),
        "utilisation_bp": (balance * 10_000 // limit, never),
    }


def _lateness(settled: Integers) -> dict[str, tuple[Integers, Booleans]]:
    """Months, and counts of months, from settled statuses (lines, statuses), each with where it is unknown.

    Months since are counted in statuses, 0 for the latest one; unknown where none of them is late.
    """
    lines, known = settled.shape
    nothing = np.full(lines, known == 0)
    if known == 0:
        settled = np.zeros((lines, 1), dtype=np.int64)
    late, two_late = settled >= 1, settled >= SUSPENDED_AT_MONTHS
    late_count, two_late_count = late.sum(axis=1), two_late.sum(axis=1)
    since_late, since_two_late = late[:, ::-1].argmax(axis=1), two_late[:, ::-1].argmax(axis=1)
    return {
        "months_past_due": (settled[:, -1], nothing),
        "on_time_streak_months": (np.where(late_count > 0, since_late, known), nothing),
        "months_since_late": (since_late, late_count == 0),
        "months_since_two_late": (since_two_late, two_late_count == 0),
        "late_months_count": (late_count, nothing),
        "two_late_months_count": (two_late_count, nothing),
        "worst_months_past_due": (settled.max(axis=1), nothing),
    }


def _truth(clients: pd.DataFrame, account_ids: pa.Array) -> pa.Table:
    """What October brought: who paid, and the month end by which the others had defaulted."""
    defaulted = clients[DEFAULT_COLUMN].to_numpy() == 1
    days = np.full(len(clients), day_number(OUTCOME_ON))
    return pa.Table.from_arrays([account_ids, pa.array(~defaulted), date_array(days, ~defaulted)], schema=TRUTH_SCHEMA)
