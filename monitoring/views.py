"""The first page, and the kill switch."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.errors import ApprovalError
from approvals.halts import GLOBAL, engage_halt, open_halts, release_halt
from approvals.models import Halt
from approvals.people import signer
from config.web import page_or_fragment, see_other, signed_in
from monitoring.home import home_of


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    person, now = signed_in(request).user, timezone.now()
    who = signer(person)
    context = {
        "home": home_of(person, now),
        "halt_refusal": "" if who.decides else "Operators and admins halt agents.",
        "release_refusal": "" if who.is_admin else "Only an admin releases a halt.",
        "now": now,
    }
    return page_or_fragment(request, "monitoring/home.html", context, fragment="live")


@require_GET
def halts(request: HttpRequest) -> HttpResponse:
    """What is halted now and what was, with who, when and why."""
    who = signer(signed_in(request).user)
    context = {
        "open_halts": open_halts(),
        "past": Halt.objects.filter(released_at__isnull=False)
        .select_related("released_by")
        .order_by("-released_at")[:50],
        "release_refusal": "" if who.is_admin else "Only an admin releases a halt.",
        "now": timezone.now(),
    }
    return page_or_fragment(request, "monitoring/halts.html", context, fragment="rows")


@require_POST
def engage(request: HttpRequest) -> HttpResponse:
    """Stop everything, or one agent. Takes effect before the answer is written."""
    try:
        halt = engage_halt(
            scope=request.POST.get("scope", GLOBAL), reason=request.POST.get("reason", ""), user=signed_in(request).user
        )
        messages.warning(
            request,
            f"Halted at {timezone.localtime(halt.engaged_at):%H:%M:%S}. Nothing starts until an admin releases it.",
        )
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("monitoring:home")


@require_POST
def release(request: HttpRequest, halt_id: UUID) -> HttpResponse:
    try:
        release_halt(halt_id=halt_id, user=signed_in(request).user)
        messages.success(request, "Released. What waited goes on, checked again.")
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("monitoring:home")
