"""Who must decide, as SQL and as the one truth that every verb asks: the same for random people and random requests."""

import random
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Q

from approvals import waiting
from approvals.database_clock import database_now
from approvals.models import Absence, ApproverGroup, Decision, GroupMember, Request, Snooze, Team
from approvals.people import Signer
from approvals.permissions import has_voted, objection, visible_requests
from approvals.states import RequestClass, RequestKind, RequestState, Role

pytestmark = pytest.mark.django_db
GROUPS = ("finance", "operations", "board")
CURRENCIES = ("EUR", "USD")


def a_person(dice: random.Random, name: str, teams: list[Team], groups: list[ApproverGroup]) -> User:
    user = User.objects.create_user(name, is_active=dice.random() > 0.05)
    user.groups.set(Group.objects.filter(name__in=dice.sample(sorted(Role), dice.choice((1, 1, 2)))))
    user.teams.set(dice.sample(teams, dice.randint(0, len(teams))))
    for group in dice.sample(groups, dice.randint(0, len(groups))):
        limits = {currency: dice.choice((0, 500, 1000)) for currency in CURRENCIES if dice.random() < 0.6}
        GroupMember.objects.create(group=group, user=user, limits=limits)
    return user


def a_request(dice: random.Random, number: int, teams: list[Team], people: list[User]) -> Request:
    money = dice.choice((None, 0, 500, 501, 1000, 1001))
    return Request.objects.create(
        kind=dice.choice([RequestKind.APPROVAL] * 3 + list(RequestKind)),
        state=RequestState.OPEN if dice.random() > 0.1 else RequestState.REJECTED,
        title=f"request {number}",
        team=dice.choice([None, *teams]),
        cls=dice.choice(list(RequestClass)),
        approvers=dice.choice(("", "", *GROUPS, "nobody")),
        escalated_to=dice.choice(("", "", *GROUPS)),
        money_minor=money,
        currency="" if money is None else dice.choice((*CURRENCIES, "JPY")),
        votes_needed=dice.choice((1, 2)),
        barred=[person.pk for person in people if dice.random() < 0.15],
    )


def a_vote(dice: random.Random, request: Request, people: list[User]) -> None:
    voter = dice.choice(people)
    Decision.objects.create(
        request=request,
        user=voter,
        vote="approve",
        on_behalf_of=dice.choice([None, None, *[person for person in people if person != voter]]),
        withdrawn_at=dice.choice((None, None, database_now())),
    )


def a_company(seed: int) -> tuple[list[User], list[Request]]:
    dice = random.Random(seed)
    teams = [Team.objects.create(name=f"team-{number}") for number in range(3)]
    groups = [ApproverGroup.objects.create(name=name) for name in GROUPS]
    people = [a_person(dice, f"person-{number}", teams, groups) for number in range(8)]
    now = database_now()
    for away, delegate in (dice.sample(people, 2) for _ in range(4)):
        span = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=dice.choice((-0.5, 1)))}
        Absence.objects.create(user=away, delegate=delegate, created_by=away, **span)
    requests = [a_request(dice, number, teams, people) for number in range(60)]
    for request in (row for row in requests if row.votes_needed > 1 and dice.random() < 0.7):
        a_vote(dice, request, people)
    return people, requests


def one_by_one(user: Any) -> set[Any]:
    who = Signer(user)
    rows = visible_requests(who).filter(state=RequestState.OPEN).prefetch_related("decisions")
    return {row.pk for row in rows if not objection(who, row, voted=has_voted(who, row.decisions.all()))}


@pytest.mark.parametrize("seed", range(6))
def test_the_database_says_what_the_sentences_say(seed: int) -> None:
    people, _ = a_company(seed)
    asked = 0
    for person in people:
        mine = set(waiting.mine(person).values_list("pk", flat=True))
        others = set(waiting.others(person).values_list("pk", flat=True))
        assert mine == one_by_one(person)
        assert not mine & others
        assert mine | others == set(waiting.open_requests(person).values_list("pk", flat=True))
        assert waiting.count_mine(person) == len(mine)
        asked += len(mine)
    assert asked, "no person may sign anything: this company proves nothing"


def test_a_rule_forgotten_in_the_database_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without who is barred, or without who voted, the two no longer agree."""
    people, _ = a_company(1)
    for forgotten in ("_not_barred", "_not_voted", "_with_authority"):
        with monkeypatch.context() as forgetting:
            forgetting.setattr(waiting, forgotten, lambda *_: Q())
            differ = [p for p in people if set(waiting.mine(p).values_list("pk", flat=True)) != one_by_one(p)]
        assert differ, forgotten


def test_what_one_person_put_off_leaves_their_list_alone_and_comes_back() -> None:
    person, other = (User.objects.create_user(name) for name in ("one", "other"))
    for each in (person, other):
        each.groups.set(Group.objects.filter(name=Role.OPERATOR))
    request = Request.objects.create(kind=RequestKind.QUESTION, title="Which invoice?")
    snooze = Snooze.objects.create(request=request, user=person, until=database_now() + timedelta(hours=1))
    assert [
        waiting.counted(rows(each)) for each, rows in product((person, other), (waiting.mine, waiting.snoozed))
    ] == [
        0,
        1,
        1,
        0,
    ]
    Snooze.objects.filter(pk=snooze.pk).update(until=database_now())
    assert waiting.counted(waiting.mine(person)) == 1
