from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection

from approvals.models import ApproverGroup, AuditEvent, Team
from approvals.people_demo import PEOPLE, ensure_demo_people, join_empty_teams, make_first_admin

PASSWORD = "a-long-enough-pass-1"


def _run(name: str, *arguments: str, **options: Any) -> str:
    said = StringIO()
    call_command(name, *arguments, stdout=said, **options)
    return said.getvalue()


@pytest.mark.django_db
def test_prepare_makes_the_demonstration_and_changes_nothing_twice(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO = True
    settings.PRACTICE_URL = "http://127.0.0.1:8711"
    settings.OUTBOUND_ALLOW = ("127.0.0.1:8711",)
    settings.SECRET_NAMES = ("PRACTICE_TOKEN", "PRACTICE_HOOK_SECRET")
    monkeypatch.setenv("PRACTICE_TOKEN", "some-token")
    monkeypatch.setenv("PRACTICE_HOOK_SECRET", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")
    monkeypatch.setenv("DEMO_PASSWORD", PASSWORD)
    assert "6 made now" in _run("prepare")
    rows, people = AuditEvent.objects.count(), User.objects.count()
    assert "0 made now" in _run("prepare")
    assert (AuditEvent.objects.count(), User.objects.count()) == (rows, people)


@pytest.mark.django_db
def test_prepare_without_a_demonstration_makes_nobody(settings: Any) -> None:
    settings.DEMO = False
    _run("prepare")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_demo_people_have_their_roles_limits_and_the_password_on_the_screen() -> None:
    assert ensure_demo_people(password=PASSWORD) == 6
    for name, role in PEOPLE.items():
        person = User.objects.get(username=name)
        assert list(person.groups.values_list("name", flat=True)) == [role]
        assert person.check_password(PASSWORD)
        assert not person.is_superuser and not person.is_staff
    limits = {row.user.username: row.limits for row in ApproverGroup.objects.get(name="finance").memberships.all()}
    assert limits == {"operator": {"EUR": 500_00}, "second-operator": {"EUR": 10_000_00}}


@pytest.mark.django_db
def test_demo_people_keep_what_somebody_changed_but_the_password() -> None:
    ensure_demo_people(password="the-first-password-1")
    membership = ApproverGroup.objects.get(name="finance").memberships.get(user__username="operator")
    membership.limits = {"EUR": 100_000}
    membership.save()
    assert ensure_demo_people(password=PASSWORD) == 0
    membership.refresh_from_db()
    assert membership.limits == {"EUR": 100_000}
    assert User.objects.get(username="operator").check_password(PASSWORD)


@pytest.mark.django_db
def test_operators_join_teams_that_nobody_is_in_and_no_other() -> None:
    ensure_demo_people(password=PASSWORD)
    private = Team.objects.create(name="private")
    private.members.add(User.objects.get(username="auditor"))
    join_empty_teams()
    assert set(Team.objects.get(name="support").members.values_list("username", flat=True)) == {
        "operator",
        "second-operator",
        "manager",
    }
    assert private.members.count() == 1


@pytest.mark.django_db
def test_first_admin_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.management.commands.first_admin._password", lambda: PASSWORD)
    assert "can sign in" in _run("first_admin", "ada")
    assert Group.objects.get(name="admin").user_set.get().check_password(PASSWORD)  # type: ignore[attr-defined]
    assert AuditEvent.objects.filter(verb="person.created", subject="ada").exists()
    with pytest.raises(CommandError, match="There is an administrator already"):
        _run("first_admin", "eve")


@pytest.mark.django_db
def test_first_admin_needs_a_password_that_is_none_of_the_common_ones() -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        make_first_admin(name="ada", password="password123")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_migrate_gives_the_app_role_its_rights(settings: Any) -> None:
    settings.DATABASE_APP_ROLE = "countersign_app"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app'")
        if cursor.fetchone() is None:
            pytest.skip("this server has no app role; the embedded one has")
        _run("migrate", verbosity=0)
        cursor.execute(
            "SELECT has_table_privilege('countersign_app', 'agents_run', 'UPDATE'),"
            " has_table_privilege('countersign_app', 'approvals_auditevent', 'INSERT'),"
            " has_table_privilege('countersign_app', 'approvals_auditevent', 'DELETE')"
        )
        assert cursor.fetchone() == (True, True, False)
