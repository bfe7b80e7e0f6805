import re
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import (
    MOST_SIGNATURES,
    body_text,
    check_match,
    hex_code,
    keys_of,
    seconds,
)
from integrations.webhooks.signatures.shape import Delivery, SignatureProblem, SignedRequest, Verified

HEADER = "Stripe-Signature"
_PART = re.compile(r"([a-z][a-z0-9]*)=([!-+\--~]+)")


class Stripe:
    """Stripe: `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`, v1 more than once while a secret is rotated.

    The key is the whole secret text, `whsec_` included. Stripe's test scheme v0 is not looked at.
    The event id is read from the proven body.
    Source: docs.stripe.com/webhooks, "Verify webhook signatures manually", read 2026-11-21.
    """

    name = "stripe"
    label = "Stripe"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        stamp, given = _parts(request.one(HEADER))
        keys = keys_of(secrets)
        when = seconds(stamp, HEADER, now)
        message = f"{stamp}.".encode() + request.body
        code = check_match(given, [hex_code(key, message) for key in keys])
        return Verified(body_text(request.body, "id"), timestamp=when, id_is_signed=True, fingerprint=code)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        stamp = str(int(now.timestamp()))
        return Delivery({HEADER: f"t={stamp},v1={hex_code(key, f'{stamp}.'.encode() + body)}"}, url)


def _parts(header: str) -> tuple[str, list[str]]:
    """Return the time and the v1 signatures. Raises SignatureProblem."""
    found = [_PART.fullmatch(part) for part in header.split(",")]
    if len(found) > MOST_SIGNATURES or not all(found):
        raise SignatureProblem("bad_encoding", f"{HEADER} is not a list of t=… and v1=….")
    pairs = [match.groups() for match in found if match]
    stamps = [value for name, value in pairs if name == "t"]
    signatures = [value for name, value in pairs if name == "v1"]
    if len(stamps) > 1:
        raise SignatureProblem("duplicate_header", f"{HEADER} has more than one time.")
    if not stamps:
        raise SignatureProblem("bad_timestamp", f"{HEADER} has no time.")
    if not signatures:
        raise SignatureProblem("wrong_algorithm", f"{HEADER} has no signature of the scheme v1.")
    return stamps[0], signatures
