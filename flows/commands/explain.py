"""`reinstate explain`: one line of a published night, in words for whoever is on the phone with its customer."""

import datetime
import json
from typing import TYPE_CHECKING, NoReturn

import click

from flows.commands.options import ISO_DATE
from schemas.errors import ConfigurationError, ReinstateError

if TYPE_CHECKING:
    from schemas.explanation import Explanation


@click.command()
@click.argument("account")
@click.option("--portfolio", help="The line's portfolio; may be left out where only one has published that night.")
@click.option("--business-date", type=ISO_DATE, help="A published night; without it the last one.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Default: the portfolio's language.")
@click.option("--json", "as_json", is_flag=True, help="Codes, cents and dates for a program instead of words.")
def explain(
    account: str, portfolio: str | None, business_date: datetime.datetime | None, language: str | None, as_json: bool
) -> None:
    """Say of ACCOUNT what a published night decided, why, and what would open the line.

    Nothing is changed. The output names the account and what is known of it: treat it like the customer's file.
    What cannot be explained is said with exit status 1, or 2 if the portfolio has to be named; with --json as an object
    with the one key "error", on standard output like an explanation.
    """
    from tasks.explaining import explain as gather

    try:
        explanation = gather(account, portfolio, business_date.date() if business_date else None)
        if as_json:
            click.echo(explanation.model_dump_json(indent=2))
        else:
            click.echo(_in_words(explanation, language), nl=False)
    except ReinstateError as error:
        _refuse(error, portfolio, language, as_json=as_json)


def _refuse(error: ReinstateError, portfolio: str | None, language: str | None, *, as_json: bool) -> NoReturn:
    """Say why not, in the language that an explanation would have had."""
    from tasks.explanation_refusals import REFUSALS, NotExplained, PortfolioUnclear

    language = language or _language_of(portfolio)
    message = error.said(language) if isinstance(error, NotExplained | PortfolioUnclear) else str(error)
    if as_json:
        click.echo(json.dumps({"error": message}, ensure_ascii=False))
    else:
        click.echo(REFUSALS[language]["error"].format(message=message), err=True)
    raise SystemExit(2 if isinstance(error, ConfigurationError) else 1) from error


def _language_of(portfolio: str | None) -> str:
    from tasks import nights

    try:
        return nights.portfolio_of(portfolio).language if portfolio else "en"
    except ConfigurationError:
        return "en"


def _in_words(explanation: "Explanation", language: str | None) -> str:
    from schemas.vocabulary import RunStatus
    from tasks import nights
    from tasks.explanation_text import write_explanation
    from tasks.series_words import load_words
    from tasks.settings import settings

    book = nights.portfolio_of(explanation.portfolio)
    language = language or book.language
    rules = nights.rules_of(nights.recall(explanation.portfolio, explanation.business_date, RunStatus.PUBLISHED).run)
    series = settings().deployments / "policies" / explanation.policy
    templates = settings().deployments / "templates"
    own_words = load_words(series, language)
    return write_explanation(explanation, rules, nights.reasons_of(book), own_words, language, templates)
