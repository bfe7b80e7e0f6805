"""Erasing one subject from the audit trail, and the holds that forbid it. Admins only."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.errors import ApprovalError, NotAllowed
from approvals.sealing.erasure import (
    FLOOR_DAYS,
    erase_subject,
    lift_hold,
    open_holds,
    place_hold,
    refusal_to_erase,
)
from config.web import see_other, signed_in


class SubjectForm(forms.Form):
    """A subject as it stands in the trail, and why."""

    subject = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"class": "form-control"}))
    reason = forms.CharField(
        max_length=500,
        help_text="Stays in the trail for good. Do not name the subject in it.",
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )


@require_GET
def erasure(request: HttpRequest) -> HttpResponse:
    """What can be erased, how, and what is held."""
    _admin(request)
    given = SubjectForm(initial={"subject": request.GET.get("subject", "")[:200]})
    return _page(request, given, _hold_form())


@require_POST
def erase(request: HttpRequest) -> HttpResponse:
    """Erase one subject."""
    _admin(request)
    form = SubjectForm(request.POST)
    if form.is_valid():
        try:
            done = erase_subject(**form.cleaned_data, user=signed_in(request).user)
        except ApprovalError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, done.sentence)
            return see_other("approvals:audit_erasure")
    return _page(request, form, _hold_form(), status=422)


@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Place a legal hold on one subject."""
    _admin(request)
    form = _hold_form(request.POST)
    if form.is_valid():
        try:
            place_hold(**form.cleaned_data, user=signed_in(request).user)
        except ApprovalError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "Held: nobody erases this subject until the hold is lifted.")
            return see_other("approvals:audit_erasure")
    return _page(request, SubjectForm(), form, status=422)


@require_POST
def lift(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """Lift one legal hold."""
    _admin(request)
    lift_hold(hold_id=hold_id, reason=request.POST.get("reason", ""), user=signed_in(request).user)
    messages.success(request, "The hold is lifted.")
    return see_other("approvals:audit_erasure")


def _admin(request: HttpRequest) -> None:
    if refusal := refusal_to_erase(signed_in(request).user):
        raise NotAllowed(refusal)


def _hold_form(data: Any = None) -> SubjectForm:
    return SubjectForm(data, auto_id="hold_%s")


def _page(request: HttpRequest, form: SubjectForm, hold_form: SubjectForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "hold_form": hold_form,
        "holds": open_holds(),
        "floor_days": FLOOR_DAYS,
        "now": timezone.now(),
    }
    return render(request, "approvals/audit_erasure.html", context, status=status)
