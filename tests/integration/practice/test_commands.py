"""The practice company on the command line."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from integrations.models import Event
from integrations.practice.models import Customer, Order, SentEvent
from integrations.practice.seeding import seed
from integrations.services import accept_event, process_event


def said(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_seed_twice_is_the_same_and_keeps_what_agents_did() -> None:
    first = said("practice_seed")
    Order.objects.filter(pk="1101").update(status="cancelled")
    assert said("practice_seed") == first
    assert Order.objects.get(pk="1101").status == "cancelled"
    said("practice_seed", "--fresh")
    assert Order.objects.get(pk="1101").status == "new"


@pytest.mark.django_db
def test_seeded_orders_stay_within_the_last_days() -> None:
    seed(now=timezone.now())
    Order.objects.filter(pk="1001").update(shipped_at=timezone.now() - timedelta(days=90))
    seed(now=timezone.now())
    assert (timezone.now() - Order.objects.get(pk="1001").shipped_at).days == 6
    assert Customer.objects.count() == 16


@pytest.mark.django_db
def test_document_check_passes() -> None:
    said("practice_document", "--check")


@pytest.mark.django_db
def test_sample_is_printed_with_its_records_made() -> None:
    seed(now=timezone.now())
    payload = json.loads(said("practice_sample", "refunds", "1"))
    assert Order.objects.filter(pk=payload["order_id"], status="delivered").exists()
    assert "01-" in said("practice_sample", "refunds")
    with pytest.raises(CommandError, match="no sample"):
        said("practice_sample", "refunds", "nothing")


@pytest.mark.django_db(transaction=True)
def test_sample_is_sent(settings: object) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    settings.PRACTICE_HOOK_SECRET = "whsec_c2VjcmV0"  # type: ignore[attr-defined]
    seed(now=timezone.now())
    assert "not delivered" in said("practice_sample", "leads", "1", "--send")
    assert SentEvent.objects.get().workflow == "leads"


def test_event_of_the_wrong_shape_is_a_data_quality_item(company: str) -> None:
    stored = accept_event(source="practice-orders", payload={"type": "refund.requested", "customer": "Anna"})
    process_event(event_id=stored.event_id)
    event = Event.objects.get(pk=stored.event_id)
    assert event.state == "invalid" and event.problems[0]["path"] == "customer"
