"""The command `reinstate`.

Nothing heavy is imported before a command needs it: help, and whatever only reads files, answers at once.
"""

import sys
from typing import Any, NoReturn

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
from tasks.guarding import is_of_stages, safe


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
    """Run the command line; errors that a person can act on are printed, not traced.

    Nor is what goes wrong where lines are worked on: its text may hold their values, and the log of a scheduler keeps it.
    """
    try:
        commands(arguments, prog_name="reinstate")
    except ConfigurationError as error:
        _end(error, 2)
    except ReinstateError as error:
        _end(error, 1)
    except Exception as error:
        if isinstance(error, ValueError) and type(error).__module__.startswith("tasks."):
            _end(error, 1)
        if isinstance(error, OSError) or is_of_stages(error):
            _end(safe(error, "reinstate"), 1)
        raise


def _end(error: BaseException, status: int) -> NoReturn:
    click.echo(f"Error: {error}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
