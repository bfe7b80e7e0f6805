"""What the vendors publish is accepted, and what their own libraries sign and check agrees with us."""

from datetime import UTC, datetime

import pytest
from slack_sdk.signature import Clock, SignatureVerifier
from standardwebhooks import Webhook

from tests.unit.integrations.webhook_vectors import BODY, NOW, SCHEMES, Signed, delivery, from_vector, published

VECTORS = published()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vector_is_accepted(vector: dict[str, object]) -> None:
    case = from_vector(vector)
    assert case.verify().event_id == case.event_id


def test_every_scheme_has_a_published_vector_with_source_and_date() -> None:
    assert {vector["scheme"] for vector in VECTORS} == set(SCHEMES)
    assert all(vector["source"] and vector["read"] for vector in VECTORS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_sign_makes_is_accepted(scheme: str) -> None:
    assert delivery(scheme).verify()


def test_what_the_reference_library_signs_is_accepted() -> None:
    stamp = datetime.now(tz=UTC).replace(microsecond=0)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    code = Webhook(secret).sign("msg_1", stamp, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(stamp.timestamp())), "webhook-signature": code}
    assert Signed("standard_webhooks", secret, BODY, headers, "", stamp).verify().event_id == "msg_1"


def test_what_we_sign_is_accepted_by_the_reference_library() -> None:
    case = delivery("standard_webhooks", now=datetime.now(tz=UTC))
    assert Webhook(case.secret).verify(case.body, case.headers)["order_id"] == "1041"


def test_slack_sdk_agrees_both_ways() -> None:
    class At(Clock):
        def now(self) -> float:
            return NOW.timestamp()

    case = delivery("slack")
    theirs = SignatureVerifier(case.secret, clock=At())
    stamp = case.header("X-Slack-Request-Timestamp")
    assert theirs.is_valid(case.body, stamp, case.header("X-Slack-Signature"))
    assert theirs.generate_signature(timestamp=stamp, body=case.body) == case.header("X-Slack-Signature")


@pytest.mark.parametrize(
    ("scheme", "headers", "event_id"),
    [
        ("standard_webhooks", {}, "evt_1"),
        ("stripe", {}, "evt_1"),
        ("slack", {}, "Ev1"),
        ("github", {"X-GitHub-Delivery": "d-1"}, "d-1"),
        (
            "shopify",
            {"X-Shopify-Event-Id": "e", "X-Shopify-Topic": "orders/paid", "X-Shopify-Webhook-Id": "w"},
            "orders/paid:e",
        ),
        ("zendesk", {"X-Zendesk-Webhook-Invocation-Id": "8350205582"}, "8350205582"),
        ("twilio", {"I-Twilio-Idempotency-Token": "t-1"}, "t-1"),
        ("hmac_sha256", {"X-Webhook-Id": "own"}, "own"),
    ],
)
def test_delivery_id_is_the_vendors(scheme: str, headers: dict[str, str], event_id: str) -> None:
    case = delivery(scheme)
    assert case.changed(headers={**case.headers, **headers}).verify().event_id == event_id


@pytest.mark.parametrize("scheme", SCHEMES)
def test_id_counts_as_signed_only_where_the_signature_covers_it(scheme: str) -> None:
    signed = {"standard_webhooks", "stripe", "slack", "hubspot"}
    assert delivery(scheme).verify().id_is_signed == (scheme in signed)


def test_hubspot_retry_has_the_id_of_the_first_try() -> None:
    first = b'[{"eventId":1,"objectId":7,"attemptNumber":0}]'
    again = b'[{"attemptNumber":3,"eventId":1,"objectId":7}]'
    other = b'[{"eventId":2,"objectId":7,"attemptNumber":0}]'
    ids = [delivery("hubspot", body).verify().event_id for body in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


def test_hubspot_signs_the_url_with_its_own_escapes_undone() -> None:
    case = delivery("hubspot").changed(url="https://countersign.example/hooks/shop/?a=%3A%2f%20b")
    readable = "https://countersign.example/hooks/shop/?a=:/%20b"
    stamp = case.header("X-HubSpot-Request-Timestamp")
    from integrations.webhooks.signatures.proof import base64_code

    code = base64_code(case.secret.encode(), b"POST" + readable.encode() + case.body + stamp.encode())
    assert case.with_header("X-HubSpot-Signature-v3", code).verify()
