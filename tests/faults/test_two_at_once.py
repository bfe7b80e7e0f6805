"""R10: however many people decide at the same instant, one decision settles, the other is told whose, and one effect follows."""

import random
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Action
from agents.providers.scripted import ScriptedProvider
from approvals.bulk import decide_together
from approvals.errors import AlreadySettled
from approvals.models import Decision, Request
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import DONE, person, refund_agent, refund_run, says, wants_refund
from tests.faults.copies import copies_of
from tests.faults.deciding import Act, Pair, outcomes, pair, unguarded, voting
from tests.integration.api.conftest import Program, program
from tests.integration.security.doors import DOORS
from tests.promises import Promise
from tests.shop import Shop

WORDS = "two decide at once: one wins, the other is told who and when"
BULK = "two people decide overlapping lists of 200 together"


@pytest.fixture
def other_operator(transactional_db: None) -> User:
    return person("third-operator", "operator", limits={"EUR": 1_000_000})


@pytest.fixture
def waits(shop: Shop, model: ScriptedProvider, second_operator: User, other_operator: User) -> Request:
    """A refund that waits, from which copies are made."""
    refund_agent()
    model.say(says("", wants_refund(64_000)))
    refund_run()
    work()
    return Request.objects.get(state="open")


def raced(two: Pair, request: Request, first: Act, second: Act) -> list[str]:
    """Return what was not as it must be after both decided at once."""
    heard = two.both(first, second, request)
    votes, losers = outcomes(request), [one for one in heard if isinstance(one, Exception)]
    if len(votes) != 1 or len(losers) != 1:
        return [f"votes {votes}, heard {heard}"]
    request.refresh_from_db()
    wrong = [] if _is_told(losers[0], votes[0][0], request) else [f"{losers[0]!r} does not say that {votes[0]} won"]
    settled = {"approve": "approved", "reject": "rejected"}[votes[0][1]]
    return wrong + ([] if request.state == settled else [f"{request.state} after {votes}"])


def _is_told(loser: Exception, winner: str, request: Request) -> bool:
    """Whether the one who came second hears who was first, what they said, and when."""
    if not isinstance(loser, AlreadySettled) or request.settled_at is None:
        return False
    known = loser.extra["by"] == winner and loser.extra["at"] == request.settled_at.isoformat()
    return known and f"{winner} {request.state} this at " in loser.message


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=[pytest.mark.chaos, pytest.mark.slow])])
def test_one_of_two_votes_wins(waits: Request, promise: Promise, count: int) -> None:
    users, rng = list(User.objects.filter(username__in=("second-operator", "third-operator"))), random.Random(10)  # noqa: S311
    wrong: list[str] = []
    with pair() as two:
        for request in copies_of(waits, count):
            ways = rng.sample(["approve", "reject", "approve", "reject"], 2)
            wrong += raced(two, request, *(voting(user, way) for user, way in zip(users, ways, strict=True)))
    won = {user.username: Decision.objects.filter(user=user).count() for user in users}
    promise(WORDS, tried=count, violations=len(wrong), note=f"won by {' / '.join(f'{n:,}' for n in won.values())}")
    assert wrong == []
    assert Decision.objects.count() == count and min(won.values()) > 0, f"never a race: {won}"
    assert history_problems() == []


def test_without_lock_and_condition_both_win(waits: Request, promise: Promise) -> None:
    """The negative control."""
    users = User.objects.filter(username__in=("second-operator", "third-operator"))
    ways = [unguarded(user, way) for user, way in zip(users, ("approve", "reject"), strict=True)]
    with pair() as two:
        wrong = [told for request in copies_of(waits, 100) for told in raced(two, request, *ways)]
    both = sum("approve" in told and "reject" in told for told in wrong)
    promise(WORDS, tried=100, violations=both, control=True)
    assert both > 0 and history_problems() != []


@pytest.mark.parametrize("count", [4, pytest.param(200, marks=[pytest.mark.chaos, pytest.mark.slow])])
def test_whatever_doors_they_come_through(waits: Request, other_operator: User, count: int) -> None:
    """Every pair of doors, some of which say no in words of their own: one vote stands, and what ran was signed."""
    first, second = User.objects.filter(username__in=("second-operator", "third-operator"))
    names = sorted({*DOORS} - {"edit"})
    pairs = [(one, other) for one in names for other in names]
    requests = copies_of(waits, max(count, len(pairs)) if count > len(pairs) else count * 6)
    with pair() as two:
        for number, request in enumerate(requests):
            one, other = pairs[number % len(pairs)]
            heard = two.both(lambda r, d=one: DOORS[d](r, first), lambda r, d=other: DOORS[d](r, second), request)
            assert not [told for told in heard if isinstance(told, Exception)], (one, other, heard)
            assert len(outcomes(request)) == 1, (one, other, outcomes(request))
    assert history_problems() == []


