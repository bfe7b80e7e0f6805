"""What happens when the database turns out to be a restored copy: everything stops until people have gone through it (I24)."""

import logging
from collections.abc import Callable

from django.db import DatabaseError, connections, transaction

from approvals.audit import SYSTEM, record
from approvals.halts import GLOBAL, engage_halt
from approvals.models import AuditEvent
from approvals.notices import tell
from approvals.sealing.marker import read_marker, restored_from

log = logging.getLogger(__name__)
VERB = "database.restored"
# Turns what was under way into unknown outcomes and pauses what runs; returns how many of each, by name.
Freezer = Callable[[], dict[str, int]]
_FREEZERS: list[Freezer] = []


def register_freezer(freezer: Freezer) -> None:
    """Let another app stop its own work after a restore."""
    _FREEZERS.append(freezer)


def stop_if_restored() -> str:
    """Stop everything once when this database is an older copy of itself. Returns why, "" when it is not."""
    kept = read_marker()
    why = restored_from(kept)
    if kept is None or not why:
        return ""
    if not AuditEvent.objects.filter(verb=VERB, subject_type="database", subject_id=str(kept.seal)).exists():
        log.error("This database was restored from a copy: %s. Everything stops; run: manage.py after_restore", why)
        _stop_everything(kept.seal, why)
    return why


def look_at_start() -> None:
    """What workers and clocks do before anything else. A database that is away is asked again by the clock."""
    try:
        stop_if_restored()
    except DatabaseError:
        log.exception("Whether the database was restored could not be asked.")
    finally:
        connections.close_all()


def _stop_everything(seal: int, why: str) -> None:
    """In one transaction: the global halt first, so that nothing begins while the rest is put aside."""
    with transaction.atomic():
        engage_halt(
            scope=GLOBAL,
            actor=SYSTEM,
            reason=f"The database was restored from a copy: {why}. What ran since the copy may have happened. "
            "An operator of the installation runs: manage.py after_restore",
        )
        counts: dict[str, int] = {}
        for freeze in _FREEZERS:
            counts |= freeze()
        record(
            actor=SYSTEM,
            verb=VERB,
            subject_type="database",
            subject_id=seal,
            subject="restored from a copy",
            why=why,
            counts=counts,
        )
        tell(
            kind="halt.restored",
            title="The database was restored from a copy; everything stands still",
            body=f"{why[0].upper()}{why[1:]}. Open actions are unknown outcomes now and wait in the inbox.",
            link="/inbox/",
        )
