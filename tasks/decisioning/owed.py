"""Which notices a transition owes, and to whom."""

from schemas.vocabulary import WITHDRAW, Audience, Decision, NoticeKind

Owed = tuple[tuple[Audience, NoticeKind], ...]

OWED: dict[str, Owed] = {
    Decision.REOPEN: (
        (Audience.CORE_SYSTEM, NoticeKind.REOPEN_REQUEST),
        (Audience.CUSTOMER, NoticeKind.LINE_REOPENED),
    ),
    Decision.REOPEN_TEMPORARILY: (
        (Audience.CORE_SYSTEM, NoticeKind.REOPEN_REQUEST),
        (Audience.CUSTOMER, NoticeKind.LINE_TEMPORARILY_REOPENED),
    ),
    Decision.EXPIRE: (
        (Audience.CORE_SYSTEM, NoticeKind.CLOSE_REQUEST),
        (Audience.CUSTOMER, NoticeKind.TEMPORARY_LINE_EXPIRED),
    ),
    Decision.RECLOSE: (
        (Audience.CORE_SYSTEM, NoticeKind.CLOSE_REQUEST),
        (Audience.CUSTOMER, NoticeKind.LINE_RECLOSED),
    ),
    WITHDRAW: (
        (Audience.CORE_SYSTEM, NoticeKind.CLOSE_REQUEST),
        (Audience.CUSTOMER, NoticeKind.LINE_WITHDRAWN),
    ),
}
"""For every transition what is owed, the request to the core system first: customers hear of what it accepted."""

LEFT_OPEN: Owed = (
    (Audience.CORE_SYSTEM, NoticeKind.REOPEN_REQUEST),
    (Audience.CUSTOMER, NoticeKind.CORRECTION_LINE_OPEN),
)
LEFT_CLOSED: Owed = (
    (Audience.CORE_SYSTEM, NoticeKind.CLOSE_REQUEST),
    (Audience.CUSTOMER, NoticeKind.CORRECTION_LINE_CLOSED),
)
"""What is owed where a revision of a night takes a transition back, by what the line is as it was before."""
