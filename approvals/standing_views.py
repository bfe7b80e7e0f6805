"""What people say beside a decision: that it stands for identical cases, or that it was wrong."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.controls import seed_control, set_control_rate
from approvals.errors import ApprovalError, NotFound
from approvals.labels import correct
from approvals.models import Request, Team
from approvals.people import signer
from approvals.people_changes import check_can_change_people
from approvals.standing import DEFAULT_DAYS, let_stand, revoke, visible_standing
from config.web import see_other, signed_in

PER_PAGE = 50


@require_GET
def standing(request: HttpRequest) -> HttpResponse:
    """Every standing answer this person may see, the newest first."""
    who = signer(signed_in(request).user)
    rows = visible_standing(who).select_related("signed_by", "revoked_by").order_by("-created_at")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    refusal = "" if who.decides else "Operators and admins revoke standing answers."
    return render(request, "approvals/standing.html", {"page": page, "refusal": refusal, "now": timezone.now()})


@require_POST
def standing_give(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Let one's own answer stand for identical cases."""

    def give() -> str:
        made = let_stand(
            request_id=request_id,
            user=signed_in(request).user,
            days=_whole(request.POST.get("days", str(DEFAULT_DAYS))),
            any_agent=request.POST.get("whom") == "team",
            reason=request.POST.get("reason", ""),
        )
        if isinstance(made, Request):
            return (
                "Another admin signs it first: it lets agents do more alone. Until then each case waits for a person."
            )
        return "It stands. You see each use under Standing answers, and revoke it there."

    return _said(request, request_id, give)


@require_POST
def standing_revoke(request: HttpRequest, standing_id: UUID) -> HttpResponse:
    revoke(standing_id=standing_id, user=signed_in(request).user)
    messages.success(request, "Revoked. The next identical case waits for a person.")
    return see_other("approvals:standing")


@require_POST
def correct_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Say that a decision was wrong."""

    def say() -> str:
        correct(user=signed_in(request).user, request_id=request_id, **_why(request))
        return "Noted. What was done stays done; it counts in the figures, and agents are judged by it."

    return _said(request, request_id, say)


@require_POST
def correct_action(request: HttpRequest, action_id: UUID) -> HttpResponse:
    """Say that what an agent did alone should not have been done."""
    label = correct(user=signed_in(request).user, action_id=action_id, **_why(request))
    messages.success(request, "Noted. What was done stays done; it counts in the figures.")
    if label.request_id:
        return see_other("approvals:request", label.request_id)
    return see_other("approvals:policy_action", action_id)


@require_POST
def team_controls(request: HttpRequest, name: str) -> HttpResponse:
    """Seed one control now, or say how many are seeded."""
    person = signed_in(request).user
    check_can_change_people(person)
    team = Team.objects.filter(name=name).first()
    if team is None:
        raise NotFound("There is no such team.")
    try:
        if "seed" in request.POST:
            seed_control(team=team, user=person)
            messages.success(request, "A control waits in the team's inbox. You do not decide it: you know of it.")
        else:
            set_control_rate(team=team, percent=_whole(request.POST.get("percent", "")), by=person)
            messages.success(request, "The rate of controls is changed.")
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("approvals:team", name)


def _whole(text: str) -> int:
    """Return the number as typed; -1, which every verb refuses, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1


def _why(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "")[:4000] for name in ("reason_code", "comment")}


def _said(request: HttpRequest, request_id: UUID, verb: Callable[[], str]) -> HttpResponse:
    """Do it and show the card again, with a sentence that says what was done or why it was not."""
    try:
        messages.success(request, verb())
    except NotFound:
        raise
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("approvals:request", request_id)
