"""The app's database role: enough to work, too little to rewrite history."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from config.embedded.places import APP
from config.grants import append_only_tables, grant_to, read_only_tables


@pytest.fixture
def app_role(django_db_setup: None, django_db_blocker: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the test database as the embedded server's app role, with the rights a migration gives it."""
    with django_db_blocker.unblock():
        parameters = {k: v for k, v in connection.get_connection_params().items() if k in ("host", "port", "dbname")}
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP])
            if cursor.fetchone() is None:
                pytest.skip(f"this server has no role {APP}; the embedded one has")
        grant_to(APP, connection, append_only_tables(), read_only_tables())
        with psycopg.connect(**parameters, user=APP, autocommit=True) as app:
            yield app


def test_audit_is_declared_append_only() -> None:
    assert "approvals_auditevent" in append_only_tables()


def test_app_role_adds_to_the_audit_trail_and_cannot_change_it(app_role: psycopg.Connection[Any]) -> None:
    app_role.execute("BEGIN")
    app_role.execute(
        "INSERT INTO approvals_auditevent (actor, actor_kind, verb, subject_type, subject_id, subject, agent, from_state,"
        " to_state, digest, data) VALUES ('x', 'system', 'tested', 'test', '1', '', '', '', '', '', '{}')"
    )
    app_role.execute("ROLLBACK")
    for statement in (
        "UPDATE approvals_auditevent SET actor = 'y'",
        "DELETE FROM approvals_auditevent",
        "TRUNCATE approvals_auditevent",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            app_role.execute(statement)


@pytest.mark.parametrize("table", ["agents_step", "agents_agentversion", "approvals_allowedmove"])
def test_app_role_cannot_change_what_was_written(app_role: psycopg.Connection[Any], table: str) -> None:
    column = "machine" if table == "approvals_allowedmove" else "id"
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(errors.InsufficientPrivilege):
            app_role.execute(statement)


def test_app_role_cannot_teach_the_database_new_moves(app_role: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app_role.execute(
            "INSERT INTO approvals_allowedmove (machine, from_state, to_state) VALUES ('request', 'rejected', 'open')"
        )


def test_app_role_cannot_remove_the_guards(app_role: psycopg.Connection[Any]) -> None:
    for statement in (
        "ALTER TABLE approvals_auditevent DISABLE TRIGGER ALL",
        "DROP TABLE approvals_auditevent",
        "CREATE TABLE public.mine (x int)",
        "ALTER TABLE approvals_request ADD COLUMN mine int",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            app_role.execute(statement)
