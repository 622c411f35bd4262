"""The command `reinstate`.

Nothing heavy is imported before a command needs it: help, and whatever only reads files, answers at once.
"""

import sys
from typing import Any

import click

from flows.commands.by_hand import pause, resume, revise, take_over, withdraw
from flows.commands.explain import explain
from flows.commands.held import discard, held, release
from flows.commands.judge import judge
from flows.commands.looking_back import replay, verify
from flows.commands.nightly import nightly
from flows.commands.policy import policy
from flows.commands.sample_data import import_uci, synthesize
from flows.commands.store import store
from schemas.errors import ConfigurationError, ReinstateError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Re-evaluate closed credit lines night by night and reopen those that earned it."""


for command in (
    nightly,
    held,
    release,
    discard,
    withdraw,
    pause,
    resume,
    revise,
    take_over,
    verify,
    replay,
    judge,
    explain,
    policy,
    store,
    synthesize,
    import_uci,
):
    commands.add_command(command)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors that a person can act on are printed, not traced."""
    try:
        commands(arguments, prog_name="reinstate")
    except ConfigurationError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except (ReinstateError, ValueError) as error:
        if isinstance(error, ValueError) and not type(error).__module__.startswith("tasks."):
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
