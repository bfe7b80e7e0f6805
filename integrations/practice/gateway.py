"""The practice company's HTTP API: who may call, what a request says, which key it carries, what goes wrong on demand."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone

from config.bounded_json import BadJson, loads
from integrations.practice import faults
from integrations.practice.models import StoredAnswer
from integrations.practice.operations.base import Answer, Call, Operation, Refusal, conflict
from integrations.practice.operations.catalogue import OPERATIONS

MAX_BODY_BYTES = 256 * 1024
MAX_KEY_LENGTH = 200

_validators: dict[str, Any] = {}


def answer(request: HttpRequest, *, operations: Mapping[str, str], **in_path: str) -> HttpResponseBase:
    """Answer one request. `operations` says which operation each method of this path is."""
    try:
        check_token(request)
        operation = _operation(request, operations)
        call = _call(request, operation, in_path)
    except Refusal as refusal:
        return refused(refusal)
    fault = faults.take(operation.id, now=call.now)
    if early := faults.before(fault):
        return early
    try:
        status, body, replayed = _act(operation, call)
    except Refusal as refusal:
        return refused(refusal)
    return faults.after(fault, request) or _answered(status, body, replayed=replayed)


def check_token(request: HttpRequest) -> None:
    """Refuse a caller without the company's token. No token set: nobody may call."""
    expected = settings.PRACTICE_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not expected:
        raise Refusal(503, "no_token", "PRACTICE_TOKEN is not set.")
    if not hmac.compare_digest(_digest(given.encode()), _digest(expected.encode())):
        raise Refusal(401, "unauthorized", "The bearer token is missing or wrong.")


def refused(refusal: Refusal) -> HttpResponse:
    return JsonResponse({"code": refusal.code, "message": refusal.message}, status=refusal.status)


def _operation(request: HttpRequest, operations: Mapping[str, str]) -> Operation:
    name = operations.get(request.method or "")
    if name is None:
        raise Refusal(405, "method_not_allowed", f"This path takes {', '.join(sorted(operations))}.")
    return OPERATIONS[name]


def _call(request: HttpRequest, operation: Operation, in_path: Mapping[str, str]) -> Call:
    given = _from_query(request, operation) if operation.reads else _from_body(request)
    if doubled := sorted(set(given) & set(in_path)):
        raise Refusal(422, "invalid", f"{doubled[0]} is given in the path already.")
    arguments = {**given, **in_path}
    _check_arguments(operation, arguments)
    return Call(arguments=arguments, now=timezone.now(), key=_key(request, operation))


def _key(request: HttpRequest, operation: Operation) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY_LENGTH:
        raise Refusal(400, "bad_key", f"An idempotency key has at most {MAX_KEY_LENGTH} characters.")
    return "" if operation.reads else key


def _from_query(request: HttpRequest, operation: Operation) -> dict[str, Any]:
    return {name: _query_value(operation, name, str(value)) for name, value in request.GET.items()}


def _query_value(operation: Operation, name: str, value: str) -> Any:
    wants_number = operation.arguments.get(name, {}).get("type") == "integer"
    return int(value) if wants_number and value.isascii() and value.isdigit() and len(value) < 18 else value


def _from_body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = loads(request.body or b"{}", max_bytes=MAX_BODY_BYTES)
    except BadJson as error:
        raise Refusal(400, "bad_json", error.message) from error
    if not isinstance(body, dict):
        raise Refusal(400, "bad_json", "The body must be a JSON object.")
    return body


def _check_arguments(operation: Operation, arguments: Mapping[str, Any]) -> None:
    if operation.id not in _validators:
        _validators[operation.id] = jsonschema_rs.Draft202012Validator(operation.schema())
    for error in _validators[operation.id].iter_errors(dict(arguments)):
        where = ".".join(str(part) for part in error.instance_path)
        raise Refusal(422, "invalid", f"{where or 'arguments'}: {error.message}"[:500])


def _act(operation: Operation, call: Call) -> tuple[int, Answer, bool]:
    """Return status, body and whether they are those of an earlier request under the same key."""
    with transaction.atomic():
        if not call.key:
            return 200, operation.handler(call), False
        # Two requests with one key meet here: the second waits until the first has committed or given up.
        stored, is_new = _claim_key(operation, call)
        if not is_new:
            return stored.status, stored.answer, True
        body = operation.handler(call)
        StoredAnswer.objects.filter(pk=call.key).update(status=200, answer=body)
        return 200, body, False


def _claim_key(operation: Operation, call: Call) -> tuple[StoredAnswer, bool]:
    digest = _digest(json.dumps(dict(call.arguments), sort_keys=True, default=str).encode())
    stored, is_new = StoredAnswer.objects.get_or_create(
        key=call.key,
        defaults={"operation": operation.id, "request_digest": digest, "created_at": call.now},
    )
    if (stored.operation, stored.request_digest) != (operation.id, digest):
        raise conflict("key_reused", "This idempotency key was used for another request.")
    return stored, is_new


def _answered(status: int, body: Answer, *, replayed: bool) -> HttpResponse:
    response = JsonResponse(body, status=status)
    if replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
