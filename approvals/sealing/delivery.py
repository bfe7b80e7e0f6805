"""Bringing checkpoints out: to a folder here, by mail and webhook through whoever registered to send them."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import F, Q

from approvals.database_clock import database_now
from approvals.models import AuditCheckpoint, CheckpointDelivery, Notice
from approvals.notices import tell
from approvals.sealing.checkpoints import as_file, file_name

log = logging.getLogger(__name__)
# Given the address, a file name and the text. Raises when it was not taken over.
Sender = Callable[[str, str, str], None]
_SENDERS: dict[str, Sender] = {}
PAUSE = timedelta(seconds=60)
LONGEST_PAUSE = timedelta(minutes=30)
ALERT = "delivery.audit_checkpoint"


def register_sender(scheme: str, sender: Sender) -> None:
    """Let `scheme:address` in AUDIT_CHECKPOINTS be delivered by this function."""
    _SENDERS[scheme] = sender


def deliver_one() -> bool:
    """Try the delivery that is due longest. Returns whether there was one."""
    with transaction.atomic():
        due = _claimed()
    if due is None:
        return False
    try:
        _deliver(due)
    except Exception as problem:  # noqa: BLE001 - whatever went wrong at another's door is a failed delivery
        log.warning("Checkpoint %s could not be delivered to %s: %s", due.checkpoint_id, due.place, problem)
        _failed(due, f"{type(problem).__name__}: {problem}"[:500])
    else:
        CheckpointDelivery.objects.filter(pk=due.pk).update(delivered_at=database_now(), error="")
    return True


def to_folder(folder: str, name: str, text: str) -> None:
    """Write the file once, for good: what is there already is never written over."""
    target = Path(folder) / name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def undelivered() -> list[CheckpointDelivery]:
    """Return what did not get out yet and has failed at least once, newest first."""
    rows = CheckpointDelivery.objects.filter(delivered_at__isnull=True).exclude(error="")
    return list(rows.select_related("checkpoint").order_by("-checkpoint_id")[:20])


def _claimed() -> CheckpointDelivery | None:
    now = database_now()
    ready = Q(tried_at__isnull=True) | Q(tried_at__lt=now - PAUSE, attempts__lt=5) | Q(tried_at__lt=now - LONGEST_PAUSE)
    rows = CheckpointDelivery.objects.filter(ready, delivered_at__isnull=True).select_for_update(skip_locked=True)
    due = rows.order_by("checkpoint_id", "pk").first()
    if due is not None:
        CheckpointDelivery.objects.filter(pk=due.pk).update(tried_at=now, attempts=F("attempts") + 1)
    return due


def _deliver(due: CheckpointDelivery) -> None:
    scheme, _colon, address = due.place.partition(":")
    checkpoint = AuditCheckpoint.objects.get(pk=due.checkpoint_id)
    sender = _SENDERS.get(scheme)
    if sender is None:
        raise LookupError(f"nothing here delivers to {scheme}:")
    sender(address, file_name(checkpoint), as_file(checkpoint))


def _failed(due: CheckpointDelivery, error: str) -> None:
    """Keep the error; tell everybody once per place until it works again."""
    with transaction.atomic():
        CheckpointDelivery.objects.filter(pk=due.pk).update(error=error)
        told = CheckpointDelivery.objects.filter(place=due.place, delivered_at__isnull=True).exclude(pk=due.pk)
        if not told.exclude(error="").exists() and due.attempts == 0:
            alert(
                f"The signed checkpoint of the audit trail did not reach {due.place}",
                f"{error}. It is tried again; until it gets out, a rewritten trail could stay unseen.",
            )


def alert(title: str, body: str) -> Notice:
    return tell(kind=ALERT, title=title, body=body, link="/audit/checkpoints/")


register_sender("folder", to_folder)
