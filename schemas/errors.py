"""Errors that a person reads: what was asked, what was found, where, and what to do.

Their text may go to logs, to Prefect and to screens, so it never holds an account's id or values: counts, codes,
column names, files and lines only.
"""

from dataclasses import dataclass


class ReinstateError(Exception):
    """Something that stops what was asked; its text says what has been changed, if anything has."""


class ConfigurationError(ReinstateError):
    """A portfolio, policy or setting that cannot be used."""


class SnapshotRefused(ReinstateError):
    """A snapshot that must not be judged as a whole."""


class NightRefused(ReinstateError):
    """A night that may not run: outside its window, already settled, or held by someone else."""


class NightHeld(ReinstateError):
    """A night whose plan is above its caps: nothing is published until people release exactly this plan."""


class NoticesOutstanding(ReinstateError):
    """What was asked is done and said, but notices still wait that are owed because of it or of what was done before."""


class StageFailed(ReinstateError):
    """A stage broke in a way that nobody foresaw; the original error stays in its place, it may hold values."""


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a file."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class FileRefused(ConfigurationError):
    """A file that is wrong; `findings` lists everything that is, in the order of its lines."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = sorted(findings, key=lambda finding: (finding.file, finding.line))
        super().__init__("\n".join(str(finding) for finding in self.findings))
