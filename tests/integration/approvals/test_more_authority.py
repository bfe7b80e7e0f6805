"""More authority for a person waits for a second admin, whichever way it is asked for; a sole admin is not locked out."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.errors import NotAllowedToDecide
from approvals.models import ApproverGroup, AuditEvent, GroupMember, Request, Team
from approvals.people import Signer
from approvals.people_changes import add_person, change_person, put_member
from approvals.team_settings import set_escalation
from tests import desk as company
from tests.desk import Desk
from tests.integration.security.doors import countersign

pytestmark = pytest.mark.django_db


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


@pytest.fixture
def finance(desk: Desk) -> ApproverGroup:
    return ApproverGroup.objects.get(name="finance")


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def alone(desk: Desk) -> User:
    """Return the admin of an installation that has had no other for long."""
    User.objects.filter(username="second-admin").update(is_active=False)
    return fresh(desk["admin"])


def raised(desk: Desk, finance: ApproverGroup, by: User) -> Request | None:
    return put_member(group=finance, person=desk["operator"], limits={"EUR": 900_000}, by=by)


def limit(desk: Desk) -> Any:
    return Signer(fresh(desk["operator"])).limit("EUR")


def test_a_higher_limit_waits_and_a_lower_one_does_not(desk: Desk, finance: ApproverGroup) -> None:
    waits = raised(desk, finance, fresh(desk["admin"]))
    assert waits is not None and limit(desk) == 50_000
    assert raised(desk, finance, fresh(desk["admin"])) == waits
    assert waits.cls == "high" and set(waits.barred) == {desk["admin"].pk, desk["operator"].pk}
    countersign(waits, desk["second-admin"])
    assert limit(desk) == 900_000
    assert AuditEvent.objects.get(verb="group.member_put").data["countersigned_by"] == "second-admin"
    assert put_member(group=finance, person=desk["operator"], limits={"EUR": 1}, by=fresh(desk["admin"])) is None
    assert limit(desk) == 1


def test_an_admin_is_made_by_two(desk: Desk) -> None:
    waits = change_person(person=desk["operator"], roles=["admin"], teams=[], active=True, by=fresh(desk["admin"]))
    assert waits is not None and not Signer(fresh(desk["operator"])).is_admin
    countersign(waits, desk["second-admin"])
    assert Signer(fresh(desk["operator"])).is_admin
    person, waits = add_person(
        username="robin", password="a lamp in the hall", roles=["admin", "auditor"], teams=[], by=fresh(desk["admin"])
    )
    assert Signer(person).roles == {"auditor"} and waits is not None


def test_what_changed_meanwhile_is_not_put(desk: Desk, finance: ApproverGroup) -> None:
    waits = raised(desk, finance, fresh(desk["admin"]))
    assert waits is not None
    put_member(group=finance, person=desk["operator"], limits={"EUR": 10}, by=fresh(desk["second-admin"]))
    with pytest.raises(Exception, match="has changed since"):
        countersign(waits, desk["second-admin"])
    assert limit(desk) == 10


def test_a_sole_admin_does_it_at_once_and_the_page_says_so(
    desk: Desk, finance: ApproverGroup, as_person: Callable[[str], Client]
) -> None:
    admin = alone(desk)
    assert raised(desk, finance, admin) is None and limit(desk) == 900_000
    assert put_member(group=finance, person=admin, limits={"EUR": 5}, by=fresh(admin)) is None
    assert "holds at once" in as_person("admin").get("/people/groups/finance/").content.decode()


def test_to_put_the_other_admin_out_does_not_make_one_the_sole_admin(desk: Desk, finance: ApproverGroup) -> None:
    change_person(person=desk["second-admin"], roles=["admin"], teams=[], active=False, by=fresh(desk["admin"]))
    assert raised(desk, finance, fresh(desk["admin"])) is not None
    assert limit(desk) == 50_000


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_second_account_made_for_the_purpose_does_not_countersign(
    desk: Desk, finance: ApproverGroup, when: str
) -> None:
    """A sole admin makes a second one, and signs with it; or switches an old account on again."""
    from approvals.services import propose_change

    admin = alone(desk)

    def make() -> User:
        change_person(person=desk["second-admin"], roles=["admin"], teams=[], active=True, by=fresh(admin))
        return fresh(desk["second-admin"])

    def propose() -> Request:
        given: dict[str, Any] = {"rules": [], "base": 1, "note": "n", "plan": "p"}
        return propose_change(
            change="policy", payload=given, title="More", card={"sentence": "s"}, proposer=fresh(admin)
        )

    if when == "before":
        make()
        request = propose()
    else:
        request = propose()
        make()
        request.refresh_from_db()
    with pytest.raises(NotAllowedToDecide, match="Someone else signs"):
        countersign(request, desk["second-admin"])


def test_letting_more_people_sign_waits_too(desk: Desk, finance: ApproverGroup) -> None:
    board = ApproverGroup.objects.create(name="board")
    waits = set_escalation(of=desk.team, to=board, by=fresh(desk["admin"]))
    assert waits is not None and Team.objects.get(pk=desk.team.pk).escalates_to is None
    countersign(waits, desk["second-admin"])
    assert Team.objects.get(pk=desk.team.pk).escalates_to == board
    assert set_escalation(of=Team.objects.get(pk=desk.team.pk), to=None, by=fresh(desk["admin"])) is None
    assert GroupMember.objects.filter(group=board).count() == 0


def test_hours_and_escalation_on_the_teams_page(desk: Desk, as_person: Callable[[str], Client]) -> None:
    client, url = as_person("admin"), f"/people/teams/{desk.team.name}/"
    body = {"zone": "Europe/Berlin", "days": ["0", "1"], "start": "09:00", "end": "17:00", "holidays": "2026-12-25"}
    assert client.post(url, body).status_code == 303
    hours = Team.objects.get(pk=desk.team.pk).hours
    assert hours == {
        "zone": "Europe/Berlin",
        "days": [0, 1],
        "from": "09:00",
        "to": "17:00",
        "holidays": ["2026-12-25"],
    }
    page = client.get(url).content.decode()
    assert "Europe/Berlin" in page and "2026-12-25" in page
    for wrong, sentence in (
        ({"zone": "Mars"}, "no time zone"),
        ({"days": []}, "at least one day"),
        ({"end": "8"}, "time of day"),
    ):
        answer = client.post(url, {**body, **wrong})
        assert answer.status_code == 422 and sentence in answer.content.decode()
    assert as_person("operator").post(url, body).status_code == 403
    assert AuditEvent.objects.filter(verb="team.changed").count() == 1
    group = ApproverGroup.objects.create(name="board")
    assert client.post("/people/groups/finance/escalation/", {"escalates_to": group.pk}).status_code == 303
    assert Request.objects.get(kind="proposal").title.startswith("Let board sign too")
    assert as_person("operator").post("/people/groups/finance/escalation/", {}).status_code == 403
