import re
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import base64_code, check_match, iso_time, keys_of
from integrations.webhooks.signatures.shape import Delivery, SignatureProblem, SignedRequest, Verified

STAMP, HEADER = "X-Zendesk-Webhook-Signature-Timestamp", "X-Zendesk-Webhook-Signature"
ID_HEADER = "X-Zendesk-Webhook-Invocation-Id"
_CODE = re.compile(r"[A-Za-z0-9+/]{43}=")


class Zendesk:
    """Zendesk: base64 HMAC-SHA256 of timestamp + body; the secret is used as text, though it looks like base64.

    The invocation id is a header that the signature does not cover.
    Source: developer.zendesk.com, "Verifying webhooks" and "Anatomy of a webhook request", read 2026-11-21.
    """

    name = "zendesk"
    label = "Zendesk"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        stamp, given = request.one(STAMP), request.one(HEADER)
        if not _CODE.fullmatch(given):
            raise SignatureProblem("bad_encoding", f"{HEADER} is not base64 of 32 bytes.")
        event_id = request.maybe(ID_HEADER)
        keys = keys_of(secrets)
        when = iso_time(stamp, STAMP, now)
        message = stamp.encode() + request.body
        code = check_match([given], [base64_code(key, message) for key in keys])
        return Verified(event_id=event_id or None, timestamp=when, fingerprint=code)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        code = base64_code(key, stamp.encode() + body)
        return Delivery({STAMP: stamp, HEADER: code, ID_HEADER: event_id}, url)
