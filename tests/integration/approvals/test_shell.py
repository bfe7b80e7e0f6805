"""What stands around every page."""

import pytest
from django.test import Client

from approvals.halts import engage_halt
from approvals.models import Request
from tests import desk as company
from tests.integration.security.doors import countersign

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return company.open_desk()


def client_of(desk, name):
    client = Client()
    client.force_login(desk[name])
    return client


@pytest.mark.parametrize("path", ["/", "/inbox/", "/runs/", "/notices/", "/halts/", "/inbox/?tab=settled"])
@pytest.mark.parametrize("name", ["operator", "admin", "manager", "auditor", "stranger"])
def test_every_page_opens_for_every_role(desk, path, name):
    company.refund_waits(desk)
    assert client_of(desk, name).get(path).status_code == 200


def test_nobody_enters_without_signing_in(desk):
    for path in ("/", "/inbox/", "/runs/", "/notices/", "/halts/"):
        assert Client().get(path)["Location"].startswith("/accounts/login/")


def test_the_badge_counts_what_waits_for_this_very_person(desk):
    company.refund_waits(desk)
    assert 'aria-label="1 need you"' in client_of(desk, "second-operator").get("/").content.decode()
    assert "need you" not in client_of(desk, "operator").get("/").content.decode()


def test_a_halt_stands_on_every_page_until_two_admins_release_it(desk):
    operator, admin = client_of(desk, "operator"), client_of(desk, "admin")
    assert operator.post("/halts/engage/", {"scope": "global", "reason": "Amounts look wrong."}).status_code == 303
    for path in ("/", "/inbox/", "/runs/"):
        assert "Amounts look wrong." in operator.get(path).content.decode()
    assert "Only an admin asks for the release of a halt" in operator.get("/halts/").content.decode()
    halt_id = operator.get("/").context["shell"].halts[0].pk
    for who in (operator, admin):
        who.post(f"/halts/{halt_id}/release/", {"to": "released"})
        assert "Amounts look wrong." in operator.get("/inbox/").content.decode()
    request = Request.objects.get(kind="proposal")
    countersign(request, desk["second-admin"])
    assert "Amounts look wrong." not in operator.get("/inbox/").content.decode()


def test_a_manager_cannot_halt_and_reads_why(desk):
    manager = client_of(desk, "manager")
    assert "Operators and admins halt agents." in manager.get("/").content.decode()
    manager.post("/halts/engage/", {"scope": "global", "reason": "no"})
    assert manager.get("/").context["shell"].halts == []


def test_approving_while_halted_says_that_it_runs_later(desk):
    request = company.refund_waits(desk)
    engage_halt(scope="global", reason="Stop.", user=desk["admin"])
    assert "Approve, run later" in client_of(desk, "second-operator").get(f"/inbox/{request.pk}/").content.decode()


def test_the_theme_is_kept_with_the_person(desk):
    client = client_of(desk, "operator")
    client.post("/profile/theme/", {"theme": "dark", "next": "/inbox/"})
    assert '<html lang="en" data-bs-theme="dark"' in client.get("/inbox/").content.decode()


def test_the_way_back_after_choosing_a_theme_is_ours(desk):
    answer = client_of(desk, "operator").post("/profile/theme/", {"theme": "dark", "next": "//evil.example/"})
    assert answer["Location"] == "/"


def test_the_sign_in_page_is_ours_and_names_the_practice_people(desk):
    page = Client().get("/accounts/login/").content.decode()
    assert "Practice installation" in page and "second-operator" in page
    answer = Client().post("/accounts/login/", {"login": "operator", "password": company.PASSWORD})
    assert answer.status_code == 302
