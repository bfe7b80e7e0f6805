"""The company's own switchboard: faults and a fresh start. Not part of the API that agents are given."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from config.bounded_json import BadJson, loads
from integrations.practice import faults
from integrations.practice.gateway import check_token, refused
from integrations.practice.models import Fault
from integrations.practice.operations.base import Refusal
from integrations.practice.operations.catalogue import OPERATIONS
from integrations.practice.states import FaultKind

View = Callable[..., HttpResponse]


def guarded(view: View) -> View:
    """Return the view for callers with the token; a Refusal becomes its answer."""

    def inner(request: HttpRequest, **in_path: str) -> HttpResponse:
        try:
            check_token(request)
            return view(request, **in_path)
        except Refusal as refusal:
            return refused(refusal)

    return inner


@guarded
def fault_list(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"faults": [_record(row) for row in Fault.objects.order_by("pk")]})


@guarded
def fault(request: HttpRequest, operation: str) -> HttpResponse:
    """PUT {kind, seconds?, remaining?} sets a fault, DELETE clears it."""
    if operation not in OPERATIONS:
        raise Refusal(404, "not_found", f"There is no operation {operation}.")
    if request.method == "DELETE":
        faults.clear_fault(operation=operation)
        return JsonResponse({"operation": operation, "kind": None})
    if request.method != "PUT":
        raise Refusal(405, "method_not_allowed", "This path takes PUT and DELETE.")
    return JsonResponse(_record(_set(operation, _body(request))))


def _set(operation: str, wanted: dict[str, Any]) -> Fault:
    remaining = wanted.get("remaining")
    try:
        return faults.set_fault(
            operation=operation,
            kind=FaultKind(str(wanted.get("kind"))),
            seconds=float(wanted.get("seconds", 5)),
            remaining=None if remaining is None else int(remaining),
            now=timezone.now(),
        )
    except (ValueError, TypeError) as error:
        kinds = ", ".join(FaultKind)
        raise Refusal(422, "invalid", f"A fault has a kind ({kinds}), seconds and remaining.") from error


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = loads(request.body, max_bytes=10_000)
    except BadJson as error:
        raise Refusal(400, "bad_json", error.message) from error
    return body if isinstance(body, dict) else {}


def _record(row: Fault) -> dict[str, Any]:
    return {"operation": row.pk, "kind": row.kind, "seconds": row.seconds, "remaining": row.remaining}


def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})
