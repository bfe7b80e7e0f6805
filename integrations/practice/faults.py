"""What goes wrong on demand: slow answers, errors, acts whose answer never comes, connections that break."""

import errno
import socket
import struct
import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from integrations.practice.models import Fault
from integrations.practice.states import FaultKind

MAX_SECONDS = 60.0
_NO_LINGER = struct.pack("ii", 1, 0)


def set_fault(
    *, operation: str, kind: FaultKind, seconds: float = 5, remaining: int | None = None, now: datetime
) -> Fault:
    """Let one operation fail in one way from now on, `remaining` times or until it is cleared."""
    fault, _ = Fault.objects.update_or_create(
        operation=operation,
        defaults={"kind": kind, "seconds": min(seconds, MAX_SECONDS), "remaining": remaining, "set_at": now},
    )
    return fault


def clear_fault(*, operation: str) -> None:
    Fault.objects.filter(pk=operation).delete()


def take(operation: str, *, now: datetime) -> Fault | None:
    """Return the fault that this request meets, and count it."""
    if not Fault.objects.filter(pk=operation).exists():
        return None
    with transaction.atomic():
        fault = Fault.objects.select_for_update().filter(pk=operation).first()
        if fault is None or fault.remaining is None:
            return fault
        fault.remaining -= 1
        fault.save(update_fields=["remaining"])
        if fault.remaining == 0:
            Fault.objects.filter(pk=operation).delete()
        return fault


def before(fault: Fault | None) -> HttpResponse | None:
    """Wait, or answer 500 with nothing done, as the fault says."""
    if fault is None:
        return None
    if fault.kind == FaultKind.SLOW:
        _sleep(fault.seconds)
    if fault.kind == FaultKind.ERROR_500:
        return JsonResponse({"code": "internal", "message": "Something broke."}, status=500)
    return None


def after(fault: Fault | None, request: HttpRequest) -> HttpResponseBase | None:
    """Withhold the answer to something that has been done, as the fault says."""
    if fault is None:
        return None
    if fault.kind == FaultKind.ACTS_THEN_TIMES_OUT:
        _sleep(fault.seconds)
        return JsonResponse({"code": "gateway_timeout", "message": "No answer in time."}, status=504)
    if fault.kind == FaultKind.RESET:
        return _broken(request)
    return None


def _sleep(seconds: float) -> None:
    # A sleeping request must not keep a database connection from the others.
    if not connection.in_atomic_block:
        connection.close()
    time.sleep(seconds)


def _broken(request: HttpRequest) -> HttpResponseBase:
    """Break the connection before the first byte of an answer: a reset, where the server gives its socket."""
    raw = request.META.get("gunicorn.socket")
    if isinstance(raw, socket.socket):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    return StreamingHttpResponse(_Torn(), content_type="application/json")


class _Torn(Iterator[bytes]):
    """A body that breaks before its first byte: the server takes it for a client that went away, and closes."""

    def __next__(self) -> bytes:
        raise ConnectionResetError(errno.ECONNRESET, "broken on demand")
