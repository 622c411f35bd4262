"""The rights of the role that runs the job, on PostgreSQL: what `schemas.tables.JOB_MAY` says of each table, no more.

Triggers keep the ledger from whoever edits it by mistake; a role without the right is kept from it whatever it means to do.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from schemas.tables import JOB_MAY
from tasks.store import Store, StoreError, migrate, open_engine

_ROLE: Final = text(
    "SELECT oid, rolsuper OR rolcreaterole AS may_all FROM pg_roles WHERE rolname = CAST(:role AS text)"
)
_OWNERS: Final = text(
    "SELECT DISTINCT pg_get_userbyid(owner) AS name, is_table, pg_has_role(owner, 'USAGE') AS is_me, "
    "pg_has_role(CAST(:oid AS oid), owner, 'MEMBER') AS is_role FROM ("
    "SELECT relowner AS owner, true AS is_table FROM pg_class WHERE oid = ANY (CAST(:tables AS regclass[])) "
    "UNION SELECT nspowner, false FROM pg_namespace WHERE nspname = :schema "
    "UNION SELECT datdba, false FROM pg_database WHERE datname = current_database()) AS owned ORDER BY is_table DESC, name"
)
_SCHEMA: Final = text(
    "SELECT nspname AS name, pg_has_role(nspowner, 'USAGE') AS is_mine, "
    "has_schema_privilege(CAST(:oid AS oid), pg_namespace.oid, 'USAGE') AS is_usable "
    "FROM pg_namespace JOIN pg_class ON relnamespace = pg_namespace.oid WHERE pg_class.oid = CAST('ledger' AS regclass)"
)
_EDITS: Final = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
_MAY: Final = text(
    "SELECT DISTINCT what, verb FROM pg_roles "
    "CROSS JOIN unnest(CAST(:tables AS text[])) AS what CROSS JOIN unnest(CAST(:verbs AS text[])) AS verb "
    "WHERE pg_has_role(CAST(:oid AS oid), pg_roles.oid, 'MEMBER') AND CASE WHEN verb IN ('INSERT', 'UPDATE') "
    "THEN has_any_column_privilege(pg_roles.oid, CAST(what AS regclass), verb) "
    "ELSE has_table_privilege(pg_roles.oid, CAST(what AS regclass), verb) END "
    "UNION SELECT 'schema ' || :schema, 'CREATE' FROM pg_roles "
    "WHERE pg_has_role(CAST(:oid AS oid), pg_roles.oid, 'MEMBER') AND has_schema_privilege(pg_roles.oid, :schema, 'CREATE') "
    "ORDER BY what, verb"
)
"""What the role may change, by itself, as everybody, or through a role that it belongs to, whether it inherits or not."""


def grant(url: str, role: str, migrations: Path) -> None:
    """Give a role what a job needs of the store at `url`, and take from it what is more; safe to do again.

    Args:
        url: of the store, as the owner of its tables, which are brought up to date first.
        role: the role's name, letter for letter.
        migrations: the folder of the tables' revisions.

    Raises:
        StoreError: the store is SQLite, its tables are another role's, there is no such role, it stands above the tables,
            or it may more in a way that cannot be taken from it here. Nothing is granted.
    """
    if make_url(url).get_backend_name() == "sqlite":
        raise StoreError(
            "SQLite has no roles: whoever may write its file may do anything with it. A role that can only add to the ledger "
            "takes a store on PostgreSQL, named by REINSTATE_STORE_URL"
        )
    engine = open_engine(url)
    try:
        migrate(engine, migrations)
        with Store(engine, "").transaction() as connection:
            _grant(connection, role)
    finally:
        engine.dispose()


def _grant(connection: Connection, role: str) -> None:
    oid = _found(connection, role)
    schema = connection.execute(_SCHEMA, {"oid": oid}).one()
    _refuse_owners(connection, role, oid, schema.name)
    quote = connection.dialect.identifier_preparer.quote_identifier
    whom, where = quote(role), quote(schema.name)
    if schema.is_mine:
        connection.exec_driver_sql(f"REVOKE ALL ON SCHEMA {where} FROM {whom}")
    if schema.is_mine or not schema.is_usable:
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {where} TO {whom}")
    for table, verbs in JOB_MAY.items():
        connection.exec_driver_sql(f"REVOKE ALL ON TABLE {where}.{quote(table)} FROM {whom} CASCADE")
        connection.exec_driver_sql(f"GRANT {', '.join(verbs)} ON TABLE {where}.{quote(table)} TO {whom}")
    _refuse_too_much(connection, role, oid, schema.name)


def _found(connection: Connection, role: str) -> int:
    """The number of a role that rights can be kept from."""
    known = connection.execute(_ROLE, {"role": role}).first()
    if known is None:
        raise StoreError(
            f"the database has no role '{role}', letter for letter: make it with CREATE ROLE ... LOGIN; nothing was granted"
        )
    if known.may_all:
        raise StoreError(
            f"the role '{role}' is a superuser, or may make itself one's equal (CREATEROLE): no right can be kept from it. Let "
            "the job have a role of its own; nothing was granted"
        )
    oid: int = known.oid
    return oid


def _refuse_owners(connection: Connection, role: str, oid: int, schema: str) -> None:
    """Refuse a role that is, or may act as, an owner of what it shall not change; and whoever is not the tables' owner."""
    asked: dict[str, Any] = {"oid": oid, "schema": schema, "tables": list(JOB_MAY)}
    owners = connection.execute(_OWNERS, asked).all()
    for owner in owners:
        if owner.is_role:
            raise StoreError(
                f"the role '{role}' is, or may act as, '{owner.name}', which owns the store's tables, their schema or the "
                "database: it could change them at will. Let the job have a role of its own; nothing was granted"
            )
    for owner in owners:
        if owner.is_table and not owner.is_me:
            raise StoreError(
                f"the store's tables belong to '{owner.name}': run this as that role, in REINSTATE_STORE_URL; nothing was "
                "granted"
            )


def _refuse_too_much(connection: Connection, role: str, oid: int, schema: str) -> None:
    """Refuse a role that still may more: what it has as everybody or through another role is not this program's to take."""
    asked: dict[str, Any] = {"oid": oid, "schema": schema, "tables": list(JOB_MAY), "verbs": list(_EDITS)}
    found = connection.execute(_MAY, asked)
    more = [f"{row.verb} on {row.what}" for row in found if row.verb not in JOB_MAY.get(row.what, ())]
    if more:
        raise StoreError(
            f"the role '{role}' has {', '.join(more)}, which is more than a job may, from PUBLIC or from a role that it belongs "
            "to. Take it away there and run this again; nothing was granted"
        )
