"""The practice page: the shop as agents left it, and the buttons that let it send events or fail."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals.audit import Actor, record
from approvals.people import signer
from config.web import page_or_fragment, see_other, signed_in
from integrations.practice import faults, shop_view
from integrations.practice.errors import NoSuchThing
from integrations.practice.forms import FaultForm, SendForm, payload_text, sample_named
from integrations.practice.models import Mail, Ticket
from integrations.practice.permissions import (
    check_can_send,
    check_can_set_faults,
    fault_objection,
    sending_objection,
)
from integrations.practice.sampling import SOURCES, Sample, samples_of, stage
from integrations.practice.sender import PAGE_WAITS_S, Sending, send_event
from integrations.practice.states import FaultKind
from integrations.practice.traces import traced

PAGE = "practice/home.html"


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The page, or one of its fragments: rows of a tab, or the form of a sample."""
    fragment = "rows" if request.GET.get("part") == "rows" else "sample"
    return page_or_fragment(request, PAGE, _context(request), fragment=fragment)


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Send one event through the company's signed webhook, its records made first."""
    user = signed_in(request).user
    check_can_send(signer(user))
    form = SendForm(request.POST)
    if not form.is_valid():
        return render(request, PAGE, {**_context(request, form), "form": form}, status=422)
    sample, workflow, now = form.chosen(), form.cleaned_data["workflow"], timezone.now()
    payload = stage(sample.setup if sample else {}, _plain(form.cleaned_data["payload"]), now=now)
    _say(request, send_event(workflow=workflow, payload=payload, user=user, now=now))
    return _back(workflow, sample.name if sample else "")


@require_POST
def touch_mail(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Be the reader of a mail: open it or click in it. The company tells so with an event."""
    user = signed_in(request).user
    check_can_send(signer(user))
    field = {"opened": "opened_at", "clicked": "clicked_at"}.get(what)
    now = timezone.now()
    mail = Mail.objects.filter(pk=pk).first() if pk < 2**63 else None
    if mail is None or field is None:
        raise NoSuchThing("There is no such mail.")
    Mail.objects.filter(pk=pk).update(**{field: now})
    payload = {"type": f"mail.{what}", "email": mail.to, "mail_id": mail.number, "subject": mail.subject}
    _say(request, send_event(workflow="leads", payload=payload, user=user, now=now))
    return see_other(f"{_url()}?tab=outbox")


@require_POST
def remind(request: HttpRequest, number: str) -> HttpResponse:
    """Let the desk say that a ticket's deadline is near or past."""
    user = signed_in(request).user
    check_can_send(signer(user))
    ticket = Ticket.objects.filter(pk=number).first()
    if ticket is None:
        raise NoSuchThing("There is no such ticket.")
    now = timezone.now()
    payload = {"type": "ticket.sla_due", "ticket_id": ticket.number, "sla_due_at": ticket.sla_due_at.isoformat()}
    _say(request, send_event(workflow="tickets", payload=payload, user=user, now=now))
    return see_other(f"{_url()}?tab=tickets")


@require_POST
def set_fault(request: HttpRequest) -> HttpResponse:
    """Let one operation of the company's API fail, or work again."""
    user = signed_in(request).user
    check_can_set_faults(signer(user))
    form = FaultForm(request.POST)
    if not form.is_valid():
        return render(request, PAGE, {**_context(request), "fault_form": form}, status=422)
    with transaction.atomic():
        said = _apply_fault(form.cleaned_data)
        record(
            actor=Actor.person(user),
            verb="practice.fault_set",
            subject_type="practice",
            subject_id=form.cleaned_data["operation"],
            kind=form.cleaned_data["kind"] or "none",
        )
    messages.success(request, said)
    return see_other(f"{_url()}#faults")


def _apply_fault(wanted: dict[str, Any]) -> str:
    operation, kind = wanted["operation"], wanted["kind"]
    if not kind:
        faults.clear_fault(operation=operation)
        return f"{operation} works again."
    faults.set_fault(
        operation=operation,
        kind=FaultKind(kind),
        seconds=wanted["seconds"],
        remaining=wanted["remaining"],
        now=timezone.now(),
    )
    return f"{operation}: {kind.replace('_', ' ')} from now on."


def _context(request: HttpRequest, sent: SendForm | None = None) -> dict[str, Any]:
    who = signer(signed_in(request).user)
    tab = request.GET.get("tab", "")
    tab = tab if tab in shop_view.TABS else "changes"
    sample = _sample(request)
    workflow = sample.workflow if sample else "refunds"
    return {
        "tab": tab,
        "tabs": _tabs(tab),
        **_rows(tab, who.user),
        "sent_events": shop_view.sent_lately(),
        "workflow": workflow,
        "workflows": list(SOURCES),
        "samples": samples_of(workflow),
        "chosen": sample,
        "form": sent or SendForm(initial=_initial(sample)),
        "send_refusal": sending_objection(who),
        "fault_form": FaultForm(),
        "faults": shop_view.faults_now(),
        "fault_refusal": fault_objection(who),
    }


def _rows(tab: str, user: User) -> dict[str, Any]:
    rows = shop_view.rows_of(tab)
    return {**rows, "changes": traced(rows["changes"], user)} if "changes" in rows else rows


def _sample(request: HttpRequest) -> Sample | None:
    asked = request.GET if request.method == "GET" else request.POST
    workflow = asked.get("workflow", "refunds")
    workflow = workflow if workflow in SOURCES else "refunds"
    return sample_named(workflow, asked.get("sample", "")) or next(iter(samples_of(workflow)), None)


def _initial(sample: Sample | None) -> dict[str, str]:
    if sample is None:
        return {"workflow": "refunds", "sample": "", "payload": "{}"}
    return {"workflow": sample.workflow, "sample": sample.name, "payload": payload_text(sample)}


def _tabs(current: str) -> list[dict[str, Any]]:
    counted = shop_view.counts()
    return [
        {"url": f"?tab={name}", "label": name.capitalize(), "count": counted[name], "current": name == current}
        for name in shop_view.TABS
    ]


def _say(request: HttpRequest, sending: Sending) -> None:
    """Wait a moment for the answer, no longer, and tell what is known."""
    sending.done.wait(PAGE_WAITS_S)
    sending.event.refresh_from_db()
    event = sending.event
    if event.answered_at is None:
        messages.info(request, f"Sent to {event.source}; no answer yet.")
    elif event.status in (200, 202):
        messages.success(request, f"Sent to {event.source}: {event.status}. An agent takes it from here.")
    else:
        messages.error(request, f"Sent to {event.source}: {event.status or 'not delivered'}. {event.answer[:200]}")


def _back(workflow: str, sample: str) -> HttpResponse:
    return see_other(f"{_url()}?workflow={workflow}&sample={sample}")


def _url() -> str:
    return reverse("practice:home")


def _plain(value: Any) -> Any:
    """Return what the JSON column takes: the reader gives decimals where the text has fractions."""
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return float(value) if isinstance(value, Decimal) else value
