"""What several commands ask for in the same way."""

from typing import TYPE_CHECKING

import click

from schemas.errors import NoticesOutstanding

if TYPE_CHECKING:
    from schemas.handles import NightResult

ISO_DATE = click.DateTime(formats=["%Y-%m-%d"])


def show_result(result: "NightResult") -> None:
    """Say how a night ended that was not run by a flow.

    Raises:
        NoticesOutstanding: it is done as it was said, but notices still wait.
    """
    click.echo(f"{result.business_date}: {result.message}. Report: {result.report}")
    for warning in result.warnings:
        click.echo(f"Warning: {warning}", err=True)
    refuse_outstanding(result.outstanding)


def refuse_outstanding(words: str) -> None:
    """End a command that is done, and whose effects are not all final.

    Raises:
        NoticesOutstanding: notices still wait, in these words; none do where there are no words.
    """
    if words:
        raise NoticesOutstanding(words)


def secret_block(name: str) -> str:
    """The value of a Prefect Secret block; Prefect is loaded only where a source keeps its address in one."""
    from tasks.pull import read_secret_block

    return read_secret_block(name)
