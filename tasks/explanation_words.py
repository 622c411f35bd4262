"""The vocabulary of an explanation in English and Chinese; sentences stand in the templates."""

# ruff: noqa: RUF001 - Chinese signs are meant

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.vocabulary import Answer, Decision, Route
from tasks import wording

Known = Mapping[str, str]


@dataclass(frozen=True)
class Vocabulary:
    """Words by code, the same codes in every language.

    `by_hand` are the transitions that no night decides by itself, `faults` are the contract's own words of what is wrong with a cell, `units` are one and many, and `phrases` have places
    to fill.
    """

    decisions: Known
    by_hand: Known
    routes: Known
    causes: Known
    initiators: Known
    answers: Known
    faults: Known
    columns: Known
    units: Mapping[str, tuple[str, str]]
    phrases: Known


ENGLISH: Final = Vocabulary(
    decisions=wording.DECISIONS,
    by_hand={"withdraw": "Withdrawn by a person", "reverse": "Taken back by a revision of the night"},
    routes=wording.ROUTES,
    causes=wording.CAUSES,
    initiators={"issuer": "the lender", "customer": "the customer"},
    answers={Answer.PASS: "Met", Answer.FAIL: "Not met", Answer.UNKNOWN: "Not known"},
    faults={
        fault: fault
        for fault in (
            "is missing",
            "stands on more than one row",
            "is after the business date",
            "is missing or negative",
            "is outside what is allowed",
            "is missing on a closed line",
            "is longer than 256 characters or holds control characters",
            "is larger than 10^13 in size",
            "does not read as its type",
        )
    },
    columns={
        "account_id": "account number",
        "business_date": "business date",
        "line_status": "status of the line",
        "product_code": "product",
        "customer_segment": "customer group",
        "closed_limit_cents": "limit when closed",
        "balance_cents": "balance",
        "closed_on": "day of the closing",
        "closure_cause": "cause of the closing",
        "closure_initiator": "closed by",
        "ledger_reopens_365d_count": "reopenings in 365 days",
        "ledger_reopens_1825d_count": "reopenings in 1,825 days",
        "ledger_temporary_365d_count": "temporary reopenings in 365 days",
        "ledger_recoverable_nights_count": "nights in a row that met everything",
    },
    units={"days": ("day", "days"), "months": ("month", "months"), "years": ("year", "years")},
    phrases={
        "==": "{left}: {right}",
        "!=": "{left}: not {right}",
        "<": "{left}: below {right}",
        "<=": "{left}: at most {right}",
        ">": "{left}: above {right}",
        ">=": "{left}: at least {right}",
        "day ==": "{left}: on {right}",
        "day !=": "{left}: not on {right}",
        "day <": "{left}: before {right}",
        "day <=": "{left}: {right} or before",
        "day >": "{left}: after {right}",
        "day >=": "{left}: {right} or after",
        "ago ==": "{left}: exactly {right} ago",
        "ago !=": "{left}: not {right} ago",
        "ago <": "{left}: less than {right} ago",
        "ago <=": "{left}: at most {right} ago",
        "ago >": "{left}: more than {right} ago",
        "ago >=": "{left}: at least {right} ago",
        "missing": "{left}: none on record",
        "known": "{left}: on record",
        "in": "{left}: {right}",
        "not": "not ({left})",
        "so": "{left}: yes",
        "not so": "{left}: no",
        "no count": "none",
        "since": "days since {left}",
        "all": " and ",
        "any": ", or ",
        "comma": ", ",
        "list": " or ",
        "brackets": "({left})",
        "true": "yes",
        "false": "no",
        "found": "{left}: {right}",
        "ago": "{left} ({right} ago)",
        "ahead": "{left} (in {right})",
        "from to": "{left}: from {low} to below {high}",
        "none": "{left}: none on record",
        "unknown": "{left}: not known",
        "undated": "{left}: not known, nobody noted when it was observed",
        "too old": "{left}: not known since {since}; what was observed on {on}, {right}, counts for {days}",
        "cap": "the limit is at most {left}",
        "sentence": "{left}.",
        "probation": "Nothing calls for closing a reopened line again.",
    },
)

