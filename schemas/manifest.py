"""The shape of a manifest: what whoever delivers a snapshot as files says about it."""

import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Count = Annotated[int, Field(ge=0)]


class ManifestFile(BaseModel):
    """One file of a delivery; the name has no folder in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    rows: Count | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = None


class Manifest(BaseModel):
    """One delivery: its business date and, where the source knows them, its files and how many rows they hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    business_date: datetime.date
    row_count: Count | None = None
    files: tuple[ManifestFile, ...] | None = None
