"""Events: what came in with its verdict, one event with its problems and runs, and what people do about it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.people import Signer, signer
from config.web import page_or_fragment, see_other, signed_in, wants_fragment
from integrations.errors import BadPayload, NoSuchEvent
from integrations.event_page import (
    VERDICTS,
    WINDOWS,
    Wanted,
    body_text,
    event_rows,
    events_found,
    family_of,
    first_draft,
    how_it_came,
    list_version,
    manipulation_flags,
    verdict_counts,
)
from integrations.event_permissions import handling_objection, visible_events, visible_sources
from integrations.models import Event
from integrations.services import correct_event, discard_event, replay_event

LIST, PAGE = "integrations/events.html", "integrations/event.html"
PER_PAGE = 50
LONGEST_CORRECTION = 2_000_000


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """What came in, newest first, by verdict, source, time and words."""
    user = signed_in(request).user
    who, wanted = signer(user), Wanted.of(request.GET)
    page = Paginator(events_found(who, wanted), PER_PAGE).get_page(request.GET.get("page"))
    rows = event_rows(user, list(page.object_list))
    version = list_version(rows)
    if wants_fragment(request) and request.GET.get("v") == version:
        return HttpResponse(status=204)
    context = {
        "page": page,
        "rows": rows,
        "wanted": wanted,
        "version": version,
        "verdicts": _verdicts(who, wanted),
        "sources": visible_sources(who).order_by("name").values_list("name", flat=True),
        "windows": WINDOWS,
        "now": timezone.now(),
    }
    return page_or_fragment(request, LIST, context, fragment="rows")


@require_GET
def event(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """One event: raw body, verdict, problems, and the runs it started."""
    return render(request, PAGE, _context(request, _event_for(request, event_id)))


@require_POST
def correct(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Put a person's payload in the place of the refused one and have it judged anew."""
    found = _event_for(request, event_id)
    text = request.POST.get("payload", "")[:LONGEST_CORRECTION].replace("\r\n", "\n")
    try:
        correct_event(event_id=found.pk, user=signed_in(request).user, text=text)
    except BadPayload as error:
        context = {**_context(request, found), "draft": text, "still": error.extra.get("problems", [])}
        return render(request, PAGE, context, status=422)
    messages.success(request, "Corrected. It is judged anew with your payload; the raw body stays as it came.")
    return see_other("integrations:event", event_id)


@require_POST
def replay(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Judge the event anew, or run an accepted one again as a new event."""
    found = _event_for(request, event_id)
    again = replay_event(event_id=found.pk, user=signed_in(request).user)
    said = "It is judged anew." if again == found.pk else "It runs again as this new event, which is yours."
    messages.success(request, said)
    return see_other("integrations:event", again)


@require_POST
def discard(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """Set a refused event aside."""
    found = _event_for(request, event_id)
    reason = request.POST.get("reason", "").strip()
    discard_event(event_id=found.pk, user=signed_in(request).user, reason=reason)
    messages.success(request, "Set aside. It stays in the list, and nothing runs because of it.")
    return see_other("integrations:event", event_id)


def _event_for(request: HttpRequest, event_id: UUID) -> Event:
    rows = visible_events(signer(signed_in(request).user))
    found = rows.select_related("source", "given_by", "corrected_by").filter(pk=event_id).first()
    if found is None:
        raise NoSuchEvent("There is no such event that you could see.")
    return found


def _context(request: HttpRequest, found: Event) -> dict[str, Any]:
    user = signed_in(request).user
    who = signer(user)
    (row,) = event_rows(user, [found])
    return {
        "event": found,
        "row": row,
        "raw": body_text(found.body),
        "came": how_it_came(found),
        "flags": manipulation_flags(found),
        "corrected": body_text(found.corrected) if found.corrected is not None else "",
        "draft": first_draft(found),
        "headers": sorted(found.headers.items()),
        "family": family_of(who, found),
        "refusal": handling_objection(who),
        "now": timezone.now(),
    }


def _verdicts(who: Signer, wanted: Wanted) -> list[dict[str, Any]]:
    counts = verdict_counts(who, wanted)
    return [
        {"key": key, "label": label, "count": counts[key], "current": key == wanted.verdict}
        for key, label in VERDICTS.items()
    ]
