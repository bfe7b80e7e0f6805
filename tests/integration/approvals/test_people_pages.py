"""People, teams and groups over HTTP: all read, admins change, nobody changes themselves; and the own profile."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.audit import SYSTEM
from approvals.models import ApproverGroup, AuditEvent, GroupMember, Profile, Request, Team
from approvals.people import Signer
from approvals.tokens import create_token
from tests import desk as company
from tests.desk import Desk
from tests.integration.security.doors import countersign

pytestmark = pytest.mark.django_db
NOT_ADMINS = ["operator", "manager", "auditor", "stranger"]


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


@pytest.fixture
def as_person(desk: Desk) -> Callable[[str], Client]:
    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(desk[name])
        return client

    return signed_in


def person_url(desk: Desk, name: str) -> str:
    return f"/people/{desk[name].pk}/"


def test_everybody_reads_who_may_do_what(desk: Desk, as_person: Any) -> None:
    page = as_person("stranger").get("/people/").content.decode()
    assert "second-operator" in page and "€10,000.00" in page and "Admins change people" in page


@pytest.mark.parametrize("name", NOT_ADMINS)
def test_who_is_no_admin_changes_nothing_and_reads_why(desk: Desk, as_person: Any, name: str) -> None:
    client, target = as_person(name), desk["second-operator"].pk
    before = AuditEvent.objects.count()
    posts: list[tuple[str, dict[str, Any]]] = [
        (f"/people/{target}/", {"roles": ["admin"], "active": "on"}),
        ("/people/new/", {"username": "mallory", "password": "long enough to pass", "roles": ["admin"]}),
        ("/people/groups/", {"name": "mine"}),
        ("/people/teams/", {"name": "mine"}),
        ("/people/groups/finance/", {"person": desk[name].pk, "limits": "EUR 1000000"}),
        (f"/people/groups/finance/{target}/remove/", {}),
        ("/people/groups/finance/delete/", {}),
    ]
    for url, body in posts:
        answer = client.post(url, body)
        assert answer.status_code == 403, url
        assert "you are signed in as" in answer.content.decode()
    assert AuditEvent.objects.count() == before
    for url in (f"/people/{target}/", "/people/groups/finance/"):
        page = client.get(url).content.decode()
        assert "Admins change people, teams and groups" in page and '<fieldset class="stack" disabled>' in page


def test_an_admin_changes_roles_and_teams(desk: Desk, as_person: Any) -> None:
    team = Team.objects.create(name="sales")
    body = {"roles": ["operator", "auditor"], "teams": [team.pk], "active": "on"}
    assert as_person("admin").post(person_url(desk, "operator"), body).status_code == 303
    changed = Signer(User.objects.get(username="operator"))
    assert changed.roles == {"operator", "auditor"} and changed.team_ids == {team.pk}
    told = AuditEvent.objects.get(verb="person.changed")
    assert told.data["before"]["roles"] == ["operator"] and told.data["after"]["teams"] == ["sales"]


def test_a_person_who_is_switched_off_is_out_at_once(desk: Desk, as_person: Any) -> None:
    client = as_person("operator")
    as_person("admin").post(person_url(desk, "operator"), {"roles": ["operator"]})
    assert client.get("/people/").status_code == 302
    assert "switched off" in as_person("admin").get("/people/").content.decode()


def test_nobody_changes_their_own_authority(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    page = client.get(person_url(desk, "admin")).content.decode()
    assert "Nobody changes their own authority" in page
    assert client.post(person_url(desk, "admin"), {"roles": ["admin", "operator"], "active": "on"}).status_code == 403
    own = {"person": desk["admin"].pk, "limits": "EUR 1000000"}
    assert client.post("/people/groups/finance/", own).status_code == 403
    second = as_person("second-admin")
    assert second.post(f"/people/groups/finance/{desk['second-admin'].pk}/remove/").status_code == 403
    assert not GroupMember.objects.filter(user=desk["admin"]).exists()


def test_an_unchanged_person_leaves_no_audit_row(desk: Desk, as_person: Any) -> None:
    body = {"roles": ["operator"], "teams": [desk.team.pk], "active": "on"}
    as_person("admin").post(person_url(desk, "operator"), body)
    assert not AuditEvent.objects.filter(verb="person.changed").exists()


def test_an_admin_adds_a_person_who_can_sign_in(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    body = {"username": "robin", "password": "a lamp in the hall", "roles": ["operator"], "teams": [desk.team.pk]}
    assert client.post("/people/new/", body).status_code == 303
    robin = User.objects.get(username="robin")
    assert robin.check_password("a lamp in the hall") and not robin.is_superuser and not robin.is_staff
    for wrong in ({"username": "robin"}, {"username": "r<b>"}, {"username": "kim", "password": "short"}):
        answer = client.post("/people/new/", body | wrong)
        assert answer.status_code == 422
        assert "a lamp in the hall" not in answer.content.decode()
    assert "a lamp in the hall" not in str(list(AuditEvent.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("EUR 500", {"EUR": 50_000}),
        ("eur: 1,280.50\nJPY 900", {"EUR": 128_050, "JPY": 900}),
        ("250 USD", {"USD": 25_000}),
        ("", {}),
    ],
)
def test_limits_are_typed_in_major_units(desk: Desk, as_person: Any, typed: str, kept: dict[str, int]) -> None:
    body = {"person": desk["operator"].pk, "limits": typed}
    assert as_person("admin").post("/people/groups/finance/", body).status_code == 303
    for more in Request.objects.filter(kind="proposal"):
        countersign(more, desk["second-admin"])
    assert GroupMember.objects.get(group__name="finance", user=desk["operator"]).limits == kept
    assert AuditEvent.objects.get(verb="group.member_put").data["before"] == {"EUR": 50_000}


@pytest.mark.parametrize(
    "typed", ["500", "EUR", "EUR 12,5", "EUR -5", "EUR 5\nEUR 6", "EURO 5", "EUR 1e9", "EUR 99999999999999999"]
)
def test_a_limit_that_cannot_be_read_changes_nothing(desk: Desk, as_person: Any, typed: str) -> None:
    answer = as_person("admin").post("/people/groups/finance/", {"person": desk["operator"].pk, "limits": typed})
    assert answer.status_code == 422 and typed.split("\n")[0] in answer.content.decode()
    assert GroupMember.objects.get(group__name="finance", user=desk["operator"]).limits == {"EUR": 50_000}


def test_a_group_that_a_rule_names_stays(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    page = client.get("/people/groups/finance/").content.decode()
    assert "The policy names finance in rules 1, 2" in page
    assert client.post("/people/groups/finance/delete/").status_code in (400, 422)
    client.post("/people/groups/", {"name": "legal"})
    assert client.post("/people/groups/legal/delete/").status_code == 303
    assert list(ApproverGroup.objects.values_list("name", flat=True)) == ["finance"]
    assert client.post("/people/groups/", {"name": "not a slug"}).status_code in (400, 422)
    assert client.post("/people/groups/", {"name": "finance"}).status_code in (400, 422)


def test_a_team_is_added_once(desk: Desk, as_person: Any) -> None:
    client = as_person("admin")
    assert client.post("/people/teams/", {"name": "sales"}).status_code == 303
    assert client.post("/people/teams/", {"name": "sales"}).status_code in (400, 422)
    assert AuditEvent.objects.filter(verb="team.added").count() == 1


def test_the_list_of_people_asks_a_fixed_number_of_questions(desk: Desk, as_person: Any) -> None:
    client, counts = as_person("auditor"), []
    for size in range(2):
        for number in range(size * 20):
            made = User.objects.create(username=f"p{number}")
            made.teams.add(desk.team)  # type: ignore[attr-defined]
            GroupMember.objects.create(group=ApproverGroup.objects.get(), user=made, limits={"EUR": 1})
        with CaptureQueriesContext(connection) as asked:
            client.get("/people/")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_profile_keeps_time_zone_and_theme(desk: Desk, as_person: Any) -> None:
    client = as_person("auditor")
    client.post("/profile/time-zone/", {"time_zone": "Asia/Tokyo", "next": "/profile/"})
    client.post("/profile/theme/", {"theme": "dark", "next": "/profile/"})
    page = client.get("/profile/").content.decode()
    assert "<option selected>Asia/Tokyo</option>" in page and 'data-theme="dark"' in page
    assert (profile := Profile.objects.get(user=desk["auditor"])).time_zone == "Asia/Tokyo" and profile.theme == "dark"
    assert "Nobody changes their own authority" in page


def test_a_person_revokes_their_own_token_and_no_other(desk: Desk, as_person: Any) -> None:
    token, text = create_token(user=desk["operator"], scopes=["read"], name="till", actor=SYSTEM, now=timezone.now())
    page = as_person("operator").get("/profile/").content.decode()
    assert token.prefix in page and text not in page and "till" in page
    assert as_person("admin").post(f"/profile/tokens/{token.pk}/revoke/").status_code == 404
    as_person("operator").post(f"/profile/tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at and timezone.now() - token.revoked_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    "url",
    [
        "/people/",
        "/people/new/",
        "/profile/",
        "/policy/",
        "/policy/versions/",
        "/audit/",
        "/audit/export/",
        "/people/groups/finance/",
    ],
)
def test_without_a_sign_in_there_is_nothing(desk: Desk, url: str) -> None:
    assert Client().get(url).status_code == 302
    assert Client(enforce_csrf_checks=True).post(url).status_code in (302, 403, 405)
