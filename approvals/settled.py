"""How a request was settled, in words, for whoever came second and for whoever was first."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from approvals.models import Request
from approvals.money import money_text
from approvals.states import RequestKind, RequestState


def who_and_when(request: Request) -> dict[str, Any]:
    """Return the state, who cast the last vote, when, and what took the request's place."""
    last = request.decisions.filter(withdrawn_at__isnull=True).order_by("-at").select_related("user").first()
    return {
        "state": request.state,
        "by": last.user.get_username() if last else None,
        "at": request.settled_at.isoformat() if request.settled_at else None,
        "request": str(request.successor_id) if request.successor_id else None,
    }


def settled_sentence(request: Request) -> str:
    """Return who settled the request, when and how, for whoever came second."""
    known = who_and_when(request)
    at = f" at {clock_words(request.settled_at)}" if request.settled_at else ""
    if request.state == RequestState.EXPIRED:
        return f"This expired{at}: nobody decided in time."
    if request.state == RequestState.WITHDRAWN:
        return f"This was withdrawn{at}. {request.answer}".strip()
    return f"{known['by'] or 'Somebody'} {request.state} this{at}. Your vote was not counted."


def clock_words(moment: datetime) -> str:
    """Return the time of day in the reader's zone with its name, and the day where it is another one than today."""
    local = timezone.localtime(moment)
    day = "" if local.date() == timezone.localdate() else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local:%H:%M:%S %Z}"


def done_sentence(request: Request) -> str:
    """Return what the settling vote did."""
    if request.control:
        seen = request.state == RequestState.REJECTED
        return f"This was a control, made to see who reads: {'you caught it' if seen else 'you did not catch it'}. Nothing ran."
    if request.kind == RequestKind.APPROVAL and request.state == RequestState.APPROVED:
        amount = f" {money_text(request.money_minor, request.currency)}" if request.money_minor is not None else ""
        return f"Approved{amount}. It runs once."
    return f"{request.state.capitalize()}."
