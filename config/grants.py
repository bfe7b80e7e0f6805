"""What the app's database role may do: all rows of all tables, except that append-only tables take no change.

An app names these in its AppConfig: `append_only_tables = ("approvals_auditevent",)`, and as `read_only_tables`
those that only a migration writes.
"""

from collections.abc import Iterable

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql


def append_only_tables() -> tuple[str, ...]:
    """Return the tables that every app declares append-only."""
    return _declared("append_only_tables")


def read_only_tables() -> tuple[str, ...]:
    """Return the tables that every app declares as written by migrations alone."""
    return _declared("read_only_tables")


def _declared(name: str) -> tuple[str, ...]:
    return tuple(table for app in apps.get_app_configs() for table in getattr(app, name, ()))


def grant_to(role: str, connection: BaseDatabaseWrapper, append_only: Iterable[str], read_only: Iterable[str]) -> None:
    """Give the role its rights on everything that exists now. Run by the tables' owner after each migration."""
    name = sql.Identifier(role)
    with connection.cursor() as cursor:
        for statement in _ALL:
            cursor.execute(sql.SQL(statement).format(name))
        for table in append_only:
            cursor.execute(sql.SQL(_ONLY_APPEND).format(table=sql.Identifier(table), role=name))
        for table in read_only:
            cursor.execute(sql.SQL(_ONLY_READ).format(table=sql.Identifier(table), role=name))


_ALL = (
    "GRANT USAGE ON SCHEMA public TO {}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}",
)
_ONLY_APPEND = "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"
_ONLY_READ = "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"
