"""The restore marker: the highest sealed number, kept outside the database. A database that starts lower was restored.

It trails by ten seconds: a failover that loses a moment does not trip it, a restored backup does.
"""

import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from approvals.database_clock import database_now
from approvals.installation import installation_id
from approvals.models import AuditSeal

log = logging.getLogger(__name__)
TRAILS = timedelta(seconds=10)
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Marker:
    """A seal that this machine knows to have been there."""

    org: str
    seal: int
    total: int
    chain: str


def marker_file() -> Path:
    return Path(settings.AUDIT_MARKER)


def read_marker() -> Marker | None:
    """Return what is kept; None where nothing is, or nothing that can be read."""
    try:
        return Marker(**json.loads(marker_file().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep_marker() -> None:
    """Move the marker up to the newest seal that is ten seconds old; never down."""
    seal = _settled_seal()
    kept = read_marker()
    if seal is None or restored_from(kept):
        return
    if kept is None or kept.org != _org() or seal.number > kept.seal:
        write_marker(Marker(_org(), seal.number, seal.total, bytes(seal.chain).hex()))


def restored_from(kept: Marker | None) -> str:
    """Return in words why this database must have been restored from a copy; "" when nothing says so."""
    if kept is None or kept.org != _org():
        return ""
    same = AuditSeal.objects.filter(number=kept.seal).values_list("chain", flat=True).first()
    if same is None:
        last = AuditSeal.objects.order_by("-number").values_list("total", flat=True).first() or 0
        return f"{kept.total:,} audit rows were sealed before, the database knows {last:,}"
    if bytes(same).hex() != kept.chain:
        return f"seal {kept.seal:,} is another than the one that was here before"
    return ""


def write_marker(marker: Marker) -> None:
    """Write it whole or not at all. A folder that cannot be written is told in the log and stops nothing."""
    target = marker_file()
    draft = target.with_suffix(f".{os.getpid()}.draft")
    try:
        with _writing:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(marker)), encoding="utf-8")
            draft.replace(target)
    except OSError as problem:
        log.warning("The restore marker %s could not be written: %s", target, type(problem).__name__)


def accept_present() -> None:
    """Take the database as it is for the truth from now on: the last step after a restore."""
    seal = AuditSeal.objects.defer("marks").order_by("-number").first()
    if seal is None:
        marker_file().unlink(missing_ok=True)
    else:
        write_marker(Marker(_org(), seal.number, seal.total, bytes(seal.chain).hex()))


def _settled_seal() -> AuditSeal | None:
    old = AuditSeal.objects.defer("marks").filter(sealed_at__lt=database_now() - TRAILS)
    return old.order_by("-number").first()


def _org() -> str:
    return str(installation_id())
