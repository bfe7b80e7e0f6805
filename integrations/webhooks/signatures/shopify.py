import re
from collections.abc import Sequence
from datetime import datetime

from integrations.webhooks.signatures.proof import base64_code, check_match, keys_of
from integrations.webhooks.signatures.shape import Delivery, SignatureProblem, SignedRequest, Verified

HEADER = "X-Shopify-Hmac-Sha256"
_CODE = re.compile(r"[A-Za-z0-9+/]{43}=")


class Shopify:
    """Shopify: base64 HMAC-SHA256 of the body with the app's client secret.

    Shopify names X-Shopify-Event-Id as what two copies share; one event may tell several topics, so the topic goes
    with it. X-Shopify-Webhook-Id is the fallback. None of these headers is signed, and no time is.
    Source: shopify.dev, "Verify webhooks" and "Ignore duplicate webhooks", read 2026-11-21.
    """

    name = "shopify"
    label = "Shopify"
    signs_url = False

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        given = request.one(HEADER)
        if not _CODE.fullmatch(given):
            raise SignatureProblem("bad_encoding", f"{HEADER} is not base64 of 32 bytes.")
        event_id = _event_id(request)
        check_match([given], [base64_code(key, request.body) for key in keys_of(secrets)])
        return Verified(event_id=event_id)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        (key,) = keys_of([secret])
        headers = {HEADER: base64_code(key, body), "X-Shopify-Event-Id": event_id, "X-Shopify-Topic": "test"}
        return Delivery(headers, url)


def _event_id(request: SignedRequest) -> str | None:
    event_id, topic = request.maybe("X-Shopify-Event-Id"), request.maybe("X-Shopify-Topic")
    delivery = request.maybe("X-Shopify-Webhook-Id")
    if event_id:
        return f"{topic or ''}:{event_id}"
    return delivery or None
