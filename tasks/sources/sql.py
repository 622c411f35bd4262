"""Snapshots from a table or a query: one consistent read, in ranges of ids, as typed batches."""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    bindparam,
    column,
    func,
    select,
    table,
    text,
    true,
)
from sqlalchemy.sql import quoted_name

from schemas.errors import ConfigurationError, SnapshotRefused
from schemas.handles import Snapshot
from schemas.portfolio import SqlSource
from schemas.vocabulary import AttributeType
from tasks.partitions import ACCOUNT_ID, BUSINESS_DATE, source_names
from tasks.sources.databases import consistent_read, read_engine
from tasks.sources.physical_shape import refuse_wrong_columns
from tasks.sources.private_copy import Filled, Piece, file_hash, refuse_other_dates, take_copy
from tasks.sources.row_values import column_of_values
from tasks.sources.source import Request
from tasks.sources.writing import FILE_NAME, PartitionWriter, copy_schema

RANGE_ROWS: Final = 100_000
BATCH_ROWS: Final = 20_000
DATE_PARAMETER: Final = "business_date"

_STREAMED: Final = {"stream_results": True, "max_row_buffer": BATCH_ROWS}
_TABLE_NAME: Final = re.compile(r"[^.]+(\.[^.]+)?")
_ALIAS: Final = "delivered"


