"""Separation of duties as a matrix: every relation that keeps somebody from signing, at every door. Nothing gets in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from agents.models import Run
from agents.services import publish_agent_version
from approvals.absences import set_absence
from approvals.audit import SYSTEM, Actor
from approvals.database_clock import database_now
from approvals.models import ApproverGroup, Decision, GroupMember, Request
from approvals.policy_versions import activate_policy
from approvals.services import decide_request
from approvals.states import RequestState
from integrations.services import accept_event
from integrations.sources import put_trigger
from tests import desk as company
from tests.desk import REFUND, RULES, Desk
from tests.hooks import judge_all, source
from tests.integration.security.doors import DOORS, NO_DOOR, UNDO, edited

pytestmark = pytest.mark.django_db
RICH = {"EUR": 100_000_000}


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


def somebody(desk: Desk, name: str, *, role: str = "operator", limits: dict[str, int] | None = None) -> User:
    """Return a person who could sign, but for what a relation then makes of them."""
    user = User.objects.create(username=name)
    user.groups.add(Group.objects.get(name=role))
    desk.team.members.add(user)
    GroupMember.objects.create(group=ApproverGroup.objects.get(name="finance"), user=user, limits=limits or RICH)
    return user


def poor(desk: Desk, name: str) -> User:
    """Return an operator of the team who is in no group, and so has no authority of their own."""
    user = somebody(desk, name)
    user.approver_memberships.all().delete()  # type: ignore[attr-defined]
    return user


def stands_in(delegate: User, user: User) -> User:
    now = database_now()
    set_absence(user=user, delegate=delegate, starts_at=now, ends_at=now + timedelta(days=1), by=user)
    return delegate


def started_it(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "starter")
    return company.refund_waits(desk, initiator=who), who


def wrote_the_version(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "writer")
    _publish(desk, "Pay whatever is asked.", who)
    return company.refund_waits(desk), who


def wrote_the_words_before(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "first-writer")
    for words, by in (("Pay at once.", who), ("Pay never.", desk["admin"]), ("Pay at once.", desk["admin"])):
        _publish(desk, words, by)
    return company.refund_waits(desk), who


def wrote_the_rule(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "rule-writer")
    _rules([{**RULES[0], "deadline_h": 12}, RULES[1]], who)
    request = company.refund_waits(desk)
    return request, who


def raised_the_amount(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "editor")
    successor = edited(company.refund_waits(desk), who, 90_000).request
    assert successor is not None
    return successor, who


def said_what_the_tool_is(desk: Desk) -> tuple[Request, User]:
    """How a connection tells it of a real tool: test_who_wrote_the_tool."""
    who = somebody(desk, "tool-writer")
    return company.refund_waits(desk, tool=replace(company.TOOL, editors=(who.pk,))), who


def wrote_the_trigger(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "trigger-writer", role="admin")
    words = {"source": source().name, "agent": desk.agent.name, "when": "", "goal": "Pay whatever is asked."}
    put_trigger(document=words, before=None, user=who, now=database_now())
    accept_event(source="shop-orders", payload={"order_id": "20871"})
    judge_all()
    return company.refund_waits(desk, run=Run.objects.get()), who


def has_voted(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "voter")
    return _half_signed(desk, who), who


def has_voted_and_is_in_two_groups(desk: Desk) -> tuple[Request, User]:
    request, who = has_voted(desk)
    GroupMember.objects.create(group=ApproverGroup.objects.create(name="board"), user=who, limits=RICH)
    Request.objects.filter(pk=request.pk).update(escalated_to="board")
    return request, who


def stands_in_for_the_voter(desk: Desk) -> tuple[Request, User]:
    request, voter = has_voted(desk)
    return request, stands_in(somebody(desk, "voters-delegate"), voter)


def is_stood_in_for_by_the_voter(desk: Desk) -> tuple[Request, User]:
    absent = somebody(desk, "away")
    voter = stands_in(poor(desk, "voter"), absent)
    return _half_signed(desk, voter), absent


def is_the_next_delegate_of_whom_was_voted_for(desk: Desk) -> tuple[Request, User]:
    request, absent = is_stood_in_for_by_the_voter(desk)
    absent.absences.update(ended_at=database_now())  # type: ignore[attr-defined]
    return request, stands_in(poor(desk, "next"), absent)


def stands_in_for(barred: Callable[[Desk], tuple[Request, User]]) -> Callable[[Desk], tuple[Request, User]]:
    def relation(desk: Desk) -> tuple[Request, User]:
        request, who = barred(desk)
        return request, stands_in(poor(desk, "delegate"), who)

    relation.__name__ = f"stands_in_for_who_{barred.__name__}"
    return relation


def stands_in_and_started_it(desk: Desk) -> tuple[Request, User]:
    who = stands_in(poor(desk, "starter"), somebody(desk, "away"))
    return company.refund_waits(desk, initiator=who), who


def is_switched_off(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "off")
    User.objects.filter(pk=who.pk).update(is_active=False)
    return company.refund_waits(desk), who


def stands_in_for_who_is_switched_off(desk: Desk) -> tuple[Request, User]:
    away = somebody(desk, "off")
    who = stands_in(poor(desk, "delegate"), away)
    User.objects.filter(pk=away.pk).update(is_active=False)
    return company.refund_waits(desk), who


def lost_the_role(desk: Desk) -> tuple[Request, User]:
    who = stands_in(somebody(desk, "was-operator"), somebody(desk, "away"))
    who.groups.clear()
    return company.refund_waits(desk), who


def is_only_a_manager(desk: Desk) -> tuple[Request, User]:
    return company.refund_waits(desk), somebody(desk, "boss", role="manager")


def is_only_an_auditor(desk: Desk) -> tuple[Request, User]:
    return company.refund_waits(desk), somebody(desk, "reader", role="auditor")


def is_of_another_team(desk: Desk) -> tuple[Request, User]:
    who = somebody(desk, "far-away")
    desk.team.members.remove(who)
    return company.refund_waits(desk), who


def is_in_no_group(desk: Desk) -> tuple[Request, User]:
    return company.refund_waits(desk), poor(desk, "poor")


def has_too_small_a_limit(desk: Desk) -> tuple[Request, User]:
    return company.refund_waits(desk), somebody(desk, "small", limits={"EUR": 63_000})


def has_a_limit_in_another_currency(desk: Desk) -> tuple[Request, User]:
    return company.refund_waits(desk), somebody(desk, "dollars", limits={"USD": 100_000_000})


def has_the_limit_in_another_group(desk: Desk) -> tuple[Request, User]:
    request, who = has_too_small_a_limit(desk)
    GroupMember.objects.create(group=ApproverGroup.objects.create(name="board"), user=who, limits=RICH)
    return request, who


def stands_in_for_two_each_with_half(desk: Desk) -> tuple[Request, User]:
    who = poor(desk, "delegate")
    for name in ("half", "other-half"):
        stands_in(who, somebody(desk, name, limits={"EUR": 40_000}))
    return company.refund_waits(desk), who


_BARRED = (
    started_it,
    wrote_the_version,
    wrote_the_words_before,
    wrote_the_rule,
    said_what_the_tool_is,
    wrote_the_trigger,
    raised_the_amount,
)
RELATIONS: tuple[Callable[[Desk], tuple[Request, User]], ...] = (
    *_BARRED,
    *(stands_in_for(barred) for barred in _BARRED),
    has_voted,
    has_voted_and_is_in_two_groups,
    stands_in_for_the_voter,
    is_stood_in_for_by_the_voter,
    is_the_next_delegate_of_whom_was_voted_for,
    stands_in_and_started_it,
    is_switched_off,
    stands_in_for_who_is_switched_off,
    lost_the_role,
    is_only_a_manager,
    is_only_an_auditor,
    is_of_another_team,
    is_in_no_group,
    has_too_small_a_limit,
    has_a_limit_in_another_currency,
    has_the_limit_in_another_group,
    stands_in_for_two_each_with_half,
)


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.__name__)
def test_nobody_gets_in(desk: Desk, relation: Callable[[Desk], tuple[Request, User]]) -> None:
    request, who = relation(desk)
    counted = Decision.objects.count()
    for name, door in DOORS.items():
        door(request, who)
        assert Decision.objects.count() == counted, name
        assert not Request.objects.filter(state=RequestState.APPROVED).exists(), name
        if name != "edit":
            request.refresh_from_db()
            assert request.state == RequestState.OPEN, name
        else:
            # An edit that may be made leaves a successor, which nobody has signed.
            request = Request.objects.get(state=RequestState.OPEN, kind="approval")
            assert request.decisions.count() in (0, counted), name


@pytest.mark.parametrize("door", DOORS)
def test_whom_nothing_keeps_out_gets_in_by_the_same_doors(desk: Desk, door: str) -> None:
    """The negative control: a door that let nobody in would make the matrix above say nothing."""
    who = stands_in(poor(desk, "delegate"), somebody(desk, "away")) if door == "verb" else somebody(desk, "signer")
    request = company.refund_waits(desk)
    DOORS[door](request, who)
    assert Decision.objects.get().user == who
    assert Request.objects.filter(state=RequestState.APPROVED).exists()


def test_a_link_without_a_session_lets_nobody_in(desk: Desk) -> None:
    request, who = company.refund_waits(desk), somebody(desk, "signer")
    NO_DOOR(request, who)
    assert not Decision.objects.exists()


def test_nobody_takes_back_what_another_decided(desk: Desk) -> None:
    request, who = company.refund_waits(desk), somebody(desk, "signer")
    away = somebody(desk, "away")
    _vote(request, who, via="browser")
    for other in (away, desk["admin"], stands_in(somebody(desk, "delegate"), who)):
        UNDO(request, other)
        request.refresh_from_db()
        assert request.state == RequestState.APPROVED
    UNDO(request, who)
    request.refresh_from_db()
    assert request.state == RequestState.OPEN


def test_there_is_no_other_door(desk: Desk) -> None:
    """No admin site, and no address of one."""
    browser = Client()
    browser.force_login(desk["admin"])
    for address in ("/admin/", "/admin/approvals/request/", "/django-admin/"):
        assert browser.get(address).status_code == 404


def _half_signed(desk: Desk, voter: User) -> Request:
    _rules([{**RULES[0], "votes": 2}], None)
    request = company.refund_waits(desk)
    assert not _vote(request, voter).settled
    request.refresh_from_db()
    return request


def _vote(request: Request, user: User, **more: Any) -> Any:
    given = {"vote": "approve", "digest": request.action_digest, "via": "api", **more}
    return decide_request(request_id=request.pk, user=User.objects.get(pk=user.pk), **given)


def _rules(rules: list[dict[str, Any]], who: User | None) -> None:
    activate_policy(rules=rules, actor=Actor.person(who) if who else SYSTEM, user=who)


def _publish(desk: Desk, words: str, who: User) -> None:
    document = {"instructions": words, "model": "offline/refunds", "tools": [REFUND], "mode": "live"}
    publish_agent_version(agent=desk.agent, document=document, actor=Actor.person(who), user=who)
