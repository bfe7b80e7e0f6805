"""When a team works, and where its and its groups' requests go when their time runs out."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.audit import Actor, record
from approvals.authority import needs_second, propose_authority, register_deed
from approvals.errors import BadArguments
from approvals.models import ApproverGroup, Request, Team
from approvals.people_changes import check_can_change_people
from approvals.working_hours import BadHours, parse_hours


def register() -> None:
    register_deed("escalation", _do, _is_now)


def set_team_hours(*, team: Team, hours: Mapping[str, Any], by: User) -> None:
    """Let the deadlines of the team's new requests run in these hours only. Raises NotAllowed, or BadArguments."""
    check_can_change_people(by)
    put_team_hours(team=team, hours=hours, actor=Actor.person(by))


def put_team_hours(*, team: Team, hours: Mapping[str, Any], actor: Actor) -> None:
    """The same for a file, whose right to do it was asked before. Requests that are open keep their deadlines."""
    try:
        parse_hours(hours)
    except BadHours as problem:
        raise BadArguments(str(problem)) from None
    if dict(hours) == team.hours:
        return
    with transaction.atomic():
        before, team.hours = team.hours, dict(hours)
        team.save(update_fields=["hours"])
        record(
            actor=actor,
            verb="team.changed",
            subject_type="team",
            subject_id=team.pk,
            subject=team.name,
            hours_before=before,
            hours=team.hours,
        )


def set_escalation(*, of: Team | ApproverGroup, to: ApproverGroup | None, by: User) -> Request | None:
    """Say which group may sign too when time runs out; None: no other. Raises NotAllowed, or BadArguments.

    Returns the proposal that waits: to let more people sign is more authority for them.
    """
    check_can_change_people(by)
    _check_escalation(of, to)
    if of.escalates_to_id == (to.pk if to else None):
        return None
    if to is not None and needs_second(by):
        return propose_authority(
            deed="escalation",
            payload={"of": _kind(of), "name": of.name, "to": to.name},
            by=by,
            person=None,
            title=f"Let {to.name} sign too when time runs out for {of.name}",
            sentences=[f"When 75 % of the time has gone, members of {to.name} may sign what waits for {of.name}."],
        )
    put_escalation(of=of, to=to, actor=Actor.person(by))
    return None


def put_escalation(*, of: Team | ApproverGroup, to: ApproverGroup | None, actor: Actor, second: str = "") -> None:
    """Write it, with its audit row. For those whose right to do it was asked before."""
    _check_escalation(of, to)
    if of.escalates_to_id == (to.pk if to else None):
        return
    with transaction.atomic():
        before, of.escalates_to = of.escalates_to, to
        of.save(update_fields=["escalates_to"])
        record(
            actor=actor,
            verb=f"{_kind(of)}.escalates",
            subject_type=_kind(of),
            subject_id=of.pk,
            subject=of.name,
            before=before.name if before else None,
            to=to.name if to else None,
            countersigned_by=second or None,
        )


def _check_escalation(of: Team | ApproverGroup, to: ApproverGroup | None) -> None:
    if isinstance(of, ApproverGroup) and to is not None and of.pk == to.pk:
        raise BadArguments(f"{of.name} cannot escalate to itself.")


def _kind(of: Team | ApproverGroup) -> str:
    return "team" if isinstance(of, Team) else "group"


def _of(given: Mapping[str, Any]) -> Team | ApproverGroup | None:
    if given["of"] == "team":
        return Team.objects.filter(name=given["name"]).first()
    return ApproverGroup.objects.filter(name=given["name"]).first()


def _do(given: Mapping[str, Any], by: User, second: User | None) -> str:
    of, to = _of(given), ApproverGroup.objects.filter(name=given["to"]).first()
    if of is None or to is None:
        raise BadArguments("The team or the group is gone. Reject it.")
    put_escalation(of=of, to=to, actor=Actor.person(by), second=second.get_username() if second else "")
    return f"{of.name} escalates to {to.name}."


def _is_now(given: Mapping[str, Any]) -> str | None:
    of = _of(given)
    return of.escalates_to.name if of and of.escalates_to else None
