"""The first page, and the kill switch."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.errors import ApprovalError
from approvals.halt_release import ask_release, open_releases, refusal_to_ask
from approvals.halts import GLOBAL, SUPERVISED, confirm_halts, engage_halt, open_halts
from approvals.models import Halt
from approvals.people import signer
from config.step_up import sign_in_again, stepped_up
from config.web import page_or_fragment, see_other, signed_in
from monitoring.halt_scopes import scopes_to_halt
from monitoring.home import home_of


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    person, now = signed_in(request).user, timezone.now()
    who = signer(person)
    context = {
        "home": home_of(person, now),
        "halt_refusal": "" if who.decides else "Operators and admins halt agents.",
        "release_refusal": refusal_to_ask(person),
        # Called by the part that the page draws and its live fragment does not.
        "halt_scopes": partial(scopes_to_halt, person),
        "halt_wanted": request.GET.get("halt", ""),
        "now": now,
    }
    return page_or_fragment(request, "monitoring/home.html", context, fragment="live")


@require_GET
def halts(request: HttpRequest) -> HttpResponse:
    """What is halted now and what was, with who, when and why."""
    asked = open_releases()
    context = {
        "open_halts": [(halt, asked.get(str(halt.pk))) for halt in open_halts()],
        "past": Halt.objects.filter(released_at__isnull=False)
        .select_related("released_by")
        .order_by("-released_at")[:50],
        "release_refusal": refusal_to_ask(signed_in(request).user),
        "now": timezone.now(),
    }
    return page_or_fragment(request, "monitoring/halts.html", context, fragment="rows")


@require_POST
def engage(request: HttpRequest) -> HttpResponse:
    """Stop everything, or one agent, tool or connection. Takes effect before the answer is written."""
    try:
        halt = engage_halt(
            scope=request.POST.get("scope", GLOBAL), reason=request.POST.get("reason", ""), user=signed_in(request).user
        )
        confirm_halts()
        messages.warning(
            request,
            f"Halted at {timezone.localtime(halt.engaged_at):%H:%M:%S}. Nothing starts until two admins release it.",
        )
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("monitoring:halts" if request.POST.get("from") == "halts" else "monitoring:home")


@require_POST
def release(request: HttpRequest, halt_id: UUID) -> HttpResponse:
    """Ask a second admin to release it, under supervision first or fully."""
    to, why = request.POST.get("to", SUPERVISED), request.POST.get("why", "").strip()
    try:
        asked = ask_release(
            halt_id=halt_id, user=signed_in(request).user, to=to, why=why, stepped_up=stepped_up(request)
        )
    except ApprovalError as refusal:
        if refusal.extra.get("step_up"):
            return sign_in_again(reverse("monitoring:halts"))
        messages.error(request, refusal.message)
        return see_other("monitoring:halts")
    if asked.done:
        messages.warning(request, "Released by you alone: there is no second admin. The audit trail says so.")
    else:
        messages.success(request, "Asked for. Another admin signs it in the inbox; until then nothing changes.")
    return see_other("monitoring:halts")