def test_the_loser_is_told_on_the_page_and_by_the_api(
    waits: Request, second_operator: User, other_operator: User
) -> None:
    page, by_api = copies_of(waits, 2)
    browser = Client()
    browser.force_login(other_operator)
    for request in (page, by_api):
        voting(second_operator, "reject")(request)
    sent = {"vote": "approve", "digest": page.action_digest}
    said = browser.post(f"/inbox/{page.pk}/decide/", sent, headers={"HX-Request": "true"}, follow=True)
    assert re.search(r"second-operator rejected this at \d\d:\d\d", said.content.decode()), said.content.decode()[:3000]
    answer = _api(other_operator).post(
        f"requests/{by_api.pk}/decide/", {"vote": "approve", "digest": by_api.action_digest}
    )
    by_api.refresh_from_db()
    assert answer.status == 409 and answer.body["extra"]["by"] == "second-operator", answer.body
    assert by_api.settled_at and answer.body["extra"]["at"] == by_api.settled_at.isoformat()


def _api(user: User) -> Program:
    return program(user)


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=[pytest.mark.chaos, pytest.mark.slow])])
def test_two_people_decide_overlapping_lists(
    waits: Request, second_operator: User, other_operator: User, promise: Promise, rounds: int
) -> None:
    wrong: list[str] = []
    overlap = 150 if rounds > 1 else 50
    with pair() as two:
        for _ in range(rounds):
            requests = copies_of(waits, 400 - overlap if rounds > 1 else 110)
            wrong += _bulk_raced(two, requests, second_operator, other_operator, overlap)
    promise(BULK, tried=rounds, violations=len(wrong), note=f"{overlap} in common")
    assert wrong == []
    assert history_problems() == []


def _bulk_raced(two: Pair, requests: Sequence[Request], one: User, other: User, overlap: int) -> list[str]:
    half = (len(requests) + overlap) // 2
    lists = {"approve": requests[:half], "reject": list(reversed(requests[-half:]))}

    def deciding(user: User, vote: str) -> Act:
        return lambda _: decide_together(user=user, items=_items(lists[vote]), vote=vote, comment="why", via="api")

    heard = two.both(deciding(one, "approve"), deciding(other, "reject"), requests[0])
    return _bulk_problems(heard, (one, other), requests)


def _bulk_problems(heard: Sequence[Any], users: Sequence[User], requests: Sequence[Request]) -> list[str]:
    if broken := [repr(told) for told in heard if isinstance(told, Exception)]:
        return broken
    done: dict[UUID, list[str]] = {request.pk: [] for request in requests}
    wrong = []
    for user, told in zip(users, heard, strict=True):
        for outcome in told:
            if outcome.done:
                done[outcome.request_id].append(user.username)
            elif not (outcome.became == "settled" and outcome.by and outcome.by != user.username):
                wrong.append(f"{user.username} heard {outcome.became} {outcome.by!r}: {outcome.message}")
    votes = {request.pk: [name for name, _ in outcomes(request)] for request in requests}
    return wrong + [
        f"{pk}: {done[pk]} heard of {votes[pk]}" for pk in done if len(votes[pk]) != 1 or votes[pk] != done[pk]
    ]


def _items(requests: Sequence[Request]) -> list[tuple[UUID, str]]:
    return [(request.pk, request.action_digest) for request in requests]


def test_one_effect_follows_each_that_was_approved(
    waits: Request, shop: Shop, model: ScriptedProvider, second_operator: User, other_operator: User
) -> None:
    requests = copies_of(waits, 20)
    with pair() as two:
        for request in requests:
            assert raced(two, request, voting(second_operator, "approve"), voting(other_operator, "reject")) == []
    model.say(*[DONE] * 40)
    work()
    approved = Request.objects.filter(state="approved").count()
    assert len(shop.refunds) == approved == Action.objects.filter(state="succeeded").count()
    assert history_problems() == []
