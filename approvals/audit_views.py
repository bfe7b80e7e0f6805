"""The audit trail: a list with filters, one row opened in place, and its export."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.audit import Actor, record
from approvals.audit_pages import (
    EXPORT_ROWS,
    AuditFilter,
    audit_page,
    choices,
    export_rows,
    filter_from,
    json_lines,
    newest_number,
)
from approvals.csv_safe import csv_lines
from approvals.errors import NotAllowed, NotFound
from approvals.models import AuditCheckpoint, AuditEvent, Request
from approvals.people import Signer, signer
from approvals.sealing import verify_audit
from approvals.sealing.checking import chain_state, checkpoints, place_of, verify_newest, verify_places
from approvals.sealing.checkpoints import as_file, file_name
from approvals.sealing.keys import public_keys
from approvals.sealing.reading import export_lines
from approvals.sealing.sealer import seal_all
from approvals.states import RequestState
from approvals.waiting import may_settle
from config.web import page_or_fragment, see_other, signed_in


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """What happened, newest first."""
    who, wanted = signer(signed_in(request).user), filter_from(request.GET)
    page = audit_page(who, wanted)
    context = {
        "rows": page.rows,
        "newest_shown": page.rows[0].event.seq if page.rows else None,
        "oldest_shown": page.rows[-1].event.seq if page.rows else None,
        "older_url": _older(request, page.older),
        "newest_url": _without(request, "before") if wanted.before else "",
        "wanted": wanted,
        "choices": choices(who),
        "newest": newest_number(who),
        "sees_all": who.sees_all,
        "refusal": refusal_to_export(who),
        "may_erase": who.is_admin,
        "chain": chain_state(),
        "export_query": request.GET.urlencode(),
        "now": timezone.now(),
    }
    return page_or_fragment(request, "approvals/audit.html", context, fragment="rows")


@require_POST
def audit_verify(request: HttpRequest) -> HttpResponse:
    """Verify the chain, or the part of it that was on the screen; what was found is a row of its own."""
    who = _may_export(request)
    actor = Actor.person(who.user)
    ends = [AuditEvent.objects.filter(pk=_number(request.POST.get(name, ""))).first() for name in ("from", "to")]
    places = [place.number for event in ends if event and (place := place_of(event))]
    report = verify_places(min(places), max(places), actor=actor) if places else verify_newest(actor=actor)
    if report.sound:
        messages.success(request, f"Sound: {report.rows:,} rows verified, {report.erased:,} of them erased.")
    else:
        messages.error(request, f"NOT SOUND. {report.problems[0]}")
    return see_other("approvals:audit")


@require_GET
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """The rows that fit the filter, as CSV or JSON lines. That it was taken is a row of its own."""
    who, wanted = _may_export(request), filter_from(request.GET)
    if request.GET.get("format") == "jsonl":
        _tell_exported(who, "jsonl", filter=wanted.shown())
        return _download(json_lines(who, wanted), "application/x-ndjson", "jsonl")
    _tell_exported(who, "csv", filter=wanted.shown())
    return _download(csv_lines(_written(who, wanted)), "text/csv; charset=utf-8", "csv")


@require_GET
def audit_export_sealed(request: HttpRequest) -> StreamingHttpResponse:
    """The whole sealed chain, for the stand-alone verifier."""
    who = _may_export(request)
    if sentence := _hides_votes_from(who):
        raise NotAllowed(sentence)
    _tell_exported(who, "sealed")
    seal_all()
    return _download(export_lines(), "application/x-ndjson", "sealed.jsonl")


@require_GET
def audit_verifier(request: HttpRequest) -> HttpResponse:
    """The script that verifies an export without anything of ours."""
    _may_export(request)
    text = Path(verify_audit.__file__).read_bytes()
    headers = {"Content-Disposition": 'attachment; filename="verify_audit.py"'}
    return HttpResponse(text, content_type="text/x-python; charset=utf-8", headers=headers)


@require_GET
def audit_keys(request: HttpRequest) -> HttpResponse:
    """The public keys, past ones too, one per line."""
    _may_export(request)
    text = "".join(f"{key}  # {name}\n" for name, key in public_keys().items())
    headers = {"Content-Disposition": 'attachment; filename="audit.pub"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


@require_GET
def audit_checkpoints(request: HttpRequest) -> HttpResponse:
    """What was signed, and whether it got out of the database."""
    _may_export(request)
    context = {"checkpoints": checkpoints(), "chain": chain_state(), "now": timezone.now()}
    return render(request, "approvals/audit_checkpoints.html", context)


@require_GET
def audit_checkpoint(request: HttpRequest, number: int) -> HttpResponse:
    """One checkpoint as a file, to be kept where the database's owner cannot reach."""
    _may_export(request)
    found = AuditCheckpoint.objects.filter(pk=number).first()
    if found is None:
        raise NotFound("There is no such checkpoint.")
    headers = {"Content-Disposition": f'attachment; filename="{file_name(found)}"'}
    return HttpResponse(as_file(found), content_type="application/json", headers=headers)


def refusal_to_export(who: Signer) -> str:
    """Return why this person may not take the trail away, or "" when they may."""
    if who.sees_all:
        return ""
    return f"Admins and auditors export the trail; you are signed in as {next(iter(sorted(who.roles)), 'no role')}."


def _may_export(request: HttpRequest) -> Signer:
    who = signer(signed_in(request).user)
    if refusal := refusal_to_export(who):
        raise NotAllowed(refusal)
    return who


def _hides_votes_from(who: Signer) -> str:
    """Return why the whole chain is not for this person now, or "": nothing can be left out of it."""
    voted = Q(
        state=RequestState.OPEN, votes_needed__gt=1, decisions__withdrawn_at__isnull=True, decisions__isnull=False
    )
    if not Request.objects.filter(voted, may_settle(who)).exists():
        return ""
    return "It holds votes on requests that still wait for yours, and each judges alone. Vote first, or let an auditor take it."


def _tell_exported(who: Signer, form: str, **more: Any) -> None:
    record(
        actor=Actor.person(who.user),
        verb="audit.exported",
        subject_type="audit",
        subject_id=form,
        subject="audit trail",
        at_most=EXPORT_ROWS,
        **more,
    )


def _download(lines: Iterator[str], content_type: str, ending: str) -> StreamingHttpResponse:
    name = f"countersign-audit-{timezone.localtime():%Y-%m-%d-%H%M}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


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
