"""Labels: every judgement leaves one, corrections add to them, and what is no judgement leaves none."""

import pytest

from approvals.errors import AlreadySettled, NotAllowed, NotFound, WrongVote
from approvals.labels import correct, visible_labels
from approvals.models import AuditEvent, Label, Request
from approvals.people import signer
from approvals.services import decide_request, undo_decision
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


def decided(desk: Desk, vote: str, *, via: str = "api", **more: object) -> Request:
    request = company.refund_waits(desk)
    given = {"request_id": request.pk, "digest": request.action_digest, "vote": vote, "via": via, **more}
    decide_request(user=desk["second-operator"], **given)  # type: ignore[arg-type]
    request.refresh_from_db()
    return request


@pytest.mark.parametrize("vote", ["approve", "reject"])
def test_a_vote_is_a_labelled_case(desk, vote):
    request = decided(desk, vote, reason_code="no_proof" if vote == "reject" else "")
    label = Label.objects.get()
    assert (label.kind, label.by, label.tool, label.agent) == (
        vote,
        desk["second-operator"],
        company.REFUND,
        "refund-clerk",
    )
    assert label.request == request and label.action_id == request.action_id
    assert label.reason_code == ("no_proof" if vote == "reject" else "") and label.agent_version == 1


def test_an_edit_is_one_case_with_its_difference(desk):
    request = company.refund_waits(desk)
    arguments = {"order_id": "20871", "amount_minor": 55_000, "currency": "EUR"}
    decide_request(
        request_id=request.pk,
        user=desk["second-operator"],
        vote="approve",
        digest=request.action_digest,
        arguments=arguments,
        via="api",
    )
    label = Label.objects.get()
    assert label.kind == "edit" and label.request == request
    assert any(after for _name, _before, after in label.difference)


def test_a_vote_that_was_taken_back_is_no_case(desk):
    request = decided(desk, "approve", via="browser")
    undo_decision(request_id=request.pk, user=desk["second-operator"])
    assert Label.objects.count() == 1 and not visible_labels(signer(desk["admin"])).exists()


@pytest.mark.parametrize(("vote", "kind"), [("approve", "regret"), ("reject", "override")])
def test_a_person_says_later_that_it_was_wrong_and_nothing_else_changes(desk, vote, kind):
    request = decided(desk, vote)
    correct(user=desk["operator"], request_id=request.pk, reason_code="wrong_record")
    request.refresh_from_db()
    assert Label.objects.filter(kind=kind, by=desk["operator"]).count() == 1
    assert request.state in ("approved", "rejected")
    assert AuditEvent.objects.filter(verb=f"decision.{kind}", subject_id=str(request.pk)).exists()
    with pytest.raises(AlreadySettled):
        correct(user=desk["operator"], request_id=request.pk, reason_code="wrong_record")


def test_who_may_not_correct_and_what_cannot_be(desk):
    request = decided(desk, "approve")
    with pytest.raises(NotFound):
        correct(user=desk["stranger"], request_id=request.pk, reason_code="wrong_record")
    with pytest.raises(NotAllowed):
        correct(user=desk["auditor"], request_id=request.pk, reason_code="wrong_record")
    with pytest.raises(WrongVote):
        correct(user=desk["operator"], request_id=request.pk, reason_code="because")
    with pytest.raises(WrongVote):
        correct(user=desk["operator"], request_id=company.refund_waits(desk).pk, reason_code="no_proof")
    assert Label.objects.count() == 1


def test_another_team_reads_none_of_them(desk):
    decided(desk, "approve")
    assert visible_labels(signer(desk["operator"])).count() == 1
    assert visible_labels(signer(desk["stranger"])).count() == 0
