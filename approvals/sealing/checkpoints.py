"""Every hour: what the chain is, signed, and on its way to places that whoever owns the database cannot rewrite."""

import json
import logging
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import connection, transaction

from approvals.audit import SYSTEM, record
from approvals.database_clock import database_now
from approvals.installation import installation_id
from approvals.models import AuditCheckpoint, AuditSeal, CheckpointDelivery
from approvals.sealing.keys import SigningKey, signing_key
from approvals.sealing.sealer import chain_tip, stamp

log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
_LOCK = 7_160_003


def checkpoint_if_due() -> AuditCheckpoint | None:
    """Sign a checkpoint when the last is an hour old. Returns it, None when it is not time. Raises NoKey."""
    last = AuditCheckpoint.objects.order_by("-number").first()
    if last and database_now() - last.at < EVERY:
        return None
    return make_checkpoint()


def make_checkpoint() -> AuditCheckpoint | None:
    """Sign what the chain is now; None while nothing is sealed, or when somebody else is just doing it."""
    key = signing_key()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return None
        if not AuditSeal.objects.exists():
            return None
        made = _signed(key, database_now())
        CheckpointDelivery.objects.bulk_create(
            [CheckpointDelivery(checkpoint=made, place=place) for place in settings.AUDIT_CHECKPOINTS]
        )
    return made


def _signed(key: SigningKey, now: datetime) -> AuditCheckpoint:
    last = AuditCheckpoint.objects.order_by("-number").first()
    tip = chain_tip()
    number = last.number + 1 if last else 1
    said = {
        "org": str(installation_id()),
        "number": number,
        "seq": tip.seq,
        "seal": tip.number,
        "count": tip.total,
        "root": tip.chain.hex(),
        "time": stamp(now),
        "previous": sha256(last.document.encode()).hexdigest() if last else "",
        "key": key.id,
    }
    if last is None or last.key_id != key.id:
        record(
            actor=SYSTEM,
            verb="audit.key_used",
            subject_type="audit",
            subject_id="key",
            subject=key.id,
            public=key.public,
        )
    document = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return AuditCheckpoint.objects.create(
        number=number,
        at=now,
        count=tip.total,
        root=tip.chain,
        key_id=key.id,
        public_key=key.public,
        document=document,
        signature=key.sign(document),
    )


def last_checkpoint() -> AuditCheckpoint | None:
    return AuditCheckpoint.objects.order_by("-number").first()


def as_file(checkpoint: AuditCheckpoint) -> str:
    """Return the checkpoint as it is delivered: the signed text, its signature and the key that checks it."""
    kept = {
        "document": checkpoint.document,
        "signature": checkpoint.signature,
        "public_key": checkpoint.public_key,
    }
    return json.dumps(kept, indent=1) + "\n"


def file_name(checkpoint: AuditCheckpoint) -> str:
    return f"checkpoint-{checkpoint.number:09}.json"
