"""R12: what comes too late fires nothing: a vote after the deadline, an act after its own, and one on a changed world."""

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.models import Action
from agents.providers import registry
from approvals.errors import AlreadySettled, ApprovalError, DeadlinePassed
from approvals.models import Decision, Request
from approvals.services import expire_overdue_requests
from integrations.models import Connection
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import refund_agent, refund_run
from tests.faults.conversing import LARGE, Clerk, clerk
from tests.faults.copies import copies_of
from tests.faults.deciding import Act, unguarded, voting
from tests.faults.guards_off import begin_effect
from tests.promises import Promise
from tests.shop import OVERRIDES, Shop

COUNTS = [100, pytest.param(1_000, marks=[pytest.mark.chaos, pytest.mark.slow])]
CHECK = {"by": "get_order", "compare": ["refunded_minor", "status"], "after": {"refunded_minor": "+amount_minor"}}
VOTES, ACTS, WORLD = (
    "a click after the deadline to decide",
    "an act after the deadline to execute",
    "a click on what has changed since",
)


def opened(shop: Shop, *, check: bool) -> Request:
    """A refund that waits; with a check, bound to how its order stands."""
    refund = {**OVERRIDES["refund_order"], **({"check": CHECK} if check else {})}
    Connection.objects.update(tools={**OVERRIDES, "refund_order": refund})
    shop.records["order-1"] = {"refunded_minor": 0, "status": "delivered"}
    registry.put(Clerk(clerk(LARGE)))
    refund_agent(limits={"turns": 12, "actions": 12, "seconds": 3_000, "parallel_runs": 50_000})
    refund_run("order-1")
    work()
    return Request.objects.get(state="open")


def turn_back(column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE approvals_request SET {column} = clock_timestamp() - interval '1 ms'")  # noqa: S608


def refusals(act: Act, requests: list[Request]) -> Counter[Any]:
    said: Counter[Any] = Counter()
    for request in requests:
        try:
            act(request)
            said[None] += 1
        except ApprovalError as refusal:
            said[type(refusal)] += 1
    return said


def swept() -> None:
    while expire_overdue_requests():
        pass
    worked()


def worked() -> None:
    for _ in range(100):
        if not work(rounds=1):
            return


@pytest.mark.parametrize("count", COUNTS)
def test_clicks_after_the_deadline(shop: Shop, second_operator: User, promise: Promise, count: int) -> None:
    requests = copies_of(opened(shop, check=False), count)
    turn_back("decide_by")
    first = refusals(voting(second_operator, "approve"), requests)
    swept()
    again = refusals(voting(second_operator, "approve"), requests)
    promise(VOTES, tried=count, violations=Decision.objects.count() + len(shop.refunds))
    assert (first, again) == ({DeadlinePassed: count}, {AlreadySettled: count})
    assert Decision.objects.count() == 0 and shop.refunds == {}
    assert Action.objects.filter(state="expired").count() == count + 1 and history_problems() == []


def test_a_click_that_asks_nobody_counts(shop: Shop, second_operator: User, promise: Promise) -> None:
    """The negative control: whoever writes without asking gets a vote, and the harness sees it."""
    requests = copies_of(opened(shop, check=False), 20)
    turn_back("decide_by")
    said = refusals(unguarded(second_operator, "approve"), requests)
    promise(VOTES, tried=20, violations=Decision.objects.count(), control=True)
    assert said == {None: 20} and Decision.objects.count() == 20


@pytest.mark.parametrize("count", COUNTS)
def test_acts_after_their_deadline(shop: Shop, second_operator: User, promise: Promise, count: int) -> None:
    _signed_and_late(shop, second_operator, count)
    promise(ACTS, tried=count + 1, violations=len(shop.refunds))
    assert shop.refunds == {} and Action.objects.filter(attempts__gt=0).count() == 0
    assert Request.objects.filter(state="expired").count() == count + 1 and history_problems() == []


def test_without_the_look_at_the_clock_they_act(shop: Shop, second_operator: User, promise: Promise) -> None:
    with begin_effect(without=("deadline",)):
        _signed_and_late(shop, second_operator, 10)
    promise(ACTS, tried=11, violations=len(shop.refunds), control=True)
    assert len(shop.refunds) == 11


def _signed_and_late(shop: Shop, user: User, count: int) -> None:
    request = opened(shop, check=False)
    voting(user, "approve")(request)
    request.refresh_from_db()
    copies_of(request, count)
    turn_back("execute_by")
    worked()


@pytest.mark.parametrize("count", COUNTS)
def test_clicks_on_what_has_changed(shop: Shop, second_operator: User, promise: Promise, count: int) -> None:
    clicked = _clicked_after_a_change(shop, second_operator, count, check=True)
    promise(WORLD, tried=count, violations=len(shop.refunds))
    assert shop.refunds == {} and clicked == {None: count}
    assert Action.objects.filter(state="superseded").count() == count
    assert Request.objects.filter(state="open").count() == count + 1 and history_problems() == []


def test_without_a_check_of_the_world_they_run(shop: Shop, second_operator: User, promise: Promise) -> None:
    _clicked_after_a_change(shop, second_operator, 10, check=False)
    promise(WORLD, tried=10, violations=len(shop.refunds), control=True)
    assert len(shop.refunds) == 10


def _clicked_after_a_change(shop: Shop, user: User, count: int, *, check: bool) -> Counter[Any]:
    requests = copies_of(opened(shop, check=check), count)
    shop.records["order-1"] = {"refunded_minor": 64_000, "status": "delivered"}
    said = refusals(voting(user, "approve"), requests)
    worked()
    return said
