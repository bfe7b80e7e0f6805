"""The hand-off desk, and the posts that say whose work something is, how urgent, and until when it waits."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_POST

from approvals import desk_work
from approvals.desk import desk_list, wanted_from
from approvals.desk_panel import desk_panel
from approvals.desk_terms import Priority, Reason
from approvals.errors import BadArguments, WrongTime
from approvals.selectors import request_for
from config.web import page_or_fragment, see_other, signed_in, wants_fragment

PAGE, PANEL = "approvals/desk.html", "approvals/_desk.html"


@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The work of this person's teams; 204 to a page that looks just like it already."""
    person, now = signed_in(request).user, timezone.now()
    found = desk_list(person, wanted_from(request.GET), now=now, page=request.GET.get("page"))
    if wants_fragment(request) and request.GET.get("v") == found.version:
        return HttpResponse(status=204)
    context = {
        "list": found,
        "refusal": desk_work.refusal_to_work(person),
        "reasons": [(family.value, found.counts[family]) for family in Reason],
        "priorities": list(Priority),
        "tabs": _tabs(found.wanted, found.counts),
        "now": now,
    }
    return page_or_fragment(request, PAGE, context, fragment="rows")


@require_POST
def take(request: HttpRequest, request_id: UUID) -> HttpResponse:
    return _worked(request, request_id, lambda who: desk_work.take_over(request_id=request_id, user=who))


@require_POST
def put_back(request: HttpRequest, request_id: UUID) -> HttpResponse:
    return _worked(request, request_id, lambda who: desk_work.put_back(request_id=request_id, user=who))


@require_POST
def wait(request: HttpRequest, request_id: UUID) -> HttpResponse:
    def verb(who: Any) -> object:
        note = request.POST.get("note", "")[:2_000]
        return desk_work.wait(request_id=request_id, user=who, until=_moment(request, "until"), note=note)

    return _worked(request, request_id, verb)


@require_POST
def go_on(request: HttpRequest, request_id: UUID) -> HttpResponse:
    return _worked(request, request_id, lambda who: desk_work.go_on(request_id=request_id, user=who))


@require_POST
def priority(request: HttpRequest, request_id: UUID) -> HttpResponse:
    chosen = request.POST.get("priority", "")
    return _worked(
        request, request_id, lambda who: desk_work.set_priority(request_id=request_id, user=who, priority=chosen)
    )


@require_POST
def due(request: HttpRequest, request_id: UUID) -> HttpResponse:
    return _worked(
        request,
        request_id,
        lambda who: desk_work.set_due(request_id=request_id, user=who, due_at=_moment(request, "due")),
    )


@require_POST
def team(request: HttpRequest, request_id: UUID) -> HttpResponse:
    chosen = request.POST.get("team", "")
    number = int(chosen) if chosen.isdecimal() and len(chosen) < 10 else 0
    return _worked(
        request, request_id, lambda who: desk_work.move_to_team(request_id=request_id, user=who, team_id=number)
    )


def _worked(request: HttpRequest, request_id: UUID, verb: Callable[[Any], object]) -> HttpResponse:
    """Do it, then show the panel again (a fragment) or the page the person came from."""
    person = signed_in(request).user
    if request_for(person, request_id) is None:
        raise Http404
    try:
        verb(person)
    except (BadArguments, WrongTime) as refusal:
        return _mend(request, request_id, refusal)
    if request.POST.get("back") == "desk" or request_for(person, request_id) is None:
        return _to_the_desk(request)
    if not wants_fragment(request):
        return see_other("approvals:request", request_id)
    return _panel(request, request_id)


def _mend(request: HttpRequest, request_id: UUID, refusal: BadArguments | WrongTime) -> HttpResponse:
    if wants_fragment(request):
        return _panel(request, request_id, problem=refusal.message, status=refusal.status)
    messages.error(request, refusal.message)
    return see_other("approvals:request", request_id)


def _panel(request: HttpRequest, request_id: UUID, *, problem: str = "", status: int = 200) -> HttpResponse:
    person, now = signed_in(request).user, timezone.now()
    found = request_for(person, request_id)
    if found is None:
        return _to_the_desk(request)
    panel = desk_panel(person, found, now=now, problem=problem)
    context = {"item": found, "card": found.card, "desk": panel, "now": now}
    return render(request, PANEL, context, status=status)


def _to_the_desk(request: HttpRequest) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponse(status=200, headers={"HX-Redirect": reverse("approvals:desk")})
    return see_other("approvals:desk")


def _moment(request: HttpRequest, name: str) -> datetime:
    """Return the moment that was typed, in the person's own time zone. Raises WrongTime when it cannot be read."""
    try:
        typed = parse_datetime(request.POST.get(name, "").strip()[:40])
    except ValueError:
        typed = None
    if typed is None:
        raise WrongTime("Choose a day and a time.")
    return typed if timezone.is_aware(typed) else timezone.make_aware(typed)


def _tabs(wanted: Any, counts: Any) -> list[dict[str, Any]]:
    """The ways to look at the desk, each with how much there is."""
    looks = [
        ("", "All", "all", not (wanted.whose or wanted.overdue or wanted.status)),
        ("whose=mine", "Mine", "mine", wanted.whose == "mine"),
        ("whose=unassigned", "Nobody's", "unassigned", wanted.whose == "unassigned"),
        ("overdue=1", "Overdue", "overdue", wanted.overdue),
        ("status=new", "New", "new", wanted.status == "new"),
        ("status=taken", "Taken", "taken", wanted.status == "taken"),
        ("status=waiting", "Waiting", "waiting", wanted.status == "waiting"),
        ("status=done", "Done", "", wanted.status == "done"),
    ]
    return [
        {"url": f"?{query}" if query else "?", "label": label, "count": counts.get(name), "current": current}
        for query, label, name, current in looks
    ]
