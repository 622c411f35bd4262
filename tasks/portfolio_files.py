"""Reading portfolio files."""

import re
from pathlib import Path

from schemas.errors import ConfigurationError, FileRefused
from schemas.policy import Problem
from schemas.portfolio import PORTFOLIO_NAME, Portfolio
from tasks.decisioning.expressions import did_you_mean
from tasks.yaml_files import read_yaml, validate_shape


def load_portfolio(name: str, home: Path) -> Portfolio:
    """The portfolio `name` from `<home>/portfolios/<name>.yaml`.

    Raises:
        ConfigurationError: `name` cannot be the name of a portfolio, or there is no such file.
        FileRefused: the file is wrong; every finding with its line.
    """
    document = read_yaml(portfolio_path(name, home))
    portfolio = validate_shape(document, Portfolio)
    if portfolio.portfolio != name:
        message = f"found '{portfolio.portfolio}' in the file of '{name}'; the two names are the same"
        raise FileRefused(document.findings([Problem(("portfolio",), message)]))
    return portfolio


def portfolio_path(name: str, home: Path) -> Path:
    """The file of the portfolio `name`, which may be wrong.

    Raises:
        ConfigurationError: `name` cannot be the name of a portfolio, or there is no such file.
    """
    if not re.fullmatch(PORTFOLIO_NAME, name):
        raise ConfigurationError("a portfolio's name is small letters, digits, _ and -, the first a letter or digit")
    folder = home / "portfolios"
    path = folder / f"{name}.yaml"
    if not path.exists():
        known = sorted(each.stem for each in folder.glob("*.yaml"))
        listed = ", ".join(known) or "none"
        raise ConfigurationError(
            f"there is no portfolio '{name}' in {folder}{did_you_mean(name, known)}; found {listed}"
        )
    return path
