"""Undoing what agents did: what would happen first, then each deed on its way back."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agents.errors import AgentError
from agents.models import Action, Rollback
from agents.undo.forms import WhatForm
from agents.undo.plan import Planned
from agents.undo.rollbacks import (
    WORKING,
    Preview,
    cancel_rollback,
    plan_of_rollback,
    refusal_to_roll_back,
    rollbacks_visible_to,
    start_rollback,
)
from approvals.errors import ApprovalError
from config.web import page_or_fragment, see_other, signed_in

PER_PAGE, SHOWN = 50, 200


@require_GET
def rollbacks(request: HttpRequest) -> HttpResponse:
    person = signed_in(request).user
    page = Paginator(rollbacks_visible_to(person).order_by("-asked_at"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "refusal": refusal_to_roll_back(person)}
    return render(request, "agents/rollbacks.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """What a rollback would do; a POST with a reason begins it, exactly as a fresh look finds it then."""
    person = signed_in(request).user
    asked = request.POST if request.method == "POST" else request.GET
    form = WhatForm(asked if set(asked) & {"run", "agent", "since"} else None, user=person)
    preview = _preview(form)
    if request.method == "POST" and preview is not None:
        try:
            begun = start_rollback(preview, reason=request.POST.get("reason", ""), user=person)
        except ApprovalError as refusal:
            form.add_error(None, refusal.message)
        else:
            return see_other("agents:rollback", begun.pk)
    context = {
        "form": form,
        "preview": preview,
        "shown": preview.plan[:SHOWN] if preview else (),
        "reason": request.POST.get("reason", ""),
        "refusal": refusal_to_roll_back(person),
    }
    return render(request, "agents/rollback_new.html", context, status=422 if form.errors else 200)


@require_GET
def rollback(request: HttpRequest, rollback_id: UUID) -> HttpResponse:
    """One rollback: each deed, how it stands, and what takes it back."""
    person = signed_in(request).user
    found = _found(request, rollback_id)
    plan = plan_of_rollback(found)
    context = {
        "rollback": found,
        "rows": _rows(found, plan[:SHOWN]),
        "hidden": max(0, len(plan) - SHOWN),
        "counts": _counts(plan),
        "waiting": len(found.runs) - found.undo_runs.count(),
        "working": found.state == WORKING,
        "refusal": refusal_to_roll_back(person),
        "now": timezone.now(),
    }
    return page_or_fragment(request, "agents/rollback.html", context, fragment="live")


@require_POST
def cancel(request: HttpRequest, rollback_id: UUID) -> HttpResponse:
    found = _found(request, rollback_id)
    try:
        cancel_rollback(rollback_id=found.pk, user=signed_in(request).user)
        messages.warning(request, "Stopped. What was taken back stays so.")
    except (ApprovalError, AgentError) as refusal:
        messages.error(request, refusal.message)
    return see_other("agents:rollback", found.pk)


def _preview(form: WhatForm) -> Preview | None:
    if not form.is_valid():
        return None
    try:
        return form.preview()
    except (AgentError, ApprovalError) as refusal:
        form.add_error(None, refusal.message)
        return None


def _found(request: HttpRequest, rollback_id: UUID) -> Rollback:
    found = rollbacks_visible_to(signed_in(request).user).filter(pk=rollback_id).first()
    if found is None:
        raise Http404
    return found  # type: ignore[no-any-return]


def _rows(found: Rollback, plan: list[Planned]) -> list[dict[str, Any]]:
    """Pair each deed with the newest action that takes it back, if there is one."""
    answers = Action.objects.filter(compensates__in=[one.action.pk for one in plan], run__rollback=found)
    newest = {action.compensates_id: action for action in answers.order_by("created_at")}
    return [{"one": one, "by": newest.get(one.action.pk)} for one in plan]


def _counts(plan: list[Planned]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in plan:
        counts[one.fate.value] = counts.get(one.fate.value, 0) + 1
    return counts
