"""`reinstate explain`: one line of a published night, in words for whoever is on the phone with its customer."""

import datetime

import click

from flows.commands.options import ISO_DATE


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
    """
    from schemas.vocabulary import RunStatus
    from tasks import nights
    from tasks.explaining import explain as gather

    explanation = gather(account, portfolio, business_date.date() if business_date else None)
    if as_json:
        click.echo(explanation.model_dump_json(indent=2))
        return
    from tasks.explanation_text import write_explanation
    from tasks.series_words import load_words
    from tasks.settings import settings

    book = nights.portfolio_of(explanation.portfolio)
    language = language or book.language
    rules = nights.rules_of(nights.recall(explanation.portfolio, explanation.business_date, RunStatus.PUBLISHED).run)
    series = settings().deployments / "policies" / explanation.policy
    templates = settings().deployments / "templates"
    own_words = load_words(series, language)
    click.echo(write_explanation(explanation, rules, nights.reasons_of(book), own_words, language, templates), nl=False)
