"""Runs over HTTP: the list, the story, and what a person may do there."""

import pytest
from django.test import Client

from tests import desk as company

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return company.open_desk()


def client_of(desk, name):
    client = Client()
    client.force_login(desk[name])
    return client


def test_the_list_is_filtered_by_state_agent_and_words(desk):
    run = company.run_of(desk, subject="order 20871")
    client = client_of(desk, "operator")
    for query in ("", "?state=now", "?agent=refund-clerk", "?q=20871", f"?q={run.number}"):
        assert "order 20871" in client.get(f"/runs/{query}").content.decode(), query
    for query in ("?state=ended", "?agent=nobody", "?q=nothing"):
        assert "order 20871" not in client.get(f"/runs/{query}").content.decode(), query


def test_a_stranger_sees_no_run(desk):
    run = company.run_of(desk)
    client = client_of(desk, "stranger")
    assert str(run.pk) not in client.get("/runs/").content.decode()
    assert client.get(f"/runs/{run.pk}/").status_code == 404
    assert client.post(f"/runs/{run.pk}/cancel/").status_code == 404


def test_the_live_part_says_nothing_until_something_changes(desk):
    run = company.run_of(desk)
    client = client_of(desk, "operator")
    version = client.get(f"/runs/{run.pk}/").context["version"]
    assert client.get(f"/runs/{run.pk}/?v={version}", headers={"HX-Request": "true"}).status_code == 204
    client.post(f"/runs/{run.pk}/cancel/", {"reason": "a test"})
    answer = client.get(f"/runs/{run.pk}/?v={version}", headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "cancelled" in answer.content.decode()
    assert "hx-trigger" not in answer.content.decode().split("</header>")[0]


def test_an_auditor_may_look_but_not_cancel(desk):
    run = company.run_of(desk)
    client = client_of(desk, "auditor")
    assert "Operators and admins stop or retry runs." in client.get(f"/runs/{run.pk}/").content.decode()
    answer = client.post(f"/runs/{run.pk}/cancel/", {"reason": "no"})
    assert answer.status_code == 403
    run.refresh_from_db()
    assert run.state == "queued"


def test_the_story_links_to_the_request_that_it_waits_for(desk):
    request = company.refund_waits(desk)
    page = client_of(desk, "operator").get(f"/runs/{request.run_id}/").content.decode()
    assert f"/inbox/{request.pk}/" in page and "Refund €640.00 for order 20871" in page
    raw = client_of(desk, "operator").get(f"/runs/{request.run_id}/?view=raw")
    assert raw.status_code == 200
