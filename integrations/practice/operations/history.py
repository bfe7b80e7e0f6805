from integrations.practice.models import Change
from integrations.practice.operations.base import Call


def note_change(call: Call, operation: str, subject: str, summary: str) -> None:
    """Write one line of the shop's history, in the same transaction as the change."""
    Change.objects.create(
        at=call.now,
        operation=operation,
        subject=subject[:254],
        summary=summary[:300],
        idempotency_key=call.key,
    )
