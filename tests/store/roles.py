"""A store on PostgreSQL whose tables belong to one role, and another one for the job."""

from dataclasses import dataclass

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tests.nights.eve import database

OWNER, JOB = "tables_owner", "night_job"


@dataclass(frozen=True)
class Roles:
    """The same database as its server's superuser, as the owner of the tables, and as whoever runs the job."""

    superuser: str

    @property
    def owner(self) -> str:
        return self.as_role(OWNER)

    @property
    def job(self) -> str:
        return self.as_role(JOB)

    def as_role(self, role: str) -> str:
        return make_url(self.superuser).set(username=role).render_as_string(hide_password=False)


def make_roles(postgres_url: str, name: str) -> Roles:
    """An empty database that belongs to its owner, and a role for the job that may log in and nothing else."""
    make_role(postgres_url, OWNER)
    make_role(postgres_url, JOB)
    url = database(postgres_url, name)
    execute(url, f'ALTER DATABASE "{name}" OWNER TO {OWNER}')
    return Roles(url)


def make_role(url: str, role: str, may: str = "LOGIN") -> None:
    """Make a role, whatever its name, unless there is one; roles are of the whole server, and end with it."""
    quoted = role.replace('"', '""')
    if not execute(url, "SELECT 1 FROM pg_roles WHERE rolname = :role", role=role):
        execute(url, f'CREATE ROLE "{quoted}" {may}'.replace(":", r"\:"))


def execute(url: str, statement: str, **parameters: str) -> list[tuple[object, ...]]:
    """Execute one statement as whoever the URL names; its rows, if it has any."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(statement), parameters)
        return [tuple(row) for row in result] if result.returns_rows else []
