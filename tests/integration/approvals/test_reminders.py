"""Time runs out: reminded at 50 and 90 %, others let in at 75 %, in working hours, and not under a halt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals.audit import COMMAND_LINE
from approvals.database_clock import database_now
from approvals.errors import BadArguments, NotAllowedToDecide
from approvals.halts import engage_halt
from approvals.models import ApproverGroup, AuditEvent, GroupMember, Notice, Request
from approvals.people import Signer
from approvals.permissions import objection
from approvals.reminders import people_who_may_sign, remind_due_requests
from approvals.services import decide_request
from approvals.team_settings import put_escalation, put_team_hours
from tests import desk as company
from tests.desk import Desk
from tests.integration.security.doors import turn

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)


@pytest.fixture
def desk() -> Desk:
    return company.open_desk()


@pytest.fixture
def board(desk: Desk) -> ApproverGroup:
    """A group of one, who is in no team, for what finance does not decide in time."""
    group = ApproverGroup.objects.create(name="board")
    GroupMember.objects.create(group=group, user=desk["stranger"], limits={"EUR": 70_000})
    put_escalation(of=ApproverGroup.objects.get(name="finance"), to=group, actor=COMMAND_LINE)
    return group


def passes(request: Request, share: float) -> None:
    """Let this share of the request's day go by: every moment it holds moves back."""
    now = database_now()
    gone = timedelta(seconds=share * DAY.total_seconds())
    assert request.decide_by and request.remind_at
    Request.objects.filter(pk=request.pk).update(
        created_at=now - gone,
        decide_by=now - gone + DAY,
        remind_at=now - gone + (request.remind_at - request.created_at),
    )
    remind_due_requests()
    request.refresh_from_db()


def told(kind: str) -> list[str]:
    rows = Notice.objects.filter(kind=f"request.{kind}").order_by("user__username")
    return [notice.user.username for notice in rows if notice.user]


def test_who_may_sign_is_reminded_at_half_and_at_nine_tenths(desk: Desk) -> None:
    request = company.refund_waits(desk)
    assert request.remind_at is not None and abs(request.remind_at - request.created_at - DAY / 2) < timedelta(
        seconds=1
    )
    passes(request, 0.49)
    assert told("reminder") == []
    passes(request, 0.51)
    assert told("reminder") == ["second-admin", "second-operator"]
    remind_due_requests()
    assert len(told("reminder")) == 2 and request.reminded == 50
    passes(request, 0.76)
    assert request.reminded == 75 and len(told("reminder")) == 2 and request.escalated_to == ""
    passes(request, 0.91)
    assert request.reminded == 90 and len(told("reminder")) == 4 and request.remind_at is None
    assert [row.data["percent"] for row in AuditEvent.objects.filter(verb="request.reminded").order_by("seq")] == [
        50,
        90,
    ]


def test_after_a_long_sleep_of_the_clock_people_are_told_once(desk: Desk, board: ApproverGroup) -> None:
    request = company.refund_waits(desk)
    passes(request, 0.95)
    assert (request.reminded, request.escalated_to) == (90, "board")
    assert told("reminder") == ["second-admin", "second-operator", "stranger"]


def test_who_has_voted_or_is_barred_is_not_reminded(desk: Desk) -> None:
    request = company.refund_waits(desk)
    Request.objects.filter(pk=request.pk).update(votes_needed=2, barred=[desk["second-admin"].pk])
    vote(request, desk["second-operator"])
    passes(request, 0.6)
    assert told("reminder") == []


def test_others_are_let_in_at_three_quarters_within_their_own_limit(desk: Desk, board: ApproverGroup) -> None:
    request, larger = company.refund_waits(desk), company.refund_waits(desk, amount_minor=80_000, order="2")
    with pytest.raises(Exception, match="no such request"):
        vote(request, desk["stranger"])
    for waiting in (request, larger):
        passes(waiting, 0.76)
    assert told("escalated") == ["stranger"]
    assert AuditEvent.objects.filter(verb="request.escalated").count() == 2
    with pytest.raises(NotAllowedToDecide, match="your limit in board is"):
        vote(larger, desk["stranger"])
    assert vote(request, desk["stranger"]).settled


def test_separation_of_duties_holds_for_them_too(desk: Desk, board: ApproverGroup) -> None:
    request = company.refund_waits(desk)
    passes(request, 0.76)
    Request.objects.filter(pk=request.pk).update(barred=[desk["stranger"].pk])
    with pytest.raises(NotAllowedToDecide, match="Someone else signs"):
        vote(request, desk["stranger"])


def test_a_team_escalates_where_its_rules_group_does_not(desk: Desk) -> None:
    board = ApproverGroup.objects.create(name="board")
    put_escalation(of=desk.team, to=board, actor=COMMAND_LINE)
    request = company.refund_waits(desk)
    passes(request, 0.76)
    assert request.escalated_to == "board"


def test_a_halt_stops_the_clock_and_its_release_moves_the_reminder(desk: Desk) -> None:
    from approvals.halts import _move_deadlines

    request = company.refund_waits(desk)
    halt = engage_halt(scope="global", reason="drill", user=desk["admin"])
    turn("approvals_halt", "engaged_at", "-6 hours", halt.pk)
    passes(request, 0.6)
    assert told("reminder") == []
    before = (request.decide_by, request.remind_at)
    halt.refresh_from_db()
    halt.released_at = database_now()
    halt.save(update_fields=["released_at"])
    _move_deadlines(halt, halt.released_at)
    request.refresh_from_db()
    moved = [
        after - was for after, was in zip((request.decide_by, request.remind_at), before, strict=True) if after and was
    ]
    assert all(timedelta(hours=5, minutes=59) < by < timedelta(hours=6, minutes=1) for by in moved) and len(moved) == 2


def test_deadlines_run_in_the_teams_hours(desk: Desk) -> None:
    now = database_now()
    holidays = [(now.date() + timedelta(n)).isoformat() for n in (-1, 0, 1)]
    hours = {"zone": "UTC", "days": list(range(7)), "from": "08:00", "to": "20:00", "holidays": holidays}
    put_team_hours(team=desk.team, hours=hours, actor=COMMAND_LINE)
    request = company.refund_waits(desk)
    first = datetime.combine(now.date() + timedelta(2), datetime.min.time(), tzinfo=UTC)
    assert request.decide_by == first + timedelta(days=1, hours=20)
    assert request.remind_at == first + timedelta(hours=20)
    with pytest.raises(BadArguments, match="at least one day"):
        put_team_hours(team=desk.team, hours={**hours, "days": []}, actor=COMMAND_LINE)


def test_the_people_who_may_sign_are_those_nothing_speaks_against(desk: Desk, board: ApproverGroup) -> None:
    request = company.refund_waits(desk)
    passes(request, 0.76)
    found = {person.username for person in people_who_may_sign(request)}
    assert found == {user.username for user in User.objects.all() if not objection(Signer(user), request)}


def vote(request: Request, user: User, **more: Any) -> Any:
    given = {"vote": "approve", "digest": request.action_digest, "via": "api", **more}
    return decide_request(request_id=request.pk, user=User.objects.get(pk=user.pk), **given)
