"""The practice company's own webhook: it signs its events like any stranger and waits for an answer like one.

Who pressed the button is recorded; the event itself says nothing of that person, who is not its initiator.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from approvals.audit import Actor, record
from config.ids import new_id
from integrations.practice.models import SentEvent
from integrations.practice.sampling import SOURCES

ANSWER_WITHIN_S = 10.0
PAGE_WAITS_S = 2.0
_PREFIX = "whsec_"


class NoSecret(Exception):
    """The company has no secret to sign with; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Sending:
    """An event on its way. `done` ends when the answer has been written down."""

    event: SentEvent
    done: threading.Event


def signature_headers(secret: str, *, delivery_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the three headers of Standard Webhooks.

    Source: standardwebhooks.com, specification, read November 2026. Raises NoSecret.
    """
    if not secret:
        raise NoSecret("Set PRACTICE_HOOK_SECRET; the practice company signs its events with it.")
    key = base64.b64decode(secret.removeprefix(_PREFIX) + "==")
    stamp = str(int(now.timestamp()))
    mac = hmac.new(key, b".".join([delivery_id.encode(), stamp.encode(), body]), hashlib.sha256)
    signature = base64.b64encode(mac.digest()).decode()
    return {"webhook-id": delivery_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def send_event(*, workflow: str, payload: Mapping[str, Any], user: User | None, now: datetime) -> Sending:
    """Write down what is sent and who asked for it, then send it beside the request. Never waits for the answer."""
    row, done = _write(workflow, payload, user, now), threading.Event()
    transaction.on_commit(lambda: _start(row.pk, done))
    return Sending(row, done)


def _write(workflow: str, payload: Mapping[str, Any], user: User | None, now: datetime) -> SentEvent:
    with transaction.atomic():
        row = SentEvent.objects.create(
            delivery_id=f"msg_{new_id().hex}",
            source=SOURCES[workflow],
            workflow=workflow,
            payload=dict(payload),
            pressed_by=user.get_username() if user else "",
            created_at=now,
        )
        if user is not None:
            record(
                actor=Actor.person(user),
                verb="practice.event_sent",
                subject_type="practice_event",
                subject_id=row.delivery_id,
                subject=str(payload.get("order_id") or payload.get("ticket_id") or payload.get("email") or "")[:200],
                source=row.source,
                type=str(payload.get("type", ""))[:100],
            )
    return row


def _start(sent_id: int, done: threading.Event) -> None:
    threading.Thread(target=_finish, args=(lambda: deliver(sent_id), done), daemon=True).start()


def _finish(deliver_it: Callable[[], None], done: threading.Event) -> None:
    try:
        deliver_it()
    finally:
        connection.close()
        done.set()


def deliver(sent_id: int) -> None:
    """Post one event and write down what was answered. Sent again, it is the same delivery."""
    row = SentEvent.objects.get(pk=sent_id)
    status, answer = _post(row)
    SentEvent.objects.filter(pk=sent_id).update(status=status, answer=answer[:300], answered_at=timezone.now())


def _post(row: SentEvent) -> tuple[int | None, str]:
    body = json.dumps(row.payload, ensure_ascii=False).encode()
    address = f"{settings.PUBLIC_URL}/hooks/{row.source}/"
    try:
        headers = signature_headers(
            settings.PRACTICE_HOOK_SECRET, delivery_id=row.delivery_id, body=body, now=timezone.now()
        )
        # No proxy and no .netrc of the machine: this is our own address.
        with httpx2.Client(timeout=ANSWER_WITHIN_S, trust_env=False, follow_redirects=False) as client:
            response = client.post(address, content=body, headers={**headers, "content-type": "application/json"})
    except NoSecret as error:
        return None, str(error)
    except httpx2.HTTPError as error:
        return None, f"No answer: {type(error).__name__}"
    return response.status_code, response.text
