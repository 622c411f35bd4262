"""The shape of a portfolio file: one book of credit lines, its calendar, and where its snapshots come from."""

import datetime
import zoneinfo
from enum import StrEnum
from functools import cache
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from schemas.policy import BasisPoints, Shape, Text

PORTFOLIO_NAME: Final = r"^[a-z0-9][a-z0-9_-]*$"

PortfolioName = Annotated[str, StringConstraints(pattern=PORTFOLIO_NAME, max_length=64)]
SeriesName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
BlockName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=200)]
Share = Annotated[BasisPoints, Field(le=10_000)]


class Calendar(StrEnum):
    """The dates on which a portfolio has a night."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    MONTH_END = "month_end"
    AS_DELIVERED = "as_delivered"


class FolderSource(Shape):
    """Files in a folder, one snapshot per business date; `path` is absolute or starts in the data directory."""

    kind: Literal["folder"]
    path: Text


class DatabaseAddress(Shape):
    """Where the address of a database is kept: one of the two, and never the address itself."""

    environment: EnvironmentName | None = None
    secret_block: BlockName | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_address(cls, value: object) -> object:
        if not isinstance(value, dict):
            msg = "an address may hold a password: write {environment: NAME} or {secret_block: NAME} to say where it is"
            raise ValueError(msg)  # noqa: TRY004 - pydantic takes value errors
        return value

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.environment is None) == (self.secret_block is None):
            msg = "name environment or secret_block, one of the two"
            raise ValueError(msg)
        return self


class SqlSource(Shape):
    """A table (`name` or `schema.name`) or a query that may use `:business_date`."""

    kind: Literal["sql"]
    url: DatabaseAddress
    table: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    query: Annotated[str, StringConstraints(min_length=1, max_length=100_000)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.table is None) == (self.query is None):
            msg = "has table or query, one of the two"
            raise ValueError(msg)
        return self


class StandInSource(Shape):
    """A sample world whose stand-in core system writes each snapshot when it is asked for."""

    kind: Literal["stand_in"]
    world: Text


SnapshotSource = Annotated[FolderSource | SqlSource | StandInSource, Field(discriminator="kind")]


class Caps(Shape):
    """What a night may do without a person having looked at it; above any of these it is held.

    `people` is how many different people release or discard a held plan; with `people_proven` a name that is only claimed
    (`--by`) does not count, only that of the account that runs the command. Shares are basis points: of the closed lines
    judged, of the rows, of the usual number of rows. `score_stability_max` bounds the population stability index of the
    scores against recent nights; 0.1 is a small shift, 0.25 a large one.
    """

    reopened_lines_max: Annotated[int, Field(ge=0)] | None = None
    reopened_share_max_bp: Share | None = None
    reopened_limit_max_cents: Annotated[int, Field(ge=0, le=10**15)] | None = None
    quarantined_share_max_bp: Share | None = None
    row_count_change_max_bp: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    score_stability_max: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    people: Literal[1, 2] = 1
    people_proven: bool = False


KeptDays = Annotated[int, Field(ge=1, le=36_500)]


class Retention(Shape):
    """For how many days after its business date the files of a night are kept; what is left out is kept for ever.

    `quarantine_days` is for the rows set aside, `evidence_days` for all that names accounts, those rows too.
    """

    quarantine_days: KeptDays | None = None
    evidence_days: KeptDays | None = None

    @model_validator(mode="after")
    def _quarantine_is_evidence(self) -> Self:
        if self.quarantine_days and self.evidence_days and self.evidence_days < self.quarantine_days:
            msg = (
                f"evidence_days {self.evidence_days} is less than quarantine_days {self.quarantine_days}: the rows set aside go "
                "with the evidence at the latest; write quarantine_days of at most evidence_days, or leave it out"
            )
            raise ValueError(msg)
        return self


class Portfolio(Shape):
    """One book: one currency, one time zone, one snapshot source, one policy series.

    `language` is that of notices and reports. `columns` leads from a column's name in the source to its name here; shares
    are basis points.
    """

    portfolio: PortfolioName
    title: Text
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    time_zone: Text
    language: Literal["en", "zh"] = "en"
    policy: SeriesName
    calendar: Annotated[Calendar, Field(strict=False)]
    first_business_date: datetime.date
    source: SnapshotSource
    columns: dict[Text, ColumnName] = Field(default_factory=dict)
    quarantined_share_max_bp: Share = 100
    caps: Caps = Caps()
    retention: Retention = Retention()
    activation_grace_days: Annotated[int, Field(ge=0, le=3650)] = 3
    kept_closed_notices_from: datetime.date
    partition_rows: Annotated[int, Field(ge=1000, le=5_000_000)] = 250_000
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        if name not in _time_zones():
            msg = f"'{name}' is not a time zone; write one such as Europe/Berlin or Asia/Shanghai"
            raise ValueError(msg)
        return name

    @field_validator("columns")
    @classmethod
    def _names_differ(cls, columns: dict[str, str]) -> dict[str, str]:
        repeated = sorted({name for name in columns.values() if list(columns.values()).count(name) > 1})
        if repeated:
            msg = f"{', '.join(repeated)} stands for more than one column of the source"
            raise ValueError(msg)
        return columns


@cache
def _time_zones() -> set[str]:
    """The names of all time zones: looking for them opens hundreds of files."""
    return zoneinfo.available_timezones()
