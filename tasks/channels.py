"""Channels: where notices go.

The file channel leaves one file of JSON lines per audience and batch, whole or not at all, for a mail house or a core
system to fetch. Writing it again gives the same file, so an interrupted delivery loses and doubles nothing.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import RowMapping

from schemas.vocabulary import Audience
from tasks.whole_files import write_whole


class FileChannel:
    """Delivers to `<directory>/<audience>/<batch>.jsonl`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def deliver(self, audience: Audience, batch: str, notices: Sequence[RowMapping]) -> Path:
        """Write all of a batch's notices to one audience, in ledger order; return the file.

        Raises:
            OSError: the file cannot be written, and is named; nothing new is left.
        """
        folder = self.directory / audience.value
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{batch}.jsonl"
        lines = (json.dumps(_line(notice), ensure_ascii=False) + "\n" for notice in notices)
        write_whole(path, lambda sink: sink.writelines(line.encode() for line in lines))
        return path


def _line(notice: RowMapping) -> dict[str, object]:
    return {
        "notice_id": notice["notice_id"],
        "sequence": notice["sequence"],
        "kind": notice["kind"],
        "account_id": notice["account_id"],
        "business_date": str(notice["business_date"]),
        **notice["content"],
    }
