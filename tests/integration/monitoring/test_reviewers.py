"""Reviewer figures: what they count, what they leave out, who sees whose, and the pages beside a decision."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from approvals.audit import COMMAND_LINE
from approvals.controls import seed_control
from approvals.database_clock import database_now
from approvals.labels import correct
from approvals.models import Decision, Label, Request, StandingAnswer, Team
from approvals.people import signer
from approvals.services import decide_request
from approvals.standing import let_stand
from approvals.standing_use import answer_identical
from approvals.tokens import Scope, create_token
from monitoring.reviewers import controls_caught, queues, rows_by_person, rows_by_tool, votes_behind
from tests import desk as company
from tests.desk import Desk

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


def decided(desk: Desk, vote: str, request: Request | None = None, **more: Any) -> Request:
    request = request or company.refund_waits(desk)
    given = {"digest": request.action_digest, "vote": vote, "via": "api", **more}
    decide_request(request_id=request.pk, user=desk["second-operator"], **given)
    request.refresh_from_db()
    return request


def since() -> Any:
    return database_now().replace(year=2020)


def test_the_figures_equal_a_plain_count_over_the_same_rows(desk):
    approved = decided(desk, "approve")
    decided(desk, "reject", via="browser")
    arguments = {"order_id": "20871", "amount_minor": 60_000, "currency": "EUR"}
    decided(desk, "approve", arguments=arguments)
    correct(user=desk["operator"], request_id=approved.pk, reason_code="wrong_record")
    [row] = rows_by_person(signer(desk["manager"]), since())
    assert (row.person, row.decisions, row.approved, row.edited, row.regretted, row.by_channel) == (
        "second-operator",
        3,
        1,
        1,
        1,
        2,
    )
    assert row.too_few and row.median is not None and row.p90 is not None and row.p90 >= row.median
    assert [one.tool for one in rows_by_tool(signer(desk["manager"]), since())] == [company.REFUND]
    behind = votes_behind(signer(desk["manager"]), since(), only="regretted")
    assert [vote.request for vote in behind] == [approved]


def test_controls_and_standing_answers_count_in_none_of_them(desk):
    no = decided(desk, "reject")
    let_stand(request_id=no.pk, user=desk["second-operator"], reason="Always.")
    company.refund_waits(desk)
    assert answer_identical()
    decided(desk, "reject", seed_control(team=desk.team, user=desk["admin"]))
    assert Decision.objects.count() == 3
    [row] = rows_by_person(signer(desk["manager"]), since())
    assert row.decisions == 1
    [caught] = controls_caught(signer(desk["manager"]), since())
    assert (caught.caught, caught.seen) == (1, 1)


def test_a_person_sees_their_own_and_another_team_nothing(desk):
    decided(desk, "approve")
    assert rows_by_person(signer(desk["operator"]), since()) == []
    assert len(rows_by_person(signer(desk["second-operator"]), since())) == 1
    assert len(rows_by_person(signer(desk["auditor"]), since())) == 1
    desk["manager"].teams.set([Team.objects.create(name="elsewhere")])
    assert rows_by_person(signer(desk["manager"]), since()) == []


def test_the_queue_says_how_many_wait_and_no_control_is_among_them(desk):
    decided(desk, "approve")
    company.refund_waits(desk)
    seed_control(team=desk.team, user=desk["admin"])
    [queue] = queues(signer(desk["manager"]), database_now())
    assert (queue.team, queue.waiting) == ("desk", 1)


def test_every_page_is_drawn_empty_and_full(desk, as_person):
    for path in ("/reviewers/", "/reviewers/votes/", "/standing/", "/people/teams/desk/"):
        assert as_person("admin").get(path).status_code == 200
    decided(desk, "approve")
    page = as_person("manager").get("/reviewers/").content.decode()
    assert "1 decision: too few to say" in page
    csv = b"".join(as_person("manager").get("/reviewers/?format=csv").streaming_content).decode()
    assert '"second-operator"' in csv
    assert "second-operator" in as_person("manager").get("/reviewers/votes/?person=second-operator").content.decode()


def test_the_settled_card_offers_what_may_be_said_afterwards(desk, as_person):
    request = decided(desk, "reject")
    mine = as_person("second-operator").get(f"/inbox/{request.pk}/").content.decode()
    assert "Answer the same way for identical cases" in mine and "This rejection was wrong" in mine
    others = as_person("operator").get(f"/inbox/{request.pk}/").content.decode()
    assert "Answer the same way" not in others and "This rejection was wrong" in others
    assert "This rejection was wrong" not in as_person("auditor").get(f"/inbox/{request.pk}/").content.decode()


def test_the_buttons_beside_a_decision_do_what_they_say(desk, as_person):
    request, client = decided(desk, "reject"), as_person("second-operator")
    client.post(f"/inbox/{request.pk}/stands/", {"days": "7", "reason": "Always.", "whom": "agent"})
    standing = StandingAnswer.objects.get()
    assert "Always." in client.get("/standing/").content.decode()
    client.post(f"/inbox/{request.pk}/wrong/", {"reason_code": "no_proof", "comment": ""})
    assert Label.objects.filter(kind="override").count() == 1
    assert "Said later" in client.get(f"/inbox/{request.pk}/").content.decode()
    stranger = as_person("stranger")
    assert stranger.post(f"/standing/{standing.pk}/revoke/").status_code == 404
    assert stranger.post(f"/inbox/{request.pk}/wrong/", {"reason_code": "no_proof"}).status_code == 404
    assert as_person("auditor").post(f"/standing/{standing.pk}/revoke/").status_code == 403
    client.post(f"/standing/{standing.pk}/revoke/")
    standing.refresh_from_db()
    assert standing.revoked_at is not None


def test_controls_are_set_on_the_teams_page_by_admins_alone(desk, as_person):
    decided(desk, "approve")
    assert as_person("operator").post("/people/teams/desk/controls/", {"seed": "1"}).status_code == 403
    as_person("admin").post("/people/teams/desk/controls/", {"seed": "1"})
    assert Request.objects.filter(control=True).count() == 1
    as_person("admin").post("/people/teams/desk/controls/", {"percent": "3"})
    desk.team.refresh_from_db()
    assert desk.team.control_percent == 3


def test_labels_leave_by_the_api_for_their_own_team(desk):
    decided(desk, "reject", comment="=1+1", reason_code="no_proof")
    for name, seen in (("operator", 1), ("stranger", 0)):
        _, token = create_token(user=desk[name], scopes=[Scope.READ], actor=COMMAND_LINE, now=database_now())
        headers = {"Authorization": f"Bearer {token}"}
        answer = Client().get("/api/v1/labels/", headers=headers)
        assert answer.status_code == 200 and len(answer.json()["results"]) == seen
        csv = b"".join(Client().get("/api/v1/labels/export/", headers=headers).streaming_content).decode()
        assert ("'=1+1" in csv) is bool(seen)
