"""Subjects: the search, and the page of everything that was done about one."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.web import page_or_fragment, signed_in
from monitoring.subjects import FOUND_AT_MOST, find_subjects, subject_page

LONGEST = 200


@require_GET
def subjects(request: HttpRequest) -> HttpResponse:
    """Search by the beginning or a part of a subject; ?exact= is the page of one that fits into no path."""
    if "exact" in request.GET:
        return subject(request, request.GET["exact"])
    words = _plain(request.GET.get("q", "")).strip()
    found = find_subjects(signed_in(request).user, words)
    context = {"words": words, "found": found, "most": FOUND_AT_MOST, "now": timezone.now()}
    return page_or_fragment(request, "monitoring/subjects.html", context, fragment="rows")


@require_GET
def subject(request: HttpRequest, subject: str) -> HttpResponse:
    """One subject. 404 for one that does not exist and for one of a foreign team alike."""
    found = subject_page(signed_in(request).user, _plain(subject), request.GET.get("page"))
    if found is None:
        raise Http404
    return render(request, "monitoring/subject.html", {"found": found, "now": timezone.now()})


def _plain(text: str) -> str:
    """Return what the database can be asked for; it holds no zero bytes, and no subject is longer."""
    return text.replace("\x00", "")[:LONGEST]
