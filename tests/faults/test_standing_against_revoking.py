"""A standing answer against its own revocation at the same instant: once it is revoked nobody is answered by it."""

import pytest
from django.contrib.auth.models import User

from agents.providers import registry
from approvals.models import AuditEvent, Decision, Request, StandingAnswer
from approvals.standing import let_stand, revoke
from approvals.standing_use import answer_identical
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_agent, refund_run
from tests.faults.conversing import LARGE, Clerk, clerk
from tests.faults.copies import copies_of
from tests.faults.deciding import pair, voting
from tests.promises import Promise
from tests.shop import Shop

WORDS = "a standing answer against its revocation"


@pytest.fixture
def standing(shop: Shop, second_operator: User) -> StandingAnswer:
    """An answer that stands for the case that waits, given by one who may sign it."""
    registry.put(Clerk(clerk(LARGE)))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 3_000, "parallel_runs": 50_000})
    refund_run("order-1")
    work()
    first = Request.objects.get(state="open")
    voting(second_operator, "reject")(first)
    made = let_stand(request_id=first.pk, user=second_operator, reason="always no")
    refund_run("order-1")
    work()
    assert isinstance(made, StandingAnswer)
    return made


def raced(standing: StandingAnswer, user: User, count: int) -> tuple[int, list[str]]:
    """Answer and revoke at once, so many times. Returns how many were answered, and what came after a revocation."""
    pristine = {field.attname: getattr(standing, field.attname) for field in standing._meta.concrete_fields}
    waits, broken, answered = Request.objects.filter(state="open").get(), [], 0
    StandingAnswer.objects.filter(pk=standing.pk).update(revoked_at=standing.created_at)
    with pair() as two:
        for request in copies_of(waits, count):
            Request.objects.filter(state="open").exclude(pk=request.pk).update(alike="")
            Request.objects.filter(pk=request.pk).update(alike="case")
            one = StandingAnswer.objects.create(**{k: v for k, v in pristine.items() if k != "id"})
            told = two.both(
                lambda _: answer_identical(), lambda _, pk=one.pk: revoke(standing_id=pk, user=user), request
            )
            broken += [repr(each) for each in told if isinstance(each, Exception)]
            broken += _late(one, request)
            answered += request.decisions.exists()
    return answered, broken


def _late(standing: StandingAnswer, request: Request) -> list[str]:
    """Both lock the standing answer before they write, so the order of their rows is the order of what happened."""
    ended = AuditEvent.objects.get(verb="standing.revoked", subject_id=str(standing.pk)).seq
    votes = AuditEvent.objects.filter(verb__startswith="decision.", subject_id=str(request.pk), seq__gt=ended)
    return [f"{request.pk} was answered after the revocation"] * votes.count()


@pytest.mark.parametrize("count", [40, pytest.param(1_000, marks=[pytest.mark.chaos, pytest.mark.slow])])
def test_nothing_is_answered_by_what_was_revoked(
    standing: StandingAnswer, second_operator: User, promise: Promise, count: int
) -> None:
    answered, broken = raced(standing, second_operator, count)
    promise(WORDS, tried=count, violations=len(broken), note=f"{answered} were answered before it")
    assert broken == [] and history_problems() == []
    assert Decision.objects.count() == answered + 1


def test_a_late_answer_is_seen(standing: StandingAnswer, second_operator: User, promise: Promise) -> None:
    """The negative control: somebody answers in its name who has looked before it was revoked."""
    request = Request.objects.get(state="open")
    revoke(standing_id=standing.pk, user=second_operator)
    voting(second_operator, "reject")(request)
    wrong = _late(standing, request)
    promise(WORDS, tried=1, violations=len(wrong), control=True)
    assert len(wrong) == 1


def test_it_answers_when_nobody_revokes(standing: StandingAnswer) -> None:
    assert answer_identical()
    assert Decision.objects.filter(via="standing").count() == 1
