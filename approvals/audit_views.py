"""The audit trail: a list with filters, one row opened in place, and its export."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.audit import Actor, record
from approvals.audit_pages import (
    EXPORT_ROWS,
    AuditFilter,
    audit_page,
    choices,
    export_rows,
    filter_from,
    newest_number,
)
from approvals.csv_safe import csv_lines
from approvals.errors import NotAllowed
from approvals.people import Signer, signer
from config.web import page_or_fragment, signed_in


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """What happened, newest first."""
    who, wanted = signer(signed_in(request).user), filter_from(request.GET)
    page = audit_page(who, wanted)
    context = {
        "rows": page.rows,
        "older_url": _older(request, page.older),
        "newest_url": _without(request, "before") if wanted.before else "",
        "wanted": wanted,
        "choices": choices(who),
        "newest": newest_number(who),
        "sees_all": who.sees_all,
        "refusal": refusal_to_export(who),
        "export_query": request.GET.urlencode(),
        "now": timezone.now(),
    }
    return page_or_fragment(request, "approvals/audit.html", context, fragment="rows")


@require_GET
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """The rows that fit the filter, as CSV. That it was taken is a row of its own."""
    who, wanted = signer(signed_in(request).user), filter_from(request.GET)
    refusal = refusal_to_export(who)
    if refusal:
        raise NotAllowed(refusal)
    record(
        actor=Actor.person(who.user),
        verb="audit.exported",
        subject_type="audit",
        subject_id="csv",
        subject="audit trail",
        filter=wanted.shown(),
        at_most=EXPORT_ROWS,
    )
    name = f"countersign-audit-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(
        csv_lines(_written(who, wanted)), content_type="text/csv; charset=utf-8", headers=headers
    )


def refusal_to_export(who: Signer) -> str:
    """Return why this person may not take the trail away, or "" when they may."""
    if who.sees_all:
        return ""
    return f"Admins and auditors export the trail; you are signed in as {next(iter(sorted(who.roles)), 'no role')}."


def _written(who: Signer, wanted: AuditFilter) -> Iterator[tuple[Any, ...]]:
    for row in export_rows(who, wanted):
        yield tuple(json.dumps(cell, ensure_ascii=False) if isinstance(cell, dict) else cell for cell in row)


def _older(request: HttpRequest, before: int | None) -> str:
    if before is None:
        return ""
    query = request.GET.copy()
    query["before"] = str(before)
    query.pop("open", None)
    return f"?{query.urlencode()}"


def _without(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    for key in (name, "open"):
        query.pop(key, None)
    return f"?{query.urlencode()}"
