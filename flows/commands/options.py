"""What several commands ask for in the same way."""

import click

ISO_DATE = click.DateTime(formats=["%Y-%m-%d"])


def secret_block(name: str) -> str:
    """The value of a Prefect Secret block; Prefect is loaded only where a source keeps its address in one."""
    from tasks.pull import read_secret_block

    return read_secret_block(name)
