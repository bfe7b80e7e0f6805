import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import MOST_SIGNATURES, base64_code, check_match, seconds, usable
from integrations.webhooks.signatures.shape import Delivery, NotConfigured, SignatureProblem, SignedRequest, Verified

PREFIX = "whsec_"
VERSION = "v1"


class StandardWebhooks:
    """Standard Webhooks, symmetric form: base64 HMAC-SHA256 of `id.timestamp.body`, several signatures for rotation.

    The secret is base64, with or without `whsec_`. The id is signed, so a replay cannot take another one.
    A comma in the id is refused: servers join a header that was sent twice with one.
    Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md, read 2026-11-21.
    """

    name = "standard_webhooks"
    label = "Standard Webhooks"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        event_id = request.one("webhook-id")
        stamp = request.one("webhook-timestamp")
        given = _signatures(request.one("webhook-signature"))
        if "," in event_id:
            raise SignatureProblem("duplicate_header", "The header webhook-id is there more than once.")
        keys = _keys(secrets)
        when = seconds(stamp, "webhook-timestamp", now)
        message = _message(event_id, stamp, request.body)
        code = check_match(given, [base64_code(key, message) for key in keys])
        return Verified(event_id=event_id, timestamp=when, id_is_signed=True, fingerprint=code)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        stamp = str(int(now.timestamp()))
        code = base64_code(_key(secret), _message(event_id, stamp, body))
        return Delivery(
            {"webhook-id": event_id, "webhook-timestamp": stamp, "webhook-signature": f"{VERSION},{code}"}, url
        )


def _message(event_id: str, stamp: str, body: bytes) -> bytes:
    return f"{event_id}.{stamp}.".encode("utf-8", "surrogatepass") + body


def _signatures(header: str) -> list[str]:
    """Return the v1 signatures of a list like `v1,aaa v1,bbb v1a,ccc`; other versions are other algorithms."""
    parts = [entry.split(",") for entry in header.split(" ")]
    if len(parts) > MOST_SIGNATURES or any(len(part) != 2 for part in parts):
        raise SignatureProblem("bad_encoding", "The header webhook-signature is not a list of version,signature.")
    found = [code for version, code in parts if version == VERSION]
    if not found:
        raise SignatureProblem("wrong_algorithm", "The header webhook-signature has no signature of version v1.")
    return found


def _keys(secrets: Sequence[str]) -> list[bytes]:
    """Return every readable key. One unreadable secret does not silence the other while a rotation is under way."""
    keys: list[bytes] = []
    problem: NotConfigured | None = None
    for secret in usable(secrets):
        try:
            keys.append(_key(secret))
        except NotConfigured as found:
            problem = found
    if problem and not keys:
        raise problem
    return keys


def _key(secret: str) -> bytes:
    text = secret.strip().removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotConfigured("bad_secret", "The secret of a Standard Webhooks source must be base64 text.") from None
    if not key:
        raise NotConfigured("no_secret", "No signing secret is set for this source.")
    return key
