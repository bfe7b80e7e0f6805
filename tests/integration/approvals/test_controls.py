"""Seeded controls: they look like the real thing, can never run, are disclosed after the vote and count nowhere else."""

import pytest
from django.test import Client

from agents.models import Action
from approvals.controls import is_catch, seed_control, seed_due_controls, set_control_rate
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, TooLateToUndo, WrongVote
from approvals.expiring import expire_overdue_requests
from approvals.models import AuditEvent, Control, Label, Notice, Request
from approvals.ports import actions
from approvals.services import decide_request, undo_decision
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    made = company.open_desk()
    request = company.refund_waits(made)
    decide_request(
        request_id=request.pk,
        user=made["second-operator"],
        vote="approve",
        digest=request.action_digest,
        via="api",
    )
    return made


def card(desk: Desk, name: str, request: Request) -> str:
    client = Client()
    client.force_login(desk[name])
    return client.get(f"/inbox/{request.pk}/", headers={"HX-Request": "true"}).content.decode()


def vote(desk: Desk, request: Request, said: str, **more: object) -> str:
    given = {"digest": request.action_digest, "vote": said, "via": "browser", **more}
    return decide_request(request_id=request.pk, user=desk["second-operator"], **given).message  # type: ignore[arg-type]


def test_it_has_no_action_and_looks_like_a_real_request(desk):
    control = seed_control(team=desk.team, user=desk["admin"])
    assert control.control and not Action.objects.filter(pk=control.action_id).exists()
    stored = actions().read([control.action_id])[control.action_id]
    assert stored.digest == control.action_digest and stored.arguments["amount_minor"] == 640_000
    drawn = card(desk, "second-operator", control)
    assert "6,400.00" in drawn and "640.00 EUR for" not in drawn
    for name in ("second-operator", "auditor"):
        client = Client()
        client.force_login(desk[name])
        assert client.get(f"/policy/actions/{control.action_id}/").status_code in (200,)
    assert "was a control" not in drawn and "not what was to be signed" not in drawn


@pytest.mark.parametrize(("said", "words"), [("approve", "you did not catch it"), ("reject", "you caught it")])
def test_whoever_decides_is_told_and_nothing_ran(desk, said, words):
    control, before = seed_control(team=desk.team, user=desk["admin"]), Action.objects.count()
    assert words in vote(desk, control, said)
    control.refresh_from_db()
    assert control.execute_after is None and Action.objects.count() == before
    assert "was a control" in card(desk, "second-operator", control)
    assert Label.objects.count() == 1, "only the real decision is a labelled case"
    if said == "approve":
        with pytest.raises(TooLateToUndo):
            undo_decision(request_id=control.pk, user=desk["second-operator"])


def test_editing_what_is_wrong_is_catching_it(desk):
    control = seed_control(team=desk.team, user=desk["admin"])
    right = {"order_id": "20871", "amount_minor": 64_000, "currency": "EUR"}
    assert is_catch(control, right) and not is_catch(control, {**right, "amount_minor": 640_000})
    assert "you caught it" in vote(desk, control, "approve", arguments=right)


def test_the_trail_names_it_from_the_start_but_only_to_those_who_see_all(desk):
    control = seed_control(team=desk.team, user=desk["admin"])
    row = AuditEvent.objects.get(verb="control.seeded")
    assert row.subject_id == str(control.pk) and row.data["argument"] == "amount_minor"
    for name, sees in (("auditor", True), ("second-operator", False)):
        client = Client()
        client.force_login(desk[name])
        assert ("control.seeded" in client.get("/audit/").content.decode()) is sees


def test_it_expires_quietly(desk):
    control = seed_control(team=desk.team, user=desk["admin"])
    Request.objects.filter(pk=control.pk).update(decide_by=database_now())
    told = Notice.objects.count()
    assert expire_overdue_requests() == 1 and Notice.objects.count() == told
    assert not Label.objects.filter(kind="expired").exists()


def test_none_is_seeded_unless_an_admin_says_so(desk):
    assert seed_due_controls() == 0
    with pytest.raises(NotAllowed):
        set_control_rate(team=desk.team, percent=5, by=desk["operator"])
    with pytest.raises(NotAllowed):
        seed_control(team=desk.team, user=desk["operator"])
    with pytest.raises(WrongVote):
        set_control_rate(team=desk.team, percent=50, by=desk["admin"])
    set_control_rate(team=desk.team, percent=10, by=desk["admin"])
    assert seed_due_controls() == 0, "one decision is not ten"
    for order in range(10):
        request = company.refund_waits(desk, order=str(order))
        decide_request(
            request_id=request.pk,
            user=desk["second-operator"],
            vote="reject",
            digest=request.action_digest,
            via="api",
        )
    assert seed_due_controls() == 1 and seed_due_controls() == 0
    assert Control.objects.get().seeded_by is None


def test_its_seeder_does_not_decide_it(desk):
    control = seed_control(team=desk.team, user=desk["second-admin"])
    with pytest.raises(NotAllowed):
        decide_request(
            request_id=control.pk, user=desk["second-admin"], vote="reject", digest=control.action_digest, via="api"
        )
