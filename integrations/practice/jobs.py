"""What the practice company does by itself: its desk says once when a ticket is past the time for its first answer."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.practice.models import Ticket
from integrations.practice.sender import send_event
from integrations.practice.states import TicketStatus

AT_ONCE = 20
WAITING = (TicketStatus.OPEN, TicketStatus.ASSIGNED)


def remind_overdue() -> None:
    """Send one ticket.sla_due for each ticket that waits too long and was not spoken of yet."""
    if not (settings.DEMO and settings.PRACTICE_HOOK_SECRET):
        return
    now = timezone.now()
    late = Ticket.objects.filter(status__in=WAITING, sla_due_at__lt=now, reminded_at=None)
    for number in late.order_by("sla_due_at").values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            if late.filter(pk=number).update(reminded_at=now):
                payload = {"type": "ticket.sla_due", "ticket_id": number}
                send_event(workflow="tickets", payload=payload, user=None, now=now)
