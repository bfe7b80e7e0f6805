"""Teams, groups and rules as configuration: what there is, whose it is, and the verbs that put and retire it.

`package` names the configuration package that put a thing; "" is a person in the browser or by the API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from approvals.audit import Actor, record
from approvals.models import ApproverGroup, AuditEvent, GroupMember, PolicyVersion, Request, Team
from approvals.states import RequestState


@dataclass(frozen=True, slots=True)
class GroupRow:
    name: str
    package: str
    people: tuple[str, ...]
    limits: Mapping[str, Mapping[str, int]]
    escalates_to: str


def team_id(name: str) -> int:
    return Team.objects.values_list("pk", flat=True).get(name=name)


def put_team(*, name: str, package: str, actor: Actor) -> None:
    """Make a team; one that exists stays as it is, whoever made it: teams are shared."""
    team, made = Team.objects.get_or_create(name=name, defaults={"package": package})
    # A team of nobody's is taken up by the package that says more of it.
    Team.objects.filter(pk=team.pk, package="").update(package=package)
    if made:
        record(actor=actor, verb="team.created", subject_type="team", subject_id=team.pk, subject=name, package=package)


def retire_team(*, name: str, actor: Actor) -> None:
    """Remove a team that nobody is in and nothing belongs to; any other stays, no longer owned by a package."""
    team = Team.objects.get(name=name)
    team_id = team.pk
    if team.members.exists() or team.agents.exists() or team.requests.exists() or team.notices.exists():
        Team.objects.filter(pk=team.pk).update(package="")
        verb = "team.let_go"
    else:
        team.delete()
        verb = "team.removed"
    record(actor=actor, verb=verb, subject_type="team", subject_id=team_id, subject=name)


def group_rows() -> list[GroupRow]:
    """Return every approver group with its people and their limits."""
    rows = ApproverGroup.objects.select_related("escalates_to").prefetch_related("memberships__user").order_by("name")
    return [_group_row(row) for row in rows]


def _group_row(group: ApproverGroup) -> GroupRow:
    members = list(group.memberships.all())
    return GroupRow(
        name=group.name,
        package=group.package,
        people=tuple(sorted(member.user.get_username() for member in members)),
        limits={member.user.get_username(): member.limits for member in members if member.limits},
        escalates_to=group.escalates_to.name if group.escalates_to else "",
    )


def put_group(
    *, name: str, package: str, people: Sequence[str], limits: Mapping[str, Mapping[str, int]], actor: Actor
) -> None:
    """Make the group exactly so: these people, these limits, nobody else."""
    group, _ = ApproverGroup.objects.get_or_create(name=name, defaults={"package": package})
    before = _group_row(group)
    ApproverGroup.objects.filter(pk=group.pk).update(package=package)
    group.memberships.exclude(user__username__in=people).delete()
    for user in User.objects.filter(username__in=people):
        GroupMember.objects.update_or_create(
            group=group, user=user, defaults={"limits": dict(limits.get(user.get_username(), {}))}
        )
    record(
        actor=actor,
        verb="group.changed",
        subject_type="group",
        subject_id=group.pk,
        subject=name,
        package=package,
        people_before=list(before.people),
        limits_before=before.limits,
        people=sorted(people),
        limits=limits,
    )


def retire_group(*, name: str, actor: Actor) -> None:
    """Remove the group; its people lose what they could sign in it."""
    group = ApproverGroup.objects.get(name=name)
    record(actor=actor, verb="group.removed", subject_type="group", subject_id=group.pk, subject=name)
    group.delete()


def open_requests_for_group(name: str) -> int:
    """Return how many open requests only members of this group may sign."""
    return Request.objects.filter(state=RequestState.OPEN, approvers=name).count()


def known_people(names: Sequence[str]) -> set[str]:
    """Return those of the names that belong to somebody."""
    return set(User.objects.filter(username__in=names).values_list("username", flat=True))


def active_rules() -> list[dict[str, Any]]:
    """Return the documents of the rules in force, in their order, each with the package that put it."""
    return list(PolicyVersion.objects.values_list("rules", flat=True).get(active=True))


def policy_id() -> UUID:
    """Return the id of the policy version in force."""
    return PolicyVersion.objects.values_list("pk", flat=True).get(active=True)


def open_proposal(*, change: str, plan: str) -> UUID | None:
    """Return the open request that proposes exactly this plan of changes, if one waits already."""
    waiting = Request.objects.filter(state=RequestState.OPEN, proposal__change=change, proposal__payload__plan=plan)
    return waiting.values_list("pk", flat=True).first()


def applied_before(wish: str) -> bool:
    """Return whether exactly this was applied at some time, whatever people have made of it since."""
    return AuditEvent.objects.filter(verb="configuration.applied", data__wish=wish).exists()
