"""Send test delivery: sign with the source's own secret, post to the real address over HTTP, show the answer.

Whoever sends one could have written any event, so the event belongs to them: they may not sign what comes of it.
The delivery says who sent it in a header that only this installation can make.
"""

import http.client
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing

from approvals.audit import Actor, record
from approvals.people import signer
from config.ids import new_id
from config.secrets import SecretMissing, reveal
from integrations.event_permissions import check_can_configure
from integrations.event_store import MARK_HEADER, MARK_SALT
from integrations.models import Source
from integrations.webhooks import signatures
from integrations.webhooks.signatures import NotConfigured

TIMEOUT_S = 5.0
_LONGEST_ANSWER = 4000


@dataclass(frozen=True, slots=True)
class Place:
    """Where this installation's own server listens, and the Host that it answers to."""

    host: str
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said; `problem` instead when there was no answer."""

    status: int = 0
    text: str = ""
    took_ms: int = 0
    problem: str = ""
    event_id: str = ""

    @property
    def is_good(self) -> bool:
        return self.status in (200, 202)


def send_test(*, row: Source, body: bytes, place: Place, user: User, now: datetime) -> Answer:
    """Deliver the body as the sender would and return the answer. Raises NotYours."""
    check_can_configure(signer(user))
    address = f"{settings.PUBLIC_URL.rstrip('/')}/hooks/{row.name}/"
    try:
        made = signatures.sign(
            row.signature, body, reveal(row.secret), event_id=f"test-{new_id()}", now=now, url=address
        )
    except (SecretMissing, NotConfigured) as error:
        return Answer(problem=str(error))
    record(actor=Actor.person(user), verb="source.tested", subject_type="source", subject_id=row.name, subject=row.name)
    headers = {"Content-Type": "application/json", **made.headers, MARK_HEADER: _mark(row, user)}
    return _post(place, urlsplit(made.url or address), body, headers)


def _mark(row: Source, user: User) -> str:
    return signing.dumps({"source": row.pk, "user": user.pk}, salt=MARK_SALT)


def _post(place: Place, url: Any, body: bytes, headers: dict[str, str]) -> Answer:
    path = f"{url.path}?{url.query}" if url.query else url.path
    sent = {**headers, "Host": place.name, "Connection": "close"}
    if settings.SECURE:
        sent["X-Forwarded-Proto"] = "https"
    started = time.monotonic()
    connection = http.client.HTTPConnection(place.host, place.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body=body, headers=sent)
        response = connection.getresponse()
        text = response.read(_LONGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return Answer(problem=f"The endpoint did not answer: {error}.")
    finally:
        connection.close()
    took_ms = round((time.monotonic() - started) * 1000)
    return Answer(status=response.status, text=text, took_ms=took_ms, event_id=_event_id(response.status, text))


def _event_id(status: int, text: str) -> str:
    if status not in (200, 202):
        return ""
    head, _, rest = text.partition('"id": "')
    return rest.partition('"')[0] if head else ""
