"""Where things are, from the environment."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of a process; each is read from an environment variable `REINSTATE_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="REINSTATE_", frozen=True)

    home: Path = Field(default=CHECKOUT, description="The folder that holds deployments/: policies and portfolios.")
    data: Path | None = Field(default=None, description="Where snapshots, evidence, reports and deliveries are kept.")
    store_url: SecretStr | None = Field(default=None, description="SQLAlchemy URL of the store; SQLite by default.")

    @property
    def deployments(self) -> Path:
        return self.home / "deployments"

    @property
    def data_directory(self) -> Path:
        return (self.data or self.home / "var").absolute()

    @property
    def store(self) -> str:
        """The store's URL, with its password: hand it to the driver and to nobody else."""
        if self.store_url is not None:
            return self.store_url.get_secret_value()
        return f"sqlite:///{self.data_directory / 'store.sqlite'}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
