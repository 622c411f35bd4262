"""What several commands ask for in the same way."""

from typing import TYPE_CHECKING

import click

from flows.endings import refuse_held, refuse_outstanding

if TYPE_CHECKING:
    from schemas.handles import NightResult

ISO_DATE = click.DateTime(formats=["%Y-%m-%d"])


def show_result(result: "NightResult") -> None:
    """Say how a night ended that was not run by a flow.

    Raises:
        NightHeld: it waits for people.
        NoticesOutstanding: it is done as it was said, but notices still wait.
    """
    refuse_held(result)
    click.echo(f"{result.business_date}: {result.message}. Report: {result.report}")
    for warning in result.warnings:
        click.echo(f"Warning: {warning}", err=True)
    refuse_outstanding(result.outstanding)


def secret_block(name: str) -> str:
    """The value of a Prefect Secret block; Prefect is loaded only where a source keeps its address in one."""
    from tasks.pull import read_secret_block

    return read_secret_block(name)
