"""The desk speaks up once about a ticket that waits too long."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.practice.jobs import remind_overdue
from integrations.practice.models import SentEvent, Ticket
from integrations.practice.staging import place_ticket

pytestmark = pytest.mark.django_db


def late_ticket(number: str, status: str = "open") -> None:
    ticket = place_ticket(number, email="a@b.example", now=timezone.now() - timedelta(days=2))
    Ticket.objects.filter(pk=ticket.pk).update(status=status)


def spoken_of() -> list[str]:
    return [row.payload["ticket_id"] for row in SentEvent.objects.order_by("pk")]


def test_late_ticket_is_spoken_of_once(settings: object) -> None:
    settings.PRACTICE_HOOK_SECRET = "whsec_c2VjcmV0"  # type: ignore[attr-defined]
    late_ticket("T-1")
    late_ticket("T-2", status="assigned")
    late_ticket("T-3", status="closed")
    place_ticket("T-4", email="a@b.example", now=timezone.now())

    remind_overdue()
    remind_overdue()

    assert sorted(spoken_of()) == ["T-1", "T-2"]
    assert SentEvent.objects.first().pressed_by == ""


def test_without_a_secret_or_a_demonstration_nothing_is_sent(settings: object) -> None:
    late_ticket("T-1")
    settings.PRACTICE_HOOK_SECRET = ""  # type: ignore[attr-defined]
    remind_overdue()
    settings.PRACTICE_HOOK_SECRET, settings.DEMO = "whsec_c2VjcmV0", False  # type: ignore[attr-defined]
    remind_overdue()
    assert spoken_of() == []
