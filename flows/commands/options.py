"""What several commands ask for in the same way."""

import click

ISO_DATE = click.DateTime(formats=["%Y-%m-%d"])
