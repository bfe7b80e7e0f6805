"""Being away: the delegate of one's own, or, for admins, of somebody else."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from approvals import people_views
from approvals.absence_forms import AbsenceForm
from approvals.absences import end_absence, set_absence
from approvals.errors import ApprovalError, NotAllowed, WrongTime
from approvals.models import Absence
from approvals.people_changes import check_can_change_people
from config.web import see_other, signed_in


@require_POST
def absence_set(request: HttpRequest, person_id: int | None = None) -> HttpResponse:
    """Name who stands in: for oneself from the profile, for somebody else from their page."""
    who = signed_in(request).user
    if person_id is not None and person_id != who.pk:
        check_can_change_people(who)
    person = who if person_id is None else get_object_or_404(User, pk=person_id)
    form = AbsenceForm(request.POST, person=person)
    made = _attempt(form, person, who) if form.is_valid() else None
    if made is None:
        return people_views.with_absence_form(request, person, form, own=person_id is None)
    return _answered(request, made, person, own=person_id is None)


@require_POST
def absence_end(request: HttpRequest, absence_id: UUID) -> HttpResponse:
    """End it now; from whichever page it was shown on."""
    who = signed_in(request).user
    absence = end_absence(absence_id=absence_id, by=who)
    messages.info(request, f"{absence.delegate.username} no longer stands in for {absence.user.username}.")
    if who.pk in (absence.user_id, absence.delegate_id):
        return see_other("approvals:profile")
    return see_other("approvals:person", absence.user_id)


def _attempt(form: AbsenceForm, person: User, by: User) -> Any:
    try:
        return set_absence(user=person, by=by, **form.cleaned_data)
    except WrongTime as refusal:
        form.add_error("ends_at", refusal.message)
    except NotAllowed as refusal:
        form.add_error("delegate", refusal.message)
    except ApprovalError as refusal:
        form.add_error(None, refusal.message)
    return None


def _answered(request: HttpRequest, made: Any, person: User, *, own: bool) -> HttpResponse:
    if not isinstance(made, Absence):
        messages.warning(request, "It waits for a second admin: lending somebody's authority is countersigned.")
        return see_other("approvals:request", made.pk)
    messages.success(request, f"{made.delegate.username} stands in for {person.username}.")
    return see_other("approvals:profile") if own else see_other("approvals:person", person.pk)
