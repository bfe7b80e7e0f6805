"""What is said beside a request: notes, and questions to the agent with its answers. Nothing here settles anything."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.desk_panel import RemarksPanel, remarks_panel
from approvals.errors import AlreadySettled, ApprovalError, BadArguments, NotFound, RequestChanged
from approvals.models import Request
from approvals.remarks import add_note, ask_agent
from approvals.selectors import request_for
from config.web import see_other, signed_in, wants_fragment

PART, LIST = "approvals/_remarks.html", "approvals/_remarks_list.html"


@require_GET
def remarks(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """What was said, for an open card that looks every few seconds; 204 when it knows all of it."""
    panel = remarks_panel(signed_in(request).user, _found(request, request_id))
    if request.GET.get("v") == panel.version:
        return HttpResponse(status=204)
    return _drawn(request, panel, LIST)


@require_POST
def ask(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Put a question to the agent; the answer comes by itself."""
    return _said(request, request_id, ask_agent)


@require_POST
def note(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Leave a note for colleagues."""
    return _said(request, request_id, add_note)


def _said(request: HttpRequest, request_id: UUID, verb: Callable[..., object]) -> HttpResponse:
    person, text = signed_in(request).user, request.POST.get("text", "")
    found = _found(request, request_id)
    try:
        verb(request_id=request_id, user=person, text=text)
    except (BadArguments, AlreadySettled, RequestChanged) as refusal:
        return _mend(request, found, text, refusal)
    if not wants_fragment(request):
        return see_other("approvals:request", request_id)
    return _drawn(request, remarks_panel(person, found), PART)


def _mend(request: HttpRequest, found: Request, text: str, refusal: ApprovalError) -> HttpResponse:
    if wants_fragment(request):
        panel = remarks_panel(signed_in(request).user, found, typed=text, problem=refusal.message)
        return _drawn(request, panel, PART, status=refusal.status)
    messages.error(request, refusal.message)
    return see_other("approvals:request", found.pk)


def _drawn(request: HttpRequest, panel: RemarksPanel, template: str, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"item": panel.request, "remarks": panel, "now": timezone.now()}
    return render(request, template, context, status=status)


def _found(request: HttpRequest, request_id: UUID) -> Request:
    found = request_for(signed_in(request).user, request_id)
    if found is None:
        if request.method == "GET":
            raise Http404
        raise NotFound("There is no such request, or it belongs to a team you are not in.")
    return found
