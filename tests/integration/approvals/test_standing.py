"""Standing answers: what they answer, what they never answer, and how they end."""

from datetime import timedelta

import pytest

from agents.models import Action
from approvals.audit import COMMAND_LINE
from approvals.database_clock import database_now
from approvals.errors import NotAllowed, WrongVote
from approvals.halts import engage_halt
from approvals.models import AuditEvent, Decision, GroupMember, Label, Request, StandingAnswer
from approvals.policy_versions import activate_policy
from approvals.reviewers import revoked_reviewer
from approvals.services import decide_request
from approvals.standing import let_stand, revoke
from approvals.standing_use import answer_identical
from tests import desk as company
from tests.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


def settled(desk: Desk, vote: str, **refund: object) -> Request:
    request = company.refund_waits(desk, **refund)  # type: ignore[arg-type]
    user = desk["second-operator"]
    decide_request(request_id=request.pk, user=user, vote=vote, digest=request.action_digest, via="api")
    request.refresh_from_db()
    return request


def stands(desk: Desk, vote: str, **more: object) -> StandingAnswer:
    """A standing answer in force; a yes is countersigned by another admin."""
    request = settled(desk, vote)
    given = {"reason": "The same each week.", **more}
    made = let_stand(request_id=request.pk, user=desk["second-operator"], **given)
    if isinstance(made, Request):
        decide_request(
            request_id=made.pk, user=desk["admin"], vote="approve", digest=made.action_digest, stepped_up=True
        )
    return StandingAnswer.objects.get()


def state_after(request: Request) -> str:
    answer_identical()
    request.refresh_from_db()
    return request.state


def test_a_no_stands_at_once_and_answers_the_identical_case(desk):
    standing = stands(desk, "reject")
    request = company.refund_waits(desk)
    assert state_after(request) == "rejected"
    vote = Decision.objects.get(request=request)
    assert (vote.user, vote.via) == (desk["second-operator"], "standing")
    assert Action.objects.get(pk=request.action_id).state == "rejected"
    used = AuditEvent.objects.get(verb="standing.used", subject_id=str(request.pk))
    assert used.data["standing"] == str(standing.pk)
    standing.refresh_from_db()
    assert standing.uses == 1
    assert Label.objects.count() == 1, "only the person's own decision is a labelled case"


def test_a_yes_waits_for_a_second_person_and_then_signs_as_its_author(desk):
    request = settled(desk, "approve")
    asked = let_stand(request_id=request.pk, user=desk["second-operator"], reason="Weekly.")
    assert isinstance(asked, Request) and asked.cls == "high" and not StandingAnswer.objects.exists()
    assert state_after(company.refund_waits(desk)) == "open"
    with pytest.raises(NotAllowed):
        decide_request(
            request_id=asked.pk,
            user=desk["second-operator"],
            vote="approve",
            digest=asked.action_digest,
            stepped_up=True,
        )
    decide_request(request_id=asked.pk, user=desk["admin"], vote="approve", digest=asked.action_digest, stepped_up=True)
    request = company.refund_waits(desk, claim="Said in other words.")
    assert state_after(request) == "approved" and revoked_reviewer(request) == ""
    assert Action.objects.get(pk=request.action_id).state == "approved"


@pytest.mark.parametrize(
    "other",
    [
        {"amount_minor": 64_001},
        {"order": "20872"},
        {"reason": "a free text that differs"},
        {"tell_customer": True},
        {"amount_minor": 600_000},
    ],
)
def test_what_differs_in_one_argument_waits_for_a_person(desk, other):
    stands(desk, "approve")
    assert state_after(company.refund_waits(desk, **other)) == "open"
    assert state_after(company.refund_waits(desk)) == "approved", "the identical one is answered (control)"


def test_another_rule_or_a_flag_is_another_case(desk):
    stands(desk, "approve")
    flagged = company.refund_waits(desk)
    Request.objects.filter(pk=flagged.pk).update(card={**flagged.card, "flags": [{"code": "x", "severity": "info"}]})
    assert state_after(flagged) == "open"
    rules = [{**company.RULES[0], "when": "args.amount_minor > 40000"}]
    activate_policy(rules=rules, actor=COMMAND_LINE)
    assert state_after(company.refund_waits(desk)) == "open"


@pytest.mark.parametrize("lost", ["limit", "account", "team", "revoked", "expired", "halted", "barred"])
def test_it_answers_only_while_its_author_could(desk, lost):
    standing = stands(desk, "approve")
    author = desk["second-operator"]
    if lost == "limit":
        GroupMember.objects.filter(user=author).update(limits={"EUR": 1})
    if lost == "account":
        type(author).objects.filter(pk=author.pk).update(is_active=False)
    if lost == "team":
        desk.team.members.remove(author)
    if lost == "revoked":
        revoke(standing_id=standing.pk, user=desk["operator"])
    if lost == "expired":
        StandingAnswer.objects.update(expires_at=database_now() - timedelta(seconds=1))
    if lost == "halted":
        engage_halt(scope="global", reason="look first", user=desk["admin"])
    request = company.refund_waits(desk, initiator=author if lost == "barred" else None)
    assert state_after(request) == "open" and not Decision.objects.filter(request=request).exists()


def test_two_that_contradict_each_other_say_no(desk):
    stands(desk, "approve")
    request = company.refund_waits(desk)
    decide_request(
        request_id=request.pk, user=desk["second-admin"], vote="reject", digest=request.action_digest, via="api"
    )
    let_stand(request_id=request.pk, user=desk["second-admin"], reason="Not any more.")
    assert state_after(company.refund_waits(desk)) == "rejected"


def test_who_may_let_it_stand_and_for_how_long(desk):
    request = settled(desk, "reject")
    with pytest.raises(NotAllowed):
        let_stand(request_id=request.pk, user=desk["operator"], reason="Not mine.")
    for days in (0, 91):
        with pytest.raises(WrongVote):
            let_stand(request_id=request.pk, user=desk["second-operator"], reason="Why", days=days)
    with pytest.raises(WrongVote):
        let_stand(request_id=request.pk, user=desk["second-operator"], reason=" ")
