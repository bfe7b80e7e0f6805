"""People, teams, groups and limits: all may read, admins change. And each person's own profile."""

import zoneinfo
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.absence_forms import AbsenceForm, EscalationForm
from approvals.absences import open_absence_of, standing_in_for
from approvals.audit import Actor
from approvals.authority import needs_second
from approvals.errors import BadArguments
from approvals.models import ApproverGroup, GroupMember, Request, Team
from approvals.money import money_text
from approvals.people_changes import (
    add_group,
    add_person,
    add_team,
    change_person,
    check_can_change_people,
    delete_group,
    put_member,
    refusal_to_change,
    refusal_to_change_people,
    remove_member,
    use_of_group,
)
from approvals.people_forms import MemberForm, NameForm, NewPersonForm, PersonForm
from approvals.profiles import THEMES, profile_of
from approvals.states import Role
from approvals.tokens import revoke_token, tokens_of
from config.web import see_other, signed_in


@dataclass(frozen=True, slots=True)
class Seat:
    """One membership as it reads: the group, and what may be signed there."""

    group: str
    person: User
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonRow:
    user: User
    roles: tuple[str, ...]
    teams: tuple[str, ...]
    seats: tuple[Seat, ...]


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with their authority, the teams and the groups."""
    context = {
        "people": [_row(person) for person in _everybody()],
        "teams": Team.objects.order_by("name").prefetch_related("members"),
        "groups": ApproverGroup.objects.order_by("name").prefetch_related("memberships__user"),
        "refusal": refusal_to_change_people(signed_in(request).user),
        "name_form": NameForm(),
    }
    return render(request, "approvals/people.html", context)


@require_http_methods(["GET", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    """Make an account."""
    check_can_change_people(signed_in(request).user)
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = _attempt(form, lambda: add_person(**form.cleaned_data, by=signed_in(request).user))
        if made is not None:
            messages.success(request, f"{made[0].username} can sign in.")
            return _put(request, made[1]) or see_other("approvals:person", made[0].pk)
    context = {"form": form, "second": needs_second(signed_in(request).user)}
    return render(request, "approvals/person_new.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person's roles, teams and seats."""
    who, found = signed_in(request).user, get_object_or_404(_everybody(), pk=person_id)
    form = PersonForm(request.POST) if request.method == "POST" else PersonForm.of(found)
    if request.method == "POST" and form.is_valid():
        waits = _put(request, change_person(person=found, **form.cleaned_data, by=who))
        if waits is None:
            messages.success(request, f"{found.username} is changed.")
        return waits or see_other("approvals:person", found.pk)
    return _person_page(request, found, form, AbsenceForm(person=found))


def with_absence_form(request: HttpRequest, person: User, form: AbsenceForm, *, own: bool) -> HttpResponse:
    """Draw the page that the form stood on again, with what was wrong beside its fields."""
    if own:
        return render(request, "approvals/profile.html", _profile_context(person, form), status=422)
    found = get_object_or_404(_everybody(), pk=person.pk)
    return _person_page(request, found, PersonForm.of(found), form)


def _person_page(request: HttpRequest, found: User, form: PersonForm, away: AbsenceForm) -> HttpResponse:
    who = signed_in(request).user
    context = {
        "row": _row(found),
        "form": form,
        "refusal": refusal_to_change(who, found),
        "second": needs_second(who, beside=found),
        "away": away,
        "absence": open_absence_of(found),
        "stands_in": standing_in_for(found),
        "away_refusal": "" if who.pk == found.pk else refusal_to_change_people(who),
    }
    return render(request, "approvals/person.html", context, status=422 if form.is_bound or away.is_bound else 200)


@require_http_methods(["GET", "POST"])
def group(request: HttpRequest, name: str) -> HttpResponse:
    """One approver group with its members' limits; POST puts one member."""
    who, found = signed_in(request).user, get_object_or_404(ApproverGroup, name=name)
    form = MemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        waits = _put(request, put_member(group=found, **form.cleaned_data, by=who))
        if waits is None:
            member = form.cleaned_data["person"].username
            messages.success(request, f"{member} signs in {found.name} from now on, within these limits.")
        return waits or see_other("approvals:group", found.name)
    context = {
        "group": found,
        "seats": [_seat(row) for row in found.memberships.select_related("user", "group").order_by("user__username")],
        "form": form,
        "escalation": EscalationForm(initial={"escalates_to": found.escalates_to_id}),
        "refusal": refusal_to_change_people(who),
        "second": needs_second(who),
        "use": use_of_group(found.name),
    }
    return render(request, "approvals/group.html", context, status=422 if form.is_bound else 200)