class SqlSnapshots:
    """The snapshots of one table or query; a table may hold many business dates."""

    def __init__(self, portfolio: str, address: str, source: SqlSource, names: Mapping[str, str]) -> None:
        self._portfolio = portfolio
        self._engine = read_engine(address)
        self._names = names
        self._table = _table_name(source.table) if source.table else None
        self._query = source.query.strip().rstrip(";") + "\n" if source.query else ""
        self._is_dated = _takes_date(self._query)
        self._has_own_types = self._engine.dialect.name != "sqlite"

    def dates(self) -> list[datetime.date]:
        """The business dates that are there; empty for a query that asks for its date. See `Source.dates`."""
        if self._is_dated:
            return []
        name = source_names({BUSINESS_DATE: AttributeType.DATE}, self._names)[BUSINESS_DATE]
        date = _column(name)
        statement = select(date).distinct().select_from(self._relation([name])).where(date.is_not(None))
        found = consistent_read(self._engine, lambda connection: connection.execute(statement).scalars().all())
        values = column_of_values(name, found, AttributeType.DATE, has_own_types=self._has_own_types)
        return sorted(values.to_pylist())

    def take(
        self,
        business_date: datetime.date,
        columns: Mapping[str, AttributeType],
        target: Path,
        rows_per_partition: int,
    ) -> Snapshot:
        """See `Source.take`."""
        request = Request(self._portfolio, business_date, columns, target, rows_per_partition, self._names)
        return take_copy(request, lambda copy: self._fill(copy, request))

    def _fill(self, copy: Path, request: Request) -> Filled:
        pieces = consistent_read(self._engine, lambda connection: self._write(connection, copy, request))
        return Filled(pieces, (file_hash(copy / FILE_NAME),))

    def _write(self, connection: Connection, copy: Path, request: Request) -> tuple[Piece, ...]:
        date_name = source_names(request.columns, request.names)[BUSINESS_DATE]
        refuse_wrong_columns({self._table or "the query": self._columns(connection, request)}, request)
        self._refuse_undated(connection, request, date_name)
        others = rows = 0
        with PartitionWriter(copy, copy_schema(request), request.rows_per_partition) as writer:
            for values in self._batches(connection, request):
                typed = _typed(values, request, has_own_types=self._has_own_types)
                same = pc.sum(pc.equal(typed[date_name], pa.scalar(request.business_date))).as_py() or 0
                others += len(typed) - same
                rows += len(typed)
                writer.write(typed)
        refuse_other_dates(others, rows, request.business_date)
        return writer.pieces

    def _columns(self, connection: Connection, request: Request) -> list[str]:
        """The columns that are there, asked for without any row."""
        everything = select(text("*")).select_from(self._relation([], request.business_date)).limit(0)
        result = connection.execute(everything)
        return [str(description[0]) for description in result.cursor.description or ()] if result.cursor else []

    def _refuse_undated(self, connection: Connection, request: Request, date_name: str) -> None:
        """Rows without a date belong to no night, so asking for one date would lose them."""
        if self._is_dated:
            return
        undated = select(func.count()).select_from(self._relation([date_name])).where(_column(date_name).is_(None))
        if count := connection.scalar(undated):
            raise SnapshotRefused(
                f"{count} rows have no {date_name}, so that nobody can say to which night they belong; put them right "
                f"in the source (asked for {request.business_date})"
            )

    def _relation(self, names: Sequence[str], business_date: datetime.date | None = None) -> FromClause:
        """What is selected from: the table, every part of its name quoted, or the query in brackets."""
        columns = [_column(name) for name in names]
        if self._table:
            *schema, name = (quoted_name(part, quote=True) for part in self._table.split("."))
            return table(name, *columns, schema=schema[0] if schema else None)
        query = text(self._query)
        if self._is_dated:
            query = query.bindparams(bindparam(DATE_PARAMETER, business_date, Date()))
        return query.columns(*columns).subquery(_ALIAS)

    def _batches(self, connection: Connection, request: Request) -> Iterator[dict[str, Sequence[Any]]]:
        """The rows of the business date as columns of values, a batch at a time."""
        in_source = source_names(request.columns, request.names)
        names = list(in_source.values())
        relation = self._relation(names, request.business_date)
        account_id, date = _column(in_source[ACCOUNT_ID]), in_source[BUSINESS_DATE]
        wanted = true() if self._is_dated else column(quoted_name(date, quote=True), Date()) == request.business_date
        rows = select(*(_column(name) for name in names)).select_from(relation).where(wanted)
        for part in self._ranges(connection, relation, account_id, wanted):
            result = connection.execute(rows.where(part).order_by(account_id), execution_options=_STREAMED)
            for batch in result.partitions(BATCH_ROWS):
                yield dict(zip(names, zip(*batch, strict=True), strict=True))

    def _ranges(
        self, connection: Connection, relation: FromClause, account_id: ColumnElement[Any], wanted: ColumnElement[bool]
    ) -> Iterator[ColumnElement[bool]]:
        """Conditions that split a table by id so that every row meets exactly one; a query is run once and whole.

        A range ends at an id, not after a number of rows: rows with one id are never torn apart. Rows without an id
        come last.
        """
        if not self._table:
            yield true()
            return
        beyond: ColumnElement[bool] = account_id.is_not(None)
        while True:
            ids = select(account_id.label("id")).select_from(relation).where(wanted, beyond)
            last = connection.scalar(select(func.max(ids.order_by(account_id).limit(RANGE_ROWS).subquery().c.id)))
            if last is None:
                break
            yield beyond & (account_id <= last)
            beyond = account_id > last
        yield account_id.is_(None)


def _column(name: str) -> ColumnClause[Any]:
    return column(quoted_name(name, quote=True))


def _table_name(name: str) -> str:
    if not _TABLE_NAME.fullmatch(name):
        raise ConfigurationError(
            "source.table is a table or schema.table, with one dot at most; use a query for anything else"
        )
    return name


def _takes_date(query: str) -> bool:
    """Whether a query asks for its business date; nothing else can be asked for."""
    asked = set(text(query).compile().params)
    if unknown := asked - {DATE_PARAMETER}:
        raise ConfigurationError(
            f"source.query asks for :{', :'.join(sorted(unknown))}; it may ask for :{DATE_PARAMETER} only "
            r"(write \: for a colon that asks for nothing)"
        )
    return bool(asked)


def _typed(values: Mapping[str, Sequence[Any]], request: Request, *, has_own_types: bool) -> pa.Table:
    kinds = {ACCOUNT_ID: AttributeType.CATEGORY, **request.columns}
    arrays = {
        name: column_of_values(name, values[name], kinds[ours], has_own_types=has_own_types)
        for ours, name in source_names(request.columns, request.names).items()
    }
    return pa.table(arrays, schema=copy_schema(request))
