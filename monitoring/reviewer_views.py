"""How people decide: the page, what each figure is made of, and the same as CSV."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.csv_safe import csv_lines
from approvals.people import signer
from config.web import signed_in
from monitoring.reviewers import (
    LISTED,
    SPANS,
    TOO_FEW,
    Row,
    controls_caught,
    queues,
    rows_by_person,
    rows_by_tool,
    sees_others,
    votes_behind,
)

FIGURES = ("approved", "edited", "regretted", "channel")


@require_GET
def reviewers(request: HttpRequest) -> HttpResponseBase:
    """The figures of those this person may see; ?format=csv gives the same rows."""
    who, days = signer(signed_in(request).user), _days(request)
    since = _since(days)
    people, tools = rows_by_person(who, since), rows_by_tool(who, since)
    if request.GET.get("format") == "csv":
        return _csv([*people, *tools])
    context = {
        "days": days,
        "spans": SPANS,
        "people": people,
        "tools": tools,
        "controls": controls_caught(who, since),
        "queues": queues(who, timezone.now()),
        "sees_others": sees_others(who),
        "too_few": TOO_FEW,
    }
    return render(request, "monitoring/reviewers.html", context)


@require_GET
def votes(request: HttpRequest) -> HttpResponse:
    """The votes that one figure is made of, the newest first."""
    who, days = signer(signed_in(request).user), _days(request)
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:200] for name in ("person", "tool", "only")}
    asked["only"] = asked["only"] if asked["only"] in FIGURES else ""
    found = votes_behind(who, _since(days), **asked)
    context = {"votes": found, "asked": asked, "days": days, "most": LISTED}
    return render(request, "monitoring/reviewer_votes.html", context)


def _days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(days) for days in SPANS} else 30


def _since(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _csv(rows: list[Row]) -> StreamingHttpResponse:
    headers = {"Content-Disposition": 'attachment; filename="countersign-reviewers.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(csv_lines(_cells(rows)), content_type="text/csv; charset=utf-8", headers=headers)


_COLUMNS = (
    "person",
    "tool",
    "decisions",
    "median_ms",
    "p90_ms",
    "looked_ms",
    "looked_at",
    "approved",
    "edited",
    "regretted",
    "by_channel",
)


def _cells(rows: list[Row]) -> Iterator[tuple[object, ...]]:
    yield _COLUMNS
    for row in rows:
        yield tuple(getattr(row, name) for name in _COLUMNS)
