"""Who signed is asked again at the act: a delegate's vote and an escalated signer's, whose right went meanwhile, runs nothing.

Also when whoever signed for somebody lost nothing, and the one they stood in for did.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from agents.models import Action
from agents.providers import registry
from approvals.absences import set_absence
from approvals.database_clock import database_now
from approvals.models import ApproverGroup, Decision, GroupMember, Request
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import person, refund_agent, refund_run
from tests.faults.conversing import LARGE, Clerk, clerk
from tests.faults.copies import copies_of
from tests.faults.deciding import voting
from tests.promises import Promise
from tests.shop import Shop

WORDS = "a delegate's and an escalated signer's right is asked again at the act"
Loss = Callable[[User], object]


def no_role(user: User) -> None:
    user.groups.set([Group.objects.get(name="auditor")])


def no_group(user: User) -> None:
    GroupMember.objects.filter(user=user).delete()


def smaller_limit(user: User) -> None:
    GroupMember.objects.filter(user=user).update(limits={"EUR": LARGE - 1})


def gone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


PRINCIPAL: dict[str, Loss] = {"role": no_role, "group": no_group, "limit": smaller_limit, "account": gone}
DELEGATE: dict[str, Loss] = {"role": no_role, "account": gone}


@pytest.fixture
def waits(shop: Shop) -> Request:
    registry.put(Clerk(clerk(LARGE)))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 3_000, "parallel_runs": 50_000})
    refund_run("order-1")
    work()
    return Request.objects.get(state="open")


def signed_by_a_delegate(waits: Request, count: int) -> tuple[User, User]:
    """Have each signed by one who stands in for another. Returns who is away, and who signed."""
    away = person("away", "operator", limits={"EUR": 1_000_000})
    here = person("here", "operator")
    now = database_now()
    set_absence(user=away, delegate=here, starts_at=now, ends_at=now + timedelta(days=1), by=away)
    _signed(waits, here, count)
    assert set(Decision.objects.values_list("on_behalf_of", flat=True)) == {away.pk}
    return away, here


def signed_after_escalation(waits: Request, count: int) -> User:
    """Have each signed by one who may only because it was escalated to their group."""
    late = person("late", "operator")
    board = ApproverGroup.objects.create(name="board")
    GroupMember.objects.create(group=board, user=late, limits={"EUR": 1_000_000})
    Request.objects.filter(pk=waits.pk).update(escalated_to="board", escalated_at=database_now())
    waits.refresh_from_db()
    _signed(waits, late, count)
    return late


def _signed(waits: Request, user: User, count: int) -> None:
    voting(User.objects.get(pk=user.pk), "approve")(waits)
    waits.refresh_from_db()
    copies_of(waits, count - 1)


def worked() -> None:
    for _ in range(100):
        if not work(rounds=1):
            return


COUNTS = [5, pytest.param(200, marks=[pytest.mark.chaos, pytest.mark.slow])]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("whose", "what"), [*(("away", what) for what in PRINCIPAL), *(("here", w) for w in DELEGATE)])
def test_a_delegates_vote_without_the_right_runs_nothing(
    waits: Request, shop: Shop, promise: Promise, count: int, whose: str, what: str
) -> None:
    away, here = signed_by_a_delegate(waits, count)
    (PRINCIPAL[what](away) if whose == "away" else DELEGATE[what](here))
    worked()
    promise(WORDS, tried=count, violations=len(shop.refunds))
    assert shop.refunds == {} and Action.objects.filter(state="superseded").count() == count
    assert history_problems() == []


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("what", PRINCIPAL)
def test_an_escalated_signers_vote_without_the_right_runs_nothing(
    waits: Request, shop: Shop, promise: Promise, count: int, what: str
) -> None:
    PRINCIPAL[what](signed_after_escalation(waits, count))
    worked()
    promise(WORDS, tried=count, violations=len(shop.refunds))
    assert shop.refunds == {} and Action.objects.filter(state="superseded").count() == count
    assert history_problems() == []


def test_with_the_right_they_run(waits: Request, shop: Shop) -> None:
    signed_by_a_delegate(waits, 3)
    worked()
    assert len(shop.refunds) == 3


def test_the_database_function_alone_does_not_ask(waits: Request, promise: Promise) -> None:
    """The negative control: an act that is begun without the second look at the people begins."""
    away, _ = signed_by_a_delegate(waits, 5)
    no_group(away)
    begun = [_begun(action) for action in Action.objects.filter(state="approved")]
    promise(WORDS, tried=5, violations=sum(begun), control=True)
    assert begun == [True] * 5


def _begun(action: Action) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE agents_run SET state = 'running', fence = fence + 1 WHERE id = %s", [action.run_id])
        cursor.execute(
            "SELECT countersign_begin_effect(r.id, r.fence, %s, p.id, ARRAY['global'], 'x', false, NULL, NULL)"
            " FROM agents_run r, approvals_policyversion p WHERE r.id = %s AND p.active",
            [action.pk, action.run_id],
        )
        return bool(cursor.fetchone()[0] == "ok")
