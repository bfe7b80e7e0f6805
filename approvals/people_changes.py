"""Changing who someone is here: roles, teams, groups and limits. Admins do it, never for themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction

from approvals.audit import Actor, record
from approvals.errors import BadArguments, NotAllowed
from approvals.models import ApproverGroup, GroupMember, PolicyVersion, Request, Team
from approvals.people import signer
from approvals.states import RequestState, Role


def refusal_to_change_people(user: Any) -> str:
    """Return why this person may not change people, teams and groups, or "" when they may."""
    who = signer(user)
    if who.is_admin:
        return ""
    return f"Admins change people, teams and groups; you are signed in as {next(iter(sorted(who.roles)), 'no role')}."


def refusal_to_change(user: Any, person: User) -> str:
    """Return why this person may not change that one's authority, or "" when they may."""
    sentence = refusal_to_change_people(user)
    if not sentence and person.pk == user.pk:
        return "Nobody changes their own authority; another admin does."
    return sentence


def check_can_change_people(user: Any) -> None:
    sentence = refusal_to_change_people(user)
    if sentence:
        raise NotAllowed(sentence)


def check_can_change(user: Any, person: User) -> None:
    sentence = refusal_to_change(user, person)
    if sentence:
        raise NotAllowed(sentence)


def add_person(*, username: str, password: str, roles: Iterable[str], teams: Iterable[Team], by: User) -> User:
    """Make an account. Raises NotAllowed, or BadArguments with the sentence about the name or the password."""
    check_can_change_people(by)
    person = User(username=username.strip())
    _check_account(person, password)
    person.set_password(password)
    with transaction.atomic():
        person.save()
        person.groups.set(Group.objects.filter(name__in=_roles(roles)))
        person.teams.set(teams)
        _told(by, "person.added", person, roles=sorted(roles), teams=_names(teams))
    return person


def change_person(*, person: User, roles: Iterable[str], teams: Iterable[Team], active: bool, by: User) -> None:
    """Put the person's roles and teams so, and switch them on or off. Raises NotAllowed."""
    check_can_change(by, person)
    before, after = _standing(person), {"roles": _roles(roles), "teams": _names(teams), "active": active}
    if before == after:
        return
    with transaction.atomic():
        # other groups than the roles are not ours to touch
        person.groups.remove(*Group.objects.filter(name__in=set(Role)))
        person.groups.add(*Group.objects.filter(name__in=_roles(roles)))
        person.teams.set(teams)
        User.objects.filter(pk=person.pk).update(is_active=active)
        _told(by, "person.changed", person, before=before, after=after)


def put_member(*, group: ApproverGroup, person: User, limits: Mapping[str, int], by: User) -> None:
    """Make the person a member of the group with these limits in minor units. Raises NotAllowed."""
    check_can_change(by, person)
    with transaction.atomic():
        known = GroupMember.objects.select_for_update().filter(group=group, user=person).first()
        before = known.limits if known else None
        GroupMember.objects.update_or_create(group=group, user=person, defaults={"limits": dict(limits)})
        _told_of_group(by, "group.member_put", group, person=person.username, before=before, limits=dict(limits))


def remove_member(*, group: ApproverGroup, person: User, by: User) -> None:
    """Take the person out of the group. Raises NotAllowed."""
    check_can_change(by, person)
    with transaction.atomic():
        gone, _ = GroupMember.objects.filter(group=group, user=person).delete()
        if gone:
            _told_of_group(by, "group.member_removed", group, person=person.username)


def add_group(*, name: str, by: User) -> ApproverGroup:
    """Make an empty approver group. Raises NotAllowed, or BadArguments when the name is taken."""
    check_can_change_people(by)
    with transaction.atomic():
        group, made = ApproverGroup.objects.get_or_create(name=name)
        if not made:
            raise BadArguments(f"There is a group called {name} already.")
        _told_of_group(by, "group.added", group)
    return group


def delete_group(*, group: ApproverGroup, by: User) -> None:
    """Remove a group that no rule and no open request names. Raises NotAllowed, or BadArguments that says what does."""
    check_can_change_people(by)
    used = use_of_group(group.name)
    if used:
        raise BadArguments(used)
    if GroupMember.objects.filter(group=group, user=by).exists():
        raise NotAllowed("You are a member of this group, and nobody changes their own authority; another admin does.")
    with transaction.atomic():
        _told_of_group(by, "group.removed", group)
        group.delete()


def add_team(*, name: str, by: User) -> Team:
    """Make an empty team. Raises NotAllowed, or BadArguments when the name is taken."""
    check_can_change_people(by)
    with transaction.atomic():
        team, made = Team.objects.get_or_create(name=name)
        if not made:
            raise BadArguments(f"There is a team called {name} already.")
        record(actor=Actor.person(by), verb="team.added", subject_type="team", subject_id=team.pk, subject=name)
    return team


def use_of_group(name: str) -> str:
    """Return the sentence that says why a group is needed, or "" when nothing names it."""
    rules = PolicyVersion.objects.values_list("rules", flat=True).get(active=True)
    numbers = [str(number) for number, rule in enumerate(rules, start=1) if rule.get("approvers") == name]
    if numbers:
        return f"The policy names {name} in {_listed(numbers)}; change the policy first."
    waiting = Request.objects.filter(state=RequestState.OPEN, approvers=name).count()
    if waiting:
        return f"{waiting} open request{'s' if waiting > 1 else ''} can only be signed by {name}."
    return ""


def _listed(numbers: Sequence[str]) -> str:
    if len(numbers) == 1:
        return f"rule {numbers[0]}"
    shown = ", ".join(numbers[:4])
    return f"rules {shown}" if len(numbers) <= 4 else f"rules {shown} and {len(numbers) - 4} more"


def _check_account(person: User, password: str) -> None:
    try:
        person.full_clean(exclude=["password"])
        password_validation.validate_password(password, person)
    except ValidationError as error:
        raise BadArguments(" ".join(error.messages)) from None


def _roles(names: Iterable[str]) -> list[str]:
    return sorted(set(names) & set(Role))


def _names(teams: Iterable[Team]) -> list[str]:
    return sorted(team.name for team in teams)


def _standing(person: User) -> dict[str, Any]:
    roles = person.groups.values_list("name", flat=True)
    return {"roles": _roles(roles), "teams": _names(person.teams.all()), "active": person.is_active}


def _told(by: User, verb: str, person: User, **data: Any) -> None:
    record(
        actor=Actor.person(by), verb=verb, subject_type="person", subject_id=person.pk, subject=person.username, **data
    )


def _told_of_group(by: User, verb: str, group: ApproverGroup, **data: Any) -> None:
    record(actor=Actor.person(by), verb=verb, subject_type="group", subject_id=group.pk, subject=group.name, **data)
