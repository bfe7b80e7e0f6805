"""Under which key a proven delivery is kept, so that its second coming is recognised."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core import signing

from integrations.event_store import (
    MARK_GOOD_S,
    MARK_HEADER,
    MARK_SALT,
    Stored,
    own_key,
    sender_key,
    store_event,
    store_unless_twin,
)
from integrations.webhooks.answers import Refused
from integrations.webhooks.door import Door
from integrations.webhooks.signatures import Verified

# Headers that say what a delivery is. Signatures, cookies and credentials are not kept.
KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "webhook-id",
    "x-github-event",
    "x-github-delivery",
    "x-github-hook-id",
    "x-shopify-topic",
    "x-shopify-shop-domain",
    "x-shopify-event-id",
    "x-shopify-webhook-id",
    "x-shopify-api-version",
    "x-slack-retry-num",
    "x-slack-retry-reason",
    "i-twilio-idempotency-token",
    "x-zendesk-account-id",
    "x-zendesk-webhook-id",
    "x-zendesk-webhook-invocation-id",
    "x-webhook-id",
    "x-event-id",
    "x-delivery-id",
    "idempotency-key",
)
_LONGEST_HEADER = 300
_MARK = "HTTP_" + MARK_HEADER.upper().replace("-", "_")
_ENVIRON = {
    name: name.upper().replace("-", "_") if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")
    for name in KEPT_HEADERS
}


def keep(door: Door, verified: Verified, body: bytes, environ: Mapping[str, Any], now: datetime) -> Stored:
    """Store the delivery, or find the one that it repeats.

    An id that the signature does not cover can be changed by whoever replays the body, so a source that recognises
    equal bodies does not look at such an id at all.
    """
    headers, giver = kept_headers(environ), tester(door, environ)
    if door.dedupe_by_body and not (verified.event_id and verified.id_is_signed):
        return store_unless_twin(source_id=door.id, body=body, headers=headers, now=now, given_by_id=giver)
    return store_event(source_id=door.id, key=dedupe_key(verified), body=body, headers=headers, given_by_id=giver)


def tester(door: Door, environ: Mapping[str, Any]) -> int | None:
    """Return the person who sent this from the source's page, or None: then it is the sender's own."""
    mark = environ.get(_MARK)
    if mark is None:
        return None
    try:
        said = signing.loads(str(mark), salt=MARK_SALT, max_age=MARK_GOOD_S)
    except signing.BadSignature:
        raise Refused(401, "bad_mark", f"The header {MARK_HEADER} is this installation's own.") from None
    return int(said["user"]) if said.get("source") == door.id else None


def dedupe_key(verified: Verified) -> str:
    """Return the sender's id; else the fingerprint of a signature with a time; else a key of its own."""
    if verified.event_id:
        return sender_key("id", verified.event_id)
    if verified.fingerprint:
        return sender_key("signature", verified.fingerprint)
    return own_key()


def kept_headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers worth keeping, cut to a sane length."""
    found = {name: environ.get(key) for name, key in _ENVIRON.items()}
    return {name: str(value)[:_LONGEST_HEADER].replace("\x00", "") for name, value in found.items() if value}
