"""The vendors' published deliveries, and one delivery of every scheme made by its own `sign`."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.webhooks import signatures
from integrations.webhooks.signatures import SignedRequest, Verified

FILE = Path(__file__).parents[2] / "fixtures/webhooks/vectors.json"
SECRETS = {"standard_webhooks": "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw=="}
BODY = b'{"id":"evt_1","event_id":"Ev1","type":"refund.requested","order_id":"1041","amount":"64.00"}'
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URL = "https://countersign.example/hooks/shop/"


@dataclass(frozen=True)
class Signed:
    """A delivery that its scheme accepts; `changed` makes the broken ones."""

    scheme: str
    secret: str
    body: bytes
    headers: dict[str, str]
    url: str
    now: datetime
    event_id: str | None = None

    def verify(self, *secrets: str, now: datetime | None = None) -> Verified:
        request = SignedRequest.of(self.body, self.headers.items(), url=self.url)
        return signatures.verify(self.scheme, request, secrets or (self.secret,), now or self.now)

    def changed(self, **changes: Any) -> "Signed":
        return replace(self, **changes)

    def with_header(self, name: str, value: str | None) -> "Signed":
        rest = {key: old for key, old in self.headers.items() if key.lower() != name.lower()}
        return replace(self, headers=rest if value is None else {**rest, name: value})

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers.items() if key.lower() == name.lower())


def published() -> list[Any]:
    return list(json.loads(FILE.read_text()))


def from_vector(vector: dict[str, Any]) -> Signed:
    return Signed(
        scheme=vector["scheme"],
        secret=vector["secret"],
        body=vector["body"].encode(),
        headers=vector["headers"],
        url=vector.get("url", ""),
        now=datetime.fromtimestamp(vector["now"], tz=UTC),
        event_id=vector["event_id"],
    )


def secret_of(scheme: str) -> str:
    return SECRETS.get(scheme, "a secret of the tests")


def delivery(scheme: str, body: bytes = BODY, *, secret: str = "", now: datetime = NOW) -> Signed:
    """Return a delivery of this scheme as its sender would make it."""
    key = secret or secret_of(scheme)
    made = signatures.sign(scheme, body, key, event_id="evt_1", now=now, url=URL)
    headers = {"Content-Type": "application/json", **made.headers}
    return Signed(scheme, key, body, headers, made.url or URL, now)


SIGNATURE_HEADER = {
    "standard_webhooks": "webhook-signature",
    "github": "X-Hub-Signature-256",
    "stripe": "Stripe-Signature",
    "hmac_sha256": "X-Signature",
    "slack": "X-Slack-Signature",
    "shopify": "X-Shopify-Hmac-Sha256",
    "hubspot": "X-HubSpot-Signature-v3",
    "twilio": "X-Twilio-Signature",
    "zendesk": "X-Zendesk-Webhook-Signature",
}
TIME_HEADER = {
    "standard_webhooks": "webhook-timestamp",
    "slack": "X-Slack-Request-Timestamp",
    "hubspot": "X-HubSpot-Request-Timestamp",
    "zendesk": "X-Zendesk-Webhook-Signature-Timestamp",
}
SCHEMES = sorted(signatures.SCHEMES)
TIMED = sorted([*TIME_HEADER, "stripe"])
