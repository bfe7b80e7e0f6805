"""Work on the hand-off desk: whose, how urgent, until when; given back or closed with a result; seen by its team alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agents.models import Run
from approvals import desk_work
from approvals.database_clock import database_now
from approvals.desk import desk_list, in_family, wanted_from
from approvals.desk_due import WORKING_HOURS, due_after
from approvals.desk_terms import CODES, Priority, Reason, Result, family_of
from approvals.errors import AlreadySettled, BadArguments, NotAllowed, NotFound, WrongTime, WrongVote
from approvals.models import AuditEvent, Notice, Request, Team
from approvals.services import decide_request
from tests.desk import Desk, hand_off_waits, open_desk, question_waits, refund_waits

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Desk:
    return open_desk()


def _signed_in(office: Desk, name: str) -> Client:
    client = Client()
    client.force_login(office[name])
    return client


def _verbs(request: Request) -> list[str]:
    rows = AuditEvent.objects.filter(subject_type="request", subject_id=str(request.pk)).order_by("seq")
    return [row.verb for row in rows]


def test_work_is_new_and_due_by_its_priority_when_it_comes(office: Desk) -> None:
    request = hand_off_waits(office)
    assert (request.progress, request.priority) == ("new", "normal")
    assert request.due_at == due_after("normal", office.team, request.created_at)
    assert refund_waits(office).due_at is None


def test_question_is_never_due_after_its_own_deadline(office: Desk) -> None:
    request = question_waits(office)
    assert request.decide_by is not None
    low = due_after(Priority.LOW, None, request.created_at, decide_by=request.created_at + timedelta(hours=1))
    assert low == request.created_at + timedelta(hours=1)
    with pytest.raises(WrongTime, match="expires"):
        late = request.decide_by + timedelta(minutes=1)
        desk_work.set_due(request_id=request.pk, user=office["operator"], due_at=late)


def test_take_over_wait_go_on_and_put_back_leave_a_row_each(office: Desk) -> None:
    request, who = hand_off_waits(office), office["operator"]
    desk_work.take_over(request_id=request.pk, user=who)
    until = database_now() + timedelta(hours=3)
    desk_work.wait(request_id=request.pk, user=who, until=until, note="asked the warehouse")
    request.refresh_from_db()
    assert (request.progress, request.wait_until, request.assignee) == ("waiting", until, who)
    desk_work.go_on(request_id=request.pk, user=who)
    desk_work.put_back(request_id=request.pk, user=who)
    request.refresh_from_db()
    assert (request.progress, request.assignee) == ("new", None)
    wanted = ["request.assigned", "desk.taken", "request.noted", "desk.waits", "desk.goes_on"]
    assert [verb for verb in _verbs(request) if verb != "request.opened"][:5] == wanted
    assert request.remarks.get().text == "Waits: asked the warehouse"


def test_wait_that_is_over_counts_as_taken(office: Desk) -> None:
    request, who = hand_off_waits(office), office["operator"]
    desk_work.take_over(request_id=request.pk, user=who)
    desk_work.wait(request_id=request.pk, user=who, until=database_now() + timedelta(hours=1), note="an answer")
    later = database_now() + timedelta(hours=2)
    for status, there in (("waiting", 0), ("taken", 1)):
        assert len(desk_list(who, wanted_from({"status": status}), now=later).work) == there
    assert desk_list(who, wanted_from({}), now=later).work[0].progress == "taken"


def test_priority_moves_the_due_time_and_nonsense_is_refused(office: Desk) -> None:
    request, who = hand_off_waits(office), office["operator"]
    desk_work.set_priority(request_id=request.pk, user=who, priority="urgent")
    request.refresh_from_db()
    assert request.due_at == request.created_at + timedelta(hours=WORKING_HOURS["urgent"])
    row = AuditEvent.objects.get(verb="desk.priority")
    assert (row.data["before"]["priority"], row.data["after"]["priority"]) == ("normal", "urgent")
    with pytest.raises(BadArguments):
        desk_work.set_priority(request_id=request.pk, user=who, priority="at once")
    with pytest.raises(WrongTime):
        desk_work.set_due(request_id=request.pk, user=who, due_at=database_now() - timedelta(minutes=1))


def test_another_team_gets_the_work_and_the_old_one_sees_it_no_more(office: Desk) -> None:
    request, who = hand_off_waits(office), office["operator"]
    sales = Team.objects.create(name="sales")
    with pytest.raises(NotFound):
        desk_work.move_to_team(request_id=request.pk, user=who, team_id=sales.pk)
    sales.members.add(who, office["stranger"])
    office = Desk(office.team, office.agent, {**office.people, "operator": _fresh(who)})
    desk_work.take_over(request_id=request.pk, user=office["second-operator"])
    desk_work.move_to_team(request_id=request.pk, user=office["operator"], team_id=sales.pk)
    request.refresh_from_db()
    assert (request.team, request.assignee, request.progress) == (sales, None, "new")
    assert Notice.objects.filter(team=sales, request_id=request.pk).count() == 1
    assert _signed_in(office, "stranger").get(f"/inbox/{request.pk}/").status_code == 200
    assert _signed_in(office, "second-operator").get(f"/inbox/{request.pk}/").status_code == 404
    decide_request(
        request_id=request.pk,
        user=_fresh(office["stranger"]),
        vote="resolve",
        digest=request.action_digest,
        answer="ok",
    )


def _fresh(user: Any) -> Any:
    return type(user).objects.get(pk=user.pk)


@pytest.mark.parametrize("name", ["manager", "auditor", "stranger"])
def test_nobody_else_works_at_the_desk(office: Desk, name: str) -> None:
    request = hand_off_waits(office)
    wanted = NotFound if name == "stranger" else NotAllowed
    for verb, more in (
        (desk_work.take_over, {}),
        (desk_work.put_back, {}),
        (desk_work.go_on, {}),
        (desk_work.set_priority, {"priority": "high"}),
        (desk_work.set_due, {"due_at": database_now() + timedelta(hours=1)}),
        (desk_work.wait, {"until": database_now() + timedelta(hours=1), "note": "x"}),
    ):
        with pytest.raises(wanted):
            verb(request_id=request.pk, user=office[name], **more)  # type: ignore[operator]
    request.refresh_from_db()
    assert request.progress == "new" and _verbs(request) == ["request.opened"]


def test_approval_is_no_desk_work_and_what_is_settled_is_left_alone(office: Desk) -> None:
    with pytest.raises(NotFound):
        desk_work.set_priority(request_id=refund_waits(office).pk, user=office["operator"], priority="high")
    request = hand_off_waits(office)
    decide_request(
        request_id=request.pk, user=office["operator"], vote="resolve", digest=request.action_digest, answer="Called."
    )
    with pytest.raises(AlreadySettled):
        desk_work.take_over(request_id=request.pk, user=office["operator"])


@pytest.mark.parametrize("result", ["", *Result])
def test_closed_hand_off_counts_with_its_result(office: Desk, result: str) -> None:
    request = hand_off_waits(office)
    Run.objects.filter(pk=str(request.run_id)).update(state="running")
    Run.objects.filter(pk=str(request.run_id)).update(state="escalated")
    decide_request(
        request_id=request.pk,
        user=office["operator"],
        vote="resolve",
        digest=request.action_digest,
        answer="Called the customer.",
        result_code=result,
    )
    request.refresh_from_db()
    run = Run.objects.get(pk=str(request.run_id))
    wanted = result or "solved_by_person"
    assert (request.state, request.progress, request.result_code) == ("resolved", "done", wanted)
    assert run.state == "completed" and run.outcome is not None
    assert (run.outcome["result"], run.outcome["reasoning"]) == (wanted, "Called the customer.")


def test_result_is_one_of_ours_and_only_for_what_is_closed(office: Desk) -> None:
    request = hand_off_waits(office)
    facts: dict[str, Any] = {"request_id": request.pk, "user": office["operator"], "digest": request.action_digest}
    for vote, code in (("resolve", "went well"), ("answer", "duplicate")):
        with pytest.raises(WrongVote):
            decide_request(vote=vote, answer="words", result_code=code, **facts)


def test_every_code_belongs_to_one_family_and_sql_agrees(office: Desk) -> None:
    codes = [code for codes in CODES.values() for code in codes] + ["exception", "provider", "what is this"]
    for code in codes:
        request = hand_off_waits(office)
        Request.objects.filter(pk=request.pk).update(reason_code=code)
    question_waits(office)
    for row in Request.objects.all():
        families = [family for family in Reason if Request.objects.filter(in_family(family), pk=row.pk).exists()]
        assert families == [family_of(row.reason_code, row.kind)], row.reason_code


def test_page_narrows_counts_and_says_why_it_is_empty(office: Desk) -> None:
    client = _signed_in(office, "operator")
    assert "The desk is empty." in client.get("/desk/").content.decode()
    first, second = hand_off_waits(office, "A ticket speaks of legal action."), question_waits(office)
    Request.objects.filter(pk=first.pk).update(due_at=database_now() - timedelta(hours=1), priority="urgent")
    for query, shown in (
        ("", {first, second}),
        ("?overdue=1", {first}),
        ("?reason=policy", {first}),
        ("?reason=missing_data", {second}),
        ("?priority=urgent", {first}),
        ("?whose=unassigned", {first, second}),
        ("?whose=mine", set()),
        ("?status=done", set()),
        ("?q=legal", {first}),
        ("?team=desk", {first, second}),
        ("?team=none&status=none&reason=none", set()),
    ):
        page = client.get(f"/desk/{query}").content.decode()
        assert {one for one in (first, second) if f"work-{one.pk}" in page} == shown, query
    page = client.get("/desk/").content.decode()
    assert page.index(f"work-{first.pk}") < page.index(f"work-{second.pk}"), "the soonest due first"
    assert "overdue" in page
    assert f"work-{first.pk}" not in _signed_in(office, "stranger").get("/desk/").content.decode()


def test_live_page_is_silent_until_something_changes(office: Desk) -> None:
    request, client = hand_off_waits(office), _signed_in(office, "operator")
    version = desk_list(office["operator"], wanted_from({}), now=database_now()).version
    live = {"HX-Request": "true"}
    assert client.get(f"/desk/?v={version}", headers=live).status_code == 204
    desk_work.set_priority(request_id=request.pk, user=office["operator"], priority="high")
    assert client.get(f"/desk/?v={version}", headers=live).status_code == 200


def test_posts_show_the_panel_again_and_say_what_is_to_be_mended(office: Desk) -> None:
    request, client, live = hand_off_waits(office), _signed_in(office, "operator"), {"HX-Request": "true"}
    base = f"/desk/{request.pk}"
    assert b"Put back" in client.post(f"{base}/take/", headers=live).content
    refused = client.post(f"{base}/wait/", {"note": "x", "until": "2001-01-01T10:00"}, headers=live)
    assert refused.status_code == 422 and b"still to come" in refused.content
    assert client.post(f"{base}/wait/", {"note": "x", "until": "never"}, headers=live).status_code == 422
    assert client.post(f"{base}/due/", {"due": "2999-01-01T10:00"}).status_code == 303
    assert client.post(f"{base}/take/", {"back": "desk"})["Location"] == "/desk/"
    assert client.post(f"{base}/team/", {"team": "999999"}).status_code == 404
    assert _signed_in(office, "stranger").post(f"{base}/take/").status_code == 404
    assert _signed_in(office, "manager").post(f"{base}/take/").status_code == 403


def test_card_shows_what_the_agent_knew(office: Desk) -> None:
    request = hand_off_waits(
        office,
        done=[["Refund €12.00", "succeeded"]],
        error="shop.ship: 500 from the shop",
        event="01900000-0000-7000-8000-000000000000",
        found=[{"title": "Order 20871", "fields": [["status", "<b>delivered</b>"]]}],
    )
    page = _signed_in(office, "operator").get(f"/inbox/{request.pk}/").content.decode()
    for words in ("shop.ship: 500 from the shop", "Order 20871", "&lt;b&gt;delivered", "Refund €12.00", "/events/0190"):
        assert words in page, words
