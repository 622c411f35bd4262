"""`reinstate policy`: what can be said of policy files without a night."""

import sys
from pathlib import Path

import click


@click.group()
def policy() -> None:
    """Read and check policy files."""


@policy.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
def check(files: tuple[Path, ...]) -> None:
    """Check policy FILES and list everything that is wrong, as FILE:LINE: what."""
    from schemas.errors import FileRefused, Finding
    from tasks.policy_files import REASONS_NAME, check_reasons, load_policy

    findings: list[Finding] = []
    versions = [file for file in files if file.name != REASONS_NAME]
    for look, path in [
        *((load_policy, file) for file in versions),
        *((check_reasons, folder) for folder in dict.fromkeys(file.parent for file in files)),
    ]:
        try:
            found = look(path)
            findings += found if isinstance(found, list) else []
        except FileRefused as refused:
            findings += refused.findings
    for finding in dict.fromkeys(findings):
        click.echo(str(finding), err=True)
    wrong = {finding.file for finding in findings}
    for file in (file for file in files if str(file) not in wrong):
        click.echo(f"{file}: in order.")
    if findings:
        sys.exit(2)


@policy.command("schema")
def schema() -> None:
    """Print the shape of a policy file as JSON Schema, for editors."""
    import json

    from tasks.policy_files import policy_schema

    click.echo(json.dumps(policy_schema(), indent=2, ensure_ascii=False))
