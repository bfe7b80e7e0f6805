"""Idempotency-Key: a POST that is sent again is answered again, not done again."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import cast

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from approvals.models import ApiCall, ApiToken
from approvals.rest.errors import ApiError

HEADER = "Idempotency-Key"
MAX_KEY = 200
KEPT = timedelta(days=7)


def answered_once(request: Request, work: Callable[[], Response]) -> Response:
    """Return the answer of work, which runs once per token and key; a repetition gets the first answer.

    The deed and its answer are one transaction, so neither is there without the other. A refusal is not kept:
    nothing was done, and the same key may try again. Two at once: the second waits, then gets the first's answer.
    Raises ApiError 422 when the key came with another call before.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise ApiError(400, "BAD_KEY", f"{HEADER} has 1 to {MAX_KEY} visible characters.")
    with transaction.atomic():
        token = cast(ApiToken, request.auth)
        call, fresh = ApiCall.objects.get_or_create(token=token, key=key, defaults={"digest": _digest(request)})
        if not fresh:
            return _repeated(call, request)
        response = work()
        kept = json.loads(json.dumps(response.data, cls=JSONEncoder))
        ApiCall.objects.filter(pk=call.pk).update(status=response.status_code, answer=kept)
        return response


def forget_calls(*, now: datetime) -> int:
    """Delete answers that nobody will ask for again. Returns how many."""
    return ApiCall.objects.filter(created_at__lt=now - KEPT).delete()[0]


def _repeated(call: ApiCall, request: Request) -> Response:
    if call.digest != _digest(request):
        raise ApiError(422, "KEY_REUSED", f"This {HEADER} came with another call before. Use a new one.")
    return Response(call.answer, status=call.status, headers={"Idempotent-Replay": "true"})


def _digest(request: Request) -> str:
    said = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
    return sha256(said.encode()).hexdigest()
