"""The physical shape of a snapshot: which columns a source must have, and as which types they may come."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from schemas.errors import SnapshotRefused
from schemas.vocabulary import AttributeType
from tasks.decisioning.expressions import did_you_mean
from tasks.partitions import ACCOUNT_ID, BUSINESS_DATE, source_names
from tasks.sources.source import Request

LISTED = "ledger_campaigns_used"
"""The one column that may come as a list of texts."""
_ACCEPTED_WORDS = {
    AttributeType.INTEGER: "a whole number (int8 to int64, uint8 to uint32)",
    AttributeType.NUMBER: "a number (float, double, or a whole number)",
    AttributeType.BOOLEAN: "a boolean",
    AttributeType.DATE: "a date (or timestamps without a zone, all at midnight)",
    AttributeType.CATEGORY: "text",
}


def refuse_wrong_columns(found: Mapping[str, Sequence[str]], request: Request, *, may_be_a_line: bool = False) -> None:
    """Refuse a snapshot if any of its files, or its table, has columns missing, unexpected or repeated.

    Args:
        found: the names of the columns, in the source's words, by where they were found.
        request: what is expected.
        may_be_a_line: the names stood in a text file, which, without its header, begins with the values of a line.
    """
    problems = {
        where: _problems_of_first_line(names, request) if may_be_a_line else _column_problems(names, request)
        for where, names in found.items()
    }
    _refuse(request, problems)


def refuse_wrong_shape(found: Mapping[str, pa.Schema], request: Request) -> None:
    """Refuse a snapshot if any of its files has other columns, or columns of other types, than expected."""
    problems = {
        where: [*_column_problems(schema.names, request), *_type_problems(schema, request)]
        for where, schema in found.items()
    }
    _refuse(request, problems)


def _refuse(request: Request, problems: Mapping[str, Sequence[str]]) -> None:
    """Say each problem once, with the first place that has it and in how many others it is."""
    places: dict[str, list[str]] = {}
    for where, messages in problems.items():
        for message in messages:
            places.setdefault(message, []).append(where)
    if not places:
        return
    lines = [
        f"- {message} ({where[0]}{f' and {len(where) - 1} more' if len(where) > 1 else ''})"
        for message, where in places.items()
    ]
    raise SnapshotRefused(
        f"the snapshot of {request.business_date} does not have the columns that the policy expects:\n"
        + "\n".join(lines)
        + "\nHave the source put right, or change the policy's attributes or `columns` in the portfolio file."
    )


def _problems_of_first_line(names: Sequence[str], request: Request) -> list[str]:
    """What is wrong with a header; what is hardly one is not quoted, for it may be somebody's values."""
    expected = set(source_names(request.columns, request.names).values())
    known = [name for name in names if name in expected]
    if 2 * len({*known}) >= len(expected) and 2 * (len(names) - len(known)) <= len(expected):
        return _column_problems(names, request)
    others = len(names) - len(known)
    strange = f"the first line has {others} cells that are no column's name, and are not shown: is its header missing?"
    return [*_column_problems(known, request), strange]


def _column_problems(names: Sequence[str], request: Request) -> list[str]:
    in_source = source_names(request.columns, request.names)
    expected = set(in_source.values())
    unexpected = [name for name in dict.fromkeys(names) if name not in expected]
    problems = [f"column '{name}' stands twice" for name in dict.fromkeys(names) if list(names).count(name) > 1]
    for ours, name in in_source.items():
        if name not in names:
            kind = request.columns.get(ours, "text")
            mapped = f", which the portfolio file maps to '{ours}'," if name != ours else ""
            problems.append(f"column '{name}'{mapped} is missing ({kind}){did_you_mean(name, unexpected)}")
    missing = [name for name in expected if name not in names]
    problems += [f"column '{name}' is not expected{did_you_mean(name, missing)}" for name in unexpected]
    return problems


def _type_problems(schema: pa.Schema, request: Request) -> list[str]:
    problems = []
    for ours, name in source_names(request.columns, request.names).items():
        if schema.names.count(name) != 1:
            continue
        found = schema.field(name).type
        if ours == ACCOUNT_ID:
            if not _is_text(found):
                problems.append(f"column '{name}' is {found}, expected text: an id is text, whatever its digits")
        elif ours == LISTED and _is_list_of_text(found):
            continue
        elif not _accepts(request.columns[ours], found, may_be_empty=ours != BUSINESS_DATE):
            problems.append(f"column '{name}' is {found}, expected {_ACCEPTED_WORDS[request.columns[ours]]}")
    return problems


def _accepts(kind: AttributeType, found: pa.DataType, *, may_be_empty: bool) -> bool:
    if pa.types.is_null(found):
        return may_be_empty
    whole = pa.types.is_integer(found) and found != pa.uint64()
    match kind:
        case AttributeType.INTEGER:
            return whole
        case AttributeType.NUMBER:
            return whole or found in (pa.float32(), pa.float64())
        case AttributeType.BOOLEAN:
            return pa.types.is_boolean(found)
        case AttributeType.DATE:
            return pa.types.is_date(found) or (pa.types.is_timestamp(found) and found.tz is None)
        case AttributeType.CATEGORY:
            return _is_text(found)


def _is_list_of_text(found: pa.DataType) -> bool:
    is_list = pa.types.is_list(found) or pa.types.is_large_list(found)
    return is_list and (_is_text(found.value_type) or pa.types.is_null(found.value_type))


def _is_text(found: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    return pa.types.is_string(found) or pa.types.is_large_string(found)