@require_POST
def group_remove_member(request: HttpRequest, name: str, person_id: int) -> HttpResponse:
    found, member = get_object_or_404(ApproverGroup, name=name), get_object_or_404(User, pk=person_id)
    remove_member(group=found, person=member, by=signed_in(request).user)
    messages.info(request, f"{member.username} no longer signs in {found.name}.")
    return see_other("approvals:group", found.name)


@require_POST
def group_new(request: HttpRequest) -> HttpResponse:
    name = _name(request)
    add_group(name=name, by=signed_in(request).user)
    return see_other("approvals:group", name)


@require_POST
def group_delete(request: HttpRequest, name: str) -> HttpResponse:
    delete_group(group=get_object_or_404(ApproverGroup, name=name), by=signed_in(request).user)
    messages.info(request, f"The group {name} is gone.")
    return see_other("approvals:people")


@require_POST
def team_new(request: HttpRequest) -> HttpResponse:
    name = _name(request)
    add_team(name=name, by=signed_in(request).user)
    messages.success(request, f"The team {name} is there; people join it on their own page.")
    return see_other("approvals:people")


@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    """The person's own page: how things are shown to them, what they may sign, their tokens."""
    who = signed_in(request).user
    return render(request, "approvals/profile.html", _profile_context(who, AbsenceForm(person=who)))


def _profile_context(who: User, away: AbsenceForm) -> dict[str, Any]:
    return {
        "row": _row(_everybody().get(pk=who.pk)),
        "profile": profile_of(who),
        "themes": THEMES,
        "zones": sorted(zoneinfo.available_timezones()),
        "tokens": tokens_of(who),
        "now": timezone.now(),
        "away": away,
        "absence": open_absence_of(who),
        "stands_in": standing_in_for(who),
    }


@require_POST
def token_revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End one of the person's own tokens."""
    who = signed_in(request).user
    revoke_token(token_id=token_id, user=who, actor=Actor.person(who), now=timezone.now())
    messages.info(request, "The token is revoked; whatever used it is refused from now on.")
    return see_other("approvals:profile")


def _everybody() -> QuerySet[User]:
    rows = User.objects.order_by("-is_active", "username")
    return rows.prefetch_related("groups", "teams", "approver_memberships__group")


def _row(user: User) -> PersonRow:
    """Return the person with what they are and may sign. Asks nothing more of a prefetched row."""
    held = {group.name for group in user.groups.all()} | ({Role.ADMIN.value} if user.is_superuser else set())
    seats = sorted(user.approver_memberships.all(), key=lambda row: row.group.name)
    return PersonRow(
        user=user,
        roles=tuple(sorted(held & set(Role))),
        teams=tuple(sorted(team.name for team in user.teams.all())),
        seats=tuple(_seat(row) for row in seats),
    )


def _seat(row: GroupMember) -> Seat:
    limits = tuple(money_text(amount, currency) for currency, amount in sorted(row.limits.items()))
    return Seat(row.group.name, row.user, limits)


def _put(request: HttpRequest, waits: Request | None) -> HttpResponse | None:
    """Return the way to the proposal that waits, or None when it was done at once."""
    if waits is None:
        return None
    messages.warning(request, "It waits for a second admin: more authority for a person is countersigned.")
    return see_other("approvals:request", waits.pk)


def _attempt(form: NewPersonForm, act: Any) -> Any:
    try:
        return act()
    except BadArguments as refusal:
        form.add_error(None, refusal.message)
        return None


def _name(request: HttpRequest) -> str:
    """Return the typed name. Raises NotAllowed before it complains about letters, and BadArguments then."""
    check_can_change_people(signed_in(request).user)
    form = NameForm(request.POST)
    if not form.is_valid():
        raise BadArguments("A name has small letters, digits, - and _ only, such as finance.")
    return str(form.cleaned_data["name"])
