import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.webhooks.signatures.proof import (
    base64_code,
    body_value,
    check_match,
    digest_of,
    keys_of,
    milliseconds,
)
from integrations.webhooks.signatures.shape import (
    Delivery,
    NotConfigured,
    SignatureProblem,
    SignedRequest,
    Verified,
)

STAMP, HEADER = "X-HubSpot-Request-Timestamp", "X-HubSpot-Signature-v3"
_CODE = re.compile(r"[A-Za-z0-9+/]{43}=")
# HubSpot signs the URL with exactly these escapes undone; all others stay as they were sent.
_UNDONE = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_UNDONE), re.IGNORECASE)


class HubSpot:
    """HubSpot v3: base64 HMAC-SHA256 of method + URL + body + timestamp (milliseconds) with the client secret.

    HubSpot gives a delivery no id. A retry differs from the first try in `attemptNumber` and the time alone,
    so the id is a hash of the proven body without that field.
    Source: developers.hubspot.com, "Validating requests", v3, read 2026-11-21.
    """

    name = "hubspot"
    label = "HubSpot v3"
    signs_url = True

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        stamp, given = request.one(STAMP), request.one(HEADER)
        if not _CODE.fullmatch(given):
            raise SignatureProblem("bad_encoding", f"{HEADER} is not base64 of 32 bytes.")
        keys = keys_of(secrets)
        when = milliseconds(stamp, STAMP, now)
        message = _message(request.method, request.url, request.body, stamp)
        code = check_match([given], [base64_code(key, message) for key in keys])
        return Verified(_event_id(request.body), timestamp=when, id_is_signed=True, fingerprint=code)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        stamp = str(int(now.timestamp() * 1000))
        return Delivery({STAMP: stamp, HEADER: base64_code(key, _message("POST", url, body, stamp))}, url)


def _message(method: str, url: str, body: bytes, stamp: str) -> bytes:
    if not url:
        raise NotConfigured("no_public_url", "HubSpot signs the URL: set PUBLIC_URL to the address it calls.")
    address = _ESCAPE.sub(lambda match: _UNDONE[match.group().upper()], url)
    return f"{method}{address}".encode() + body + stamp.encode()


def _event_id(body: bytes) -> str | None:
    value = body_value(body)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    return "batch-" + digest_of([_without_attempt(item) for item in value])


def _without_attempt(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "attemptNumber"}
