"""The people of a demonstration, named after their roles, and the first administrator of an installation without them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from approvals.audit import COMMAND_LINE, SYSTEM, record
from approvals.models import ApproverGroup, GroupMember, Team
from approvals.states import Role

PEOPLE: Mapping[str, Role] = {
    "operator": Role.OPERATOR,
    "second-operator": Role.OPERATOR,
    "admin": Role.ADMIN,
    "second-admin": Role.ADMIN,
    "manager": Role.MANAGER,
    "auditor": Role.AUDITOR,
}
FINANCE = "finance"
DEMO = "demo"
LIMITS: Mapping[str, Mapping[str, int]] = {"operator": {"EUR": 500_00}, "second-operator": {"EUR": 10_000_00}}
TEAMS = ("support", "sales")


class AlreadyThere(Exception):
    """There is an administrator already, or the name is taken."""


def ensure_demo_people(*, password: str) -> int:
    """Make the demo people where missing and let the password be theirs; return how many were made.

    What somebody changed about their teams, groups and limits stays; the password does not, because it is on the screen.
    """
    made = [name for name in PEOPLE if _ensure_person(name)]
    people = list(User.objects.filter(username__in=PEOPLE))
    with ThreadPoolExecutor(4) as pool:  # a hash takes a tenth of a second on purpose
        known = list(pool.map(lambda person: person.has_usable_password() and _knows(person, password), people))
    for person, knows in zip(people, known, strict=True):
        if not knows:
            person.set_password(password)
            person.save(update_fields=["password"])
    _ensure_finance()
    return len(made)


def join_empty_teams() -> None:
    """Put operators and manager into teams that nobody is in yet: else their agents' work is seen by admins alone."""
    people = User.objects.filter(username__in=[name for name, role in PEOPLE.items() if role in _TEAM_ROLES])
    for name in TEAMS:
        Team.objects.get_or_create(name=name)
    for team in Team.objects.filter(members=None):
        team.members.add(*people)


@transaction.atomic
def make_first_admin(*, name: str, password: str) -> User:
    """Make the first administrator. Raises AlreadyThere, or ValidationError for a weak password."""
    group = Group.objects.select_for_update().get(name=Role.ADMIN)
    if group.user_set.filter(is_active=True).exists() or User.objects.filter(username=name).exists():
        raise AlreadyThere
    person = User(username=name)
    validate_password(password, person)
    person.set_password(password)
    person.save()
    person.groups.add(group)
    record(actor=COMMAND_LINE, verb="person.created", subject_type="person", subject_id=person.pk, subject=name)
    return person


_TEAM_ROLES = (Role.OPERATOR, Role.MANAGER)


def _knows(person: User, password: str) -> bool:
    # Not person.check_password: it would write a stronger hash from another thread.
    return check_password(password, person.password)


@transaction.atomic
def _ensure_person(name: str) -> bool:
    person, made = User.objects.get_or_create(username=name, defaults={"password": "!"})
    if made:
        person.groups.add(Group.objects.get(name=PEOPLE[name]))
        record(
            actor=SYSTEM, verb="person.created", subject_type="person", subject_id=person.pk, subject=name, demo=True
        )
    return made


@transaction.atomic
def _ensure_finance() -> None:
    # A package that brings a group of this name may have it: the demonstration steps back.
    group, made = ApproverGroup.objects.get_or_create(name=FINANCE, defaults={"package": DEMO})
    if not made:
        return
    for name, limits in LIMITS.items():
        GroupMember.objects.create(group=group, user=User.objects.get(username=name), limits=dict(limits))
