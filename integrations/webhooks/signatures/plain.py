import re
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import base64_code, check_match, hex_code, keys_of
from integrations.webhooks.signatures.shape import Delivery, SignatureProblem, SignedRequest, Verified

SIGNATURE_HEADERS = ("X-Signature", "X-Signature-256", "Signature")
ID_HEADERS = ("X-Webhook-Id", "X-Event-Id", "X-Delivery-Id", "Idempotency-Key")
_HEX = re.compile(r"[0-9a-f]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=")
_ALGORITHM = re.compile(r"([A-Za-z0-9-]+)=(?!$)")


class PlainHmac:
    """For any sender without a scheme of its own: HMAC-SHA256 of the raw body.

    Signature: exactly one of the headers X-Signature, X-Signature-256, Signature. The value is
    64 lower-case hexadecimal digits, or 44 characters of standard base64; `sha256=` may stand before it.
    Key: the secret's text as UTF-8.
    Id: the first of X-Webhook-Id, X-Event-Id, X-Delivery-Id, Idempotency-Key that is there. None of them is signed;
    without one every delivery is an event of its own, unless the source recognises equal bodies.
    No time is signed.
    """

    name = "hmac_sha256"
    label = "HMAC-SHA256"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        given = _code(_signature(request))
        event_id = next((value for name in ID_HEADERS if (value := request.maybe(name))), None)
        encode = hex_code if _HEX.fullmatch(given) else base64_code
        check_match([given], [encode(key, request.body) for key in keys_of(secrets)])
        return Verified(event_id=event_id)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        return Delivery({SIGNATURE_HEADERS[0]: "sha256=" + hex_code(key, body), ID_HEADERS[0]: event_id}, url)


def _signature(request: SignedRequest) -> str:
    found = [value for name in SIGNATURE_HEADERS if (value := request.maybe(name)) is not None]
    if len(found) > 1:
        raise SignatureProblem("duplicate_header", "There is more than one signature header.")
    if not found or not found[0]:
        raise SignatureProblem("missing_header", f"The header {SIGNATURE_HEADERS[0]} is missing.")
    return found[0]


def _code(value: str) -> str:
    """Return the signature without its optional `sha256=`. Raises SignatureProblem when it is no such code."""
    text = value.removeprefix("sha256=")
    if _HEX.fullmatch(text) or _BASE64.fullmatch(text):
        return text
    if _ALGORITHM.match(text):
        raise SignatureProblem("wrong_algorithm", "The signature is not of the algorithm sha256.")
    raise SignatureProblem("bad_encoding", "The signature is neither lower-case hexadecimal nor base64 of 32 bytes.")