CHINESE: Final = Vocabulary(
    decisions={
        Decision.REOPEN: "恢复",
        Decision.REOPEN_TEMPORARILY: "临时恢复",
        Decision.KEEP_CLOSED: "保持关闭",
        Decision.REFER: "转人工处理",
        Decision.EXPIRE: "到期结束",
        Decision.RECLOSE: "再次关闭",
        Decision.KEEP_TEMPORARY: "临时额度继续有效",
        Decision.KEEP_OPEN: "保持开通",
    },
    by_hand={"withdraw": "由工作人员撤回", "reverse": "因当晚评估修订而撤销"},
    routes={Route.REEVALUATION: "重新评估", Route.APPEAL: "申诉", Route.CAMPAIGN: "活动"},
    causes={
        "credit_assessment": "信用评估",
        "policy_tightening": "政策收紧",
        "product_operation": "产品运营",
        "abnormal_behaviour": "行为异常",
        "customer_request": "客户要求",
    },
    initiators={"issuer": "机构", "customer": "客户本人"},
    answers={Answer.PASS: "符合", Answer.FAIL: "不符合", Answer.UNKNOWN: "不明"},
    faults={
        "is missing": "缺失",
        "stands on more than one row": "在多行中重复出现",
        "is after the business date": "晚于业务日期",
        "is missing or negative": "缺失或为负数",
        "is outside what is allowed": "超出允许范围",
        "is missing on a closed line": "额度已关闭但该项缺失",
        "is longer than 256 characters or holds control characters": "超过 256 个字符或含有控制字符",
        "is larger than 10^13 in size": "数值过大",
        "does not read as its type": "格式无法识别",
    },
    columns={
        "account_id": "账号",
        "business_date": "业务日期",
        "line_status": "额度状态",
        "product_code": "产品",
        "customer_segment": "客户类别",
        "closed_limit_cents": "关闭时额度",
        "balance_cents": "余额",
        "closed_on": "关闭日",
        "closure_cause": "关闭原因",
        "closure_initiator": "关闭方",
        "ledger_reopens_365d_count": "近 365 天恢复次数",
        "ledger_reopens_1825d_count": "近 1,825 天恢复次数",
        "ledger_temporary_365d_count": "近 365 天临时恢复次数",
        "ledger_recoverable_nights_count": "连续符合全部条件的晚数",
    },
    units={"days": ("天", "天"), "months": ("个月", "个月"), "years": ("年", "年")},
    phrases={
        "==": "{left}为 {right}",
        "!=": "{left}不是 {right}",
        "<": "{left}低于 {right}",
        "<=": "{left}不超过 {right}",
        ">": "{left}高于 {right}",
        ">=": "{left}至少 {right}",
        "day ==": "{left}为 {right}",
        "day !=": "{left}不是 {right}",
        "day <": "{left}早于 {right}",
        "day <=": "{left}不晚于 {right}",
        "day >": "{left}晚于 {right}",
        "day >=": "{left}不早于 {right}",
        "ago ==": "{left}距今正好 {right}",
        "ago !=": "{left}距今不是 {right}",
        "ago <": "{left}距今少于 {right}",
        "ago <=": "{left}距今不超过 {right}",
        "ago >": "{left}距今超过 {right}",
        "ago >=": "{left}距今至少 {right}",
        "missing": "没有{left}的记录",
        "known": "有{left}的记录",
        "in": "{left}为 {right}",
        "not": "并非（{left}）",
        "so": "{left}",
        "not so": "并非{left}",
        "no count": "0",
        "since": "{left}距今天数",
        "all": "且",
        "any": "，或",
        "comma": "、",
        "list": "或",
        "brackets": "（{left}）",
        "true": "是",
        "false": "否",
        "found": "{left}：{right}",
        "ago": "{left}（{right}前）",
        "ahead": "{left}（{right}后）",
        "from to": "{left}不低于 {low} 且低于 {high}",
        "none": "{left}：没有记录",
        "unknown": "{left}：不明",
        "undated": "{left}：不明，没有记录观测日期",
        "too old": "{left}：自 {since}起不明；{on}的数据（{right}）有效 {days}",
        "cap": "额度不超过{left}",
        "sentence": "{left}。",
        "probation": "没有须再次关闭已恢复额度的情形。",
    },
)

VOCABULARIES: Final[Mapping[str, Vocabulary]] = {"en": ENGLISH, "zh": CHINESE}
