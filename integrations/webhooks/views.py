"""POST /hooks/<source>/: prove, keep, answer. Nothing is understood here; that is a worker's business."""

import logging
from datetime import datetime
from http import HTTPStatus
from typing import NoReturn

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from config.queues import ring_after_commit
from integrations.payloads import UnreadablePayload, declares_json, read_payload
from integrations.webhooks import answers
from integrations.webhooks.answers import Refused
from integrations.webhooks.door import Door, find_door, prove
from integrations.webhooks.keeping import keep
from integrations.webhooks.rate import note_refusal, seconds_to_wait
from integrations.webhooks.raw_body import check_encoding, read_body
from integrations.webhooks.signatures import waste_as_much

log = logging.getLogger(__name__)
UNKNOWN_SOURCE_BYTES = 1024 * 1024


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, source: str) -> HttpResponse:
    """Answer 202 accepted, 200 duplicate, or a refusal; see answers.py and the list in the README."""
    try:
        return _receive(request, source)
    except Refused as refusal:
        return refusal.response()
    except (OperationalError, InterfaceError):
        log.exception("A delivery for %s could not be kept.", source[:80])
        return answers.database_away()


def _receive(request: HttpRequest, source: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
    check_encoding(request)
    door = find_door(source)
    if door is None:
        _refuse_unknown(request)
    now = timezone.now()
    try:
        return _take_in(door, request, now)
    except Refused as refusal:
        log.info("Refused a delivery for %s: %s.", source, refusal.code)
        note_refusal(door.id, refusal.code, now)
        raise


def _refuse_unknown(request: HttpRequest) -> NoReturn:
    """Refuse after as much work as a known source would take, so that guessing names by time is no use."""
    waste_as_much(read_body(request, UNKNOWN_SOURCE_BYTES))
    raise Refused(HTTPStatus.NOT_FOUND, "unknown_source", "There is no source of this name.")


def _take_in(door: Door, request: HttpRequest, now: datetime) -> HttpResponse:
    body = read_body(request, door.max_bytes)
    verified = prove(door, request, body, now)
    payload = _declared_json(request, body)
    if door.signature == "slack" and isinstance(payload, dict) and payload.get("type") == "url_verification":
        return answers.challenge(payload.get("challenge"))
    _check_rate(door, now)
    stored = keep(door, verified, body, request.META, now)
    if stored.fresh:
        ring_after_commit()
    return answers.kept(stored.event_id, fresh=stored.fresh)


def _declared_json(request: HttpRequest, body: bytes) -> object:
    """Return what a body that says it is JSON says. Raises Refused only when it is no JSON at all.

    JSON that we do not read (a key twice, a number without end) is kept and shown to people as it came.
    """
    content_type = request.META.get("CONTENT_TYPE", "")
    if not declares_json(content_type):
        return None
    try:
        return read_payload(body, content_type)
    except UnreadablePayload as problem:
        if problem.not_json:
            raise Refused(HTTPStatus.BAD_REQUEST, "not_json", problem.sentence) from None
        return None


def _check_rate(door: Door, now: datetime) -> None:
    """Only proven deliveries are counted: a forger must not be able to use up what the sender may send."""
    wait_s = seconds_to_wait(door.id, door.rate_per_minute, now)
    if wait_s:
        sentence = f"This source may deliver {door.rate_per_minute} times a minute."
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too_many", sentence, retry_after_s=wait_s)
