"""Changing who someone is here: roles, teams, groups and limits. Admins do it, never for themselves.

What gives somebody more authority is countersigned by a second admin (approvals.authority).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import password_validation
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction

from approvals.audit import Actor, record
from approvals.authority import needs_second, propose_authority, register_deed
from approvals.errors import BadArguments, NotAllowed
from approvals.models import ApproverGroup, GroupMember, PolicyVersion, Request, Team
from approvals.money import money_text
from approvals.new_admins import MADE, UNMADE, bar_new_admin
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


def add_person(
    *, username: str, password: str, roles: Iterable[str], teams: Iterable[Team], by: User
) -> tuple[User, Request | None]:
    """Make an account. Returns it, and the proposal that waits where it is to be an admin's.

    Raises NotAllowed, or BadArguments with the sentence about the name or the password.
    """
    check_can_change_people(by)
    person, wanted = User(username=username.strip()), _roles(roles)
    _check_account(person, password)
    person.set_password(password)
    waits = Role.ADMIN in wanted and needs_second(by)
    given = [role for role in wanted if not (waits and role == Role.ADMIN)]
    with transaction.atomic():
        person.save()
        person.groups.set(Group.objects.filter(name__in=given))
        person.teams.set(teams)
        _told(by, "person.added", person, roles=given, teams=_names(teams), **_admin_mark(set(), given, by, person))
        return person, _propose_person(person, wanted, list(teams), True, by) if waits else None


def change_person(
    *, person: User, roles: Iterable[str], teams: Iterable[Team], active: bool, by: User
) -> Request | None:
    """Put the person's roles and teams so, and switch them on or off. Raises NotAllowed.

    Returns the proposal that waits, where this would make an admin of somebody; then nothing has changed.
    """
    check_can_change(by, person)
    person = User.objects.get(pk=person.pk)  # as it is, not as somebody loaded it
    before, after = _standing(person), {"roles": _roles(roles), "teams": _names(teams), "active": active}
    if before == after:
        return None
    if _is_admin(after) and not _is_admin(before) and needs_second(by, beside=person):
        return _propose_person(person, _roles(roles), list(teams), active, by)
    _put_person(person, _roles(roles), teams, active, by)
    return None


def put_member(*, group: ApproverGroup, person: User, limits: Mapping[str, int], by: User) -> Request | None:
    """Make the person a member of the group with these limits in minor units. Raises NotAllowed.

    Returns the proposal that waits, where this gives somebody more to sign; then nothing has changed.
    """
    sentence = refusal_to_put(by, person)
    if sentence:
        raise NotAllowed(sentence)
    known = GroupMember.objects.filter(group=group, user=person).first()
    if not _is_more(known, limits) or not needs_second(by, beside=person):
        _put_member(group, person, limits, by)
        return None
    shown = ", ".join(money_text(amount, currency) for currency, amount in sorted(limits.items())) or "no money"
    return propose_authority(
        deed="member",
        payload={"group": group.name, "person": person.pk, "limits": dict(limits)},
        by=by,
        person=person,
        title=f"Let {person.username} sign in {group.name}",
        sentences=[f"{person.username} signs in {group.name}, up to: {shown}. Before: {_signed_before(known)}."],
    )


def refusal_to_put(user: Any, person: User) -> str:
    """Return why this person may not put that one in a group: oneself only where there is no other admin."""
    sentence = refusal_to_change_people(user)
    if not sentence and person.pk == user.pk and needs_second(user):
        return "Nobody changes their own authority; another admin does."
    return sentence


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


def _put_person(
    person: User, roles: Iterable[str], teams: Iterable[Team], active: bool, by: User, second: User | None = None
) -> None:
    before, after = _standing(person), {"roles": _roles(roles), "teams": _names(teams), "active": active}
    with transaction.atomic():
        # other groups than the roles are not ours to touch
        person.groups.remove(*Group.objects.filter(name__in=set(Role)))
        person.groups.add(*Group.objects.filter(name__in=_roles(roles)))
        person.teams.set(teams)
        User.objects.filter(pk=person.pk).update(is_active=active)
        mark = {} if second else _admin_mark(before, after, by, person)
        _told(by, "person.changed", person, before=before, after=after, countersigned_by=_name_of(second), **mark)


def _put_member(
    group: ApproverGroup, person: User, limits: Mapping[str, int], by: User, second: User | None = None
) -> None:
    with transaction.atomic():
        known = GroupMember.objects.select_for_update().filter(group=group, user=person).first()
        before = known.limits if known else None
        GroupMember.objects.update_or_create(group=group, user=person, defaults={"limits": dict(limits)})
        _told_of_group(
            by,
            "group.member_put",
            group,
            person=person.username,
            before=before,
            limits=dict(limits),
            countersigned_by=_name_of(second),
        )


def _propose_person(person: User, roles: list[str], teams: Sequence[Team], active: bool, by: User) -> Request:
    return propose_authority(
        deed="person",
        payload={"person": person.pk, "roles": roles, "teams": [team.pk for team in teams], "active": active},
        by=by,
        person=person,
        title=f"Make {person.username} an admin",
        sentences=[
            f"{person.username} may change people, agents and policy, and countersigns what others propose.",
            f"Roles: {', '.join(roles)}. Teams: {', '.join(_names(teams)) or 'none'}.",
        ],
    )


def _do_person(given: Mapping[str, Any], by: User, second: User | None) -> str:
    person = User.objects.get(pk=given["person"])
    teams = Team.objects.filter(pk__in=given["teams"])
    _put_person(person, given["roles"], teams, given["active"], by, second)
    return f"{person.username} is an admin."


def _do_member(given: Mapping[str, Any], by: User, second: User | None) -> str:
    group = ApproverGroup.objects.filter(name=given["group"]).first()
    person = User.objects.filter(pk=given["person"]).first()
    if group is None or person is None:
        raise BadArguments("The group or the person is gone. Reject it.")
    _put_member(group, person, given["limits"], by, second)
    return f"{person.username} signs in {group.name}."


def _person_is(given: Mapping[str, Any]) -> dict[str, Any]:
    person = User.objects.filter(pk=given["person"]).first()
    return _standing(person) if person else {}


def _member_is(given: Mapping[str, Any]) -> dict[str, int] | None:
    row = GroupMember.objects.filter(group__name=given["group"], user_id=given["person"]).first()
    return dict(row.limits) if row else None


def register() -> None:
    """Tell how a countersigned change is done. Called when Django is ready."""
    register_deed("person", _do_person, _person_is)
    register_deed("member", _do_member, _member_is)


def _is_more(known: GroupMember | None, limits: Mapping[str, int]) -> bool:
    """Return whether somebody could sign more than before: a new seat, a new currency or a higher limit."""
    return known is None or any(amount > known.limits.get(currency, -1) for currency, amount in limits.items())


def _signed_before(known: GroupMember | None) -> str:
    if known is None:
        return "not a member"
    return ", ".join(money_text(amount, currency) for currency, amount in sorted(known.limits.items())) or "no money"


def _is_admin(standing: Mapping[str, Any]) -> bool:
    return bool(standing["active"]) and Role.ADMIN in standing["roles"]


def _admin_mark(before: Any, after: Any, by: User, person: User) -> dict[str, bool]:
    """Return what the audit row says of an admin whom one person alone has made or unmade, and bar the one made."""
    was = bool(before) and _is_admin(before)
    now = _is_admin(after) if isinstance(after, Mapping) else Role.ADMIN in after
    if now and not was:
        bar_new_admin(person.pk, by=by)
        return {MADE: True}
    return {UNMADE: True} if was and not now else {}


def _name_of(user: User | None) -> str | None:
    return user.get_username() if user else None


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
