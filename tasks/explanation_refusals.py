"""Why nothing can be explained, in the language that was asked for."""

# ruff: noqa: RUF001 - Chinese signs are meant

from collections.abc import Mapping
from typing import Final

from schemas.errors import ConfigurationError, NightRefused

ENGLISH: Final[Mapping[str, str]] = {
    "unknown_account": (
        "this account is not in the snapshot of {portfolio} of {night}, and the ledger has never held it. "
        "Check the number as the core system writes it (capitals and leading zeros count), the portfolio and the date."
    ),
    "nothing_published": "no night of {portfolio} has been published yet, so there is nothing to explain",
    "never_run": (
        "the night of {night} of {portfolio} was never run, so it decided nothing. The last night published is {last}."
    ),
    "not_published": (
        "the night of {night} of {portfolio} was not published ({status}), so it decided nothing. "
        "The last night published is {last}."
    ),
    "no_portfolio": "no portfolio has published {night}; portfolios are {portfolios}",
    "many_portfolios": "{count} portfolios have published {night}: name one of {portfolios}",
    "any_night": "any night",
    "the_night": "the night of {night}",
    "none": "none",
    "error": "Error: {message}",
}
CHINESE: Final[Mapping[str, str]] = {
    "unknown_account": (
        "{portfolio} 在 {night} 的数据中没有该账号，变更记录中也从未有过。"
        "请核对账号（须与核心系统的写法一致，区分大小写，包括开头的零）、组合和日期。"
    ),
    "nothing_published": "{portfolio} 还没有已发布的夜间评估，无法说明。",
    "never_run": "{portfolio} 没有运行过 {night} 的夜间评估，因此没有作出决定。最近一次已发布的是 {last}。",
    "not_published": (
        "{portfolio} 在 {night} 的夜间评估没有发布（{status}），因此没有作出决定。最近一次已发布的是 {last}。"
    ),
    "no_portfolio": "没有任何组合发布过{night}；现有组合：{portfolios}。",
    "many_portfolios": "有 {count} 个组合发布过{night}：请指定其中一个：{portfolios}。",
    "any_night": "夜间评估",
    "the_night": " {night} 的夜间评估",
    "none": "无",
    "error": "错误：{message}",
}
STATUSES: Final[Mapping[str, str]] = {
    "started": "已开始",
    "refused": "被拒绝",
    "failed": "失败",
    "held": "等待人工放行",
    "planned": "已计划",
    "discarded": "已放弃",
}
"""What became of a night that was not published, in Chinese."""
REFUSALS: Final = {"en": ENGLISH, "zh": CHINESE}


class _InWords(Exception):
    """Says itself in a language; as an error it says itself in English."""

    def __init__(self, code: str, **places: object) -> None:
        self.code, self.places = code, places
        super().__init__(self.said("en"))

    def said(self, language: str) -> str:
        """Why, in `en` or `zh`."""
        known = REFUSALS[language]
        night, names = self.places.get("night"), self.places.get("portfolios")
        places = dict(self.places)
        if names is not None:
            places["portfolios"] = ("、" if language == "zh" else ", ").join(names) or known["none"]  # type: ignore[arg-type]
            places["night"] = known["the_night"].format(night=night) if night else known["any_night"]
        if language == "zh" and "status" in places:
            places["status"] = STATUSES.get(str(places["status"]), places["status"])
        return known[self.code].format(**places)


class NotExplained(_InWords, NightRefused):
    """There is nothing to explain about this account and night."""


class PortfolioUnclear(_InWords, ConfigurationError):
    """The portfolio has to be named."""
