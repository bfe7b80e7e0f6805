"""The practice company's webhook against our own door."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from agents.models import Run
from integrations.models import Event
from integrations.practice.models import SentEvent
from integrations.practice.sender import deliver, send_event, signature_headers
from integrations.services import process_event

SECRET = "whsec_bXktcHJhY3RpY2Utc2VjcmV0LTEyMzQ="


@pytest.fixture
def door(company: str, live_server: LiveServer, settings: object, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PRACTICE_HOOK_SECRET", SECRET)
    settings.PRACTICE_HOOK_SECRET = SECRET  # type: ignore[attr-defined]
    settings.PUBLIC_URL = live_server.url  # type: ignore[attr-defined]
    return live_server.url


def test_signature_is_the_one_the_official_library_expects() -> None:
    now, body = datetime.now(UTC), json.dumps({"a": "ä"}).encode()
    headers = signature_headers(SECRET, delivery_id="msg_1", body=body, now=now)
    assert Webhook(SECRET).verify(body, headers) == {"a": "ä"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_sent_event_is_accepted_and_its_presser_is_no_initiator(door: str, people: dict[str, User]) -> None:
    payload = {"type": "refund.requested", "order_id": "1001", "amount": "12,90 EUR"}

    sending = send_event(workflow="refunds", payload=payload, user=people["operator"], now=datetime.now(UTC))

    assert sending.done.wait(10)
    assert SentEvent.objects.get().status == 202
    event = Event.objects.get()
    assert event.given_by_id is None
    process_event(event_id=event.pk)
    run = Run.objects.get()
    assert run.initiator_id is None and run.input["order_id"] == "1001"


def test_event_sent_again_is_the_same_delivery(door: str, people: dict[str, User]) -> None:
    sending = send_event(workflow="refunds", payload={"type": "refund.requested"}, user=None, now=datetime.now(UTC))
    assert sending.done.wait(10)

    deliver(sending.event.pk)

    assert SentEvent.objects.get().status == 200
    assert Event.objects.count() == 1


def test_nobody_at_the_door_is_written_down(company: str, settings: object) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    settings.PRACTICE_HOOK_SECRET = SECRET  # type: ignore[attr-defined]
    sending = send_event(workflow="leads", payload={"type": "lead.created"}, user=None, now=datetime.now(UTC))
    assert sending.done.wait(10)
    row = SentEvent.objects.get()
    assert row.status is None and row.answer.startswith("No answer")
