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
    from tasks.policy_files import check_reasons, load_policy

    findings: dict[Path, list[Finding]] = {}
    for look, path in [
        *((load_policy, file) for file in files),
        *((check_reasons, folder) for folder in _series(files)),
    ]:
        try:
            found = look(path)
            findings[path] = found if isinstance(found, list) else []
        except FileRefused as refused:
            findings[path] = refused.findings
    for finding in dict.fromkeys(finding for found in findings.values() for finding in found):
        click.echo(str(finding), err=True)
    for file in (file for file in files if not findings[file]):
        click.echo(f"{file}: in order.")
    if any(findings.values()):
        sys.exit(2)


@policy.command("schema")
def schema() -> None:
    """Print the shape of a policy file as JSON Schema, for editors."""
    import json

    from tasks.policy_files import policy_schema

    click.echo(json.dumps(policy_schema(), indent=2, ensure_ascii=False))


def _series(files: tuple[Path, ...]) -> list[Path]:
    """The folders of `files` that hold the reason texts of a series."""
    folders = dict.fromkeys(file.parent for file in files)
    return [folder for folder in folders if (folder / "reasons.yaml").exists()]
