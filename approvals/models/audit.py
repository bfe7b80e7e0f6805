from django.conf import settings
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

from config.ids import new_id


class ClockTimestamp(Func):
    """The moment the row is written, not the start of the transaction."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


class AuditEvent(models.Model):
    """Who, what, subject, when, digest. Append-only: triggers refuse DELETE, TRUNCATE and every UPDATE but an erasure.

    The database itself writes at, xid, salt and payload_hash, whatever the INSERT says. What can be erased is
    subject, digest and data: only their salted hash goes into the chain (approvals/sealing).
    """

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=ClockTimestamp())
    # The xid8 of the writing transaction: sequences alone would let rows that commit late slip past the sealer.
    xid = models.BigIntegerField(default=0, editable=False)
    actor = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=10, default="system")
    verb = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=100)
    subject = models.CharField(max_length=200, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    agent = models.CharField(max_length=80, blank=True)
    from_state = models.CharField(max_length=40, blank=True)
    to_state = models.CharField(max_length=40, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    # None once the row is erased.
    salt = models.BinaryField(null=True, blank=True)
    payload_hash = models.BinaryField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "seq"], name="audit_by_subject"),
            models.Index(fields=["run_id", "seq"], name="audit_by_run"),
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["xid", "seq"], name="audit_in_chain_order"),
            models.Index(fields=["actor", "seq"], name="audit_by_actor"),
            models.Index(fields=["agent", "seq"], name="audit_by_agent", condition=~Q(agent="")),
            models.Index(fields=["verb", "seq"], name="audit_by_verb"),
            models.Index(fields=["subject", "seq"], name="audit_about", condition=~Q(subject="")),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.actor} {self.verb} {self.subject_type} {self.subject_id}"

    @property
    def erased(self) -> bool:
        return self.salt is None


class AuditSeal(models.Model):
    """One batch of rows in (xid, seq) order, chained to the batch before it. Append-only."""

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField(db_default=ClockTimestamp())
    # Rows up to here belong to the counting of transactions before the database moved to another server.
    after_seq = models.BigIntegerField(default=0)
    first_xid = models.BigIntegerField()
    first_seq = models.BigIntegerField()
    last_xid = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    high_seq = models.BigIntegerField()
    count = models.IntegerField()
    total = models.BigIntegerField()
    previous = models.BinaryField()
    chain = models.BinaryField()
    # The first eight bytes of each row's leaf: they prove nothing, they name the first bad row.
    marks = models.BinaryField()

    class Meta:
        indexes = [
            models.Index(fields=["total"], name="seal_by_total"),
            models.Index(fields=["after_seq", "last_xid", "last_seq"], name="seal_by_last_row"),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}, {self.count} rows up to place {self.total}"


class AuditCheckpoint(models.Model):
    """What the chain was at one moment, signed with a key that no database holds. Append-only."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    count = models.BigIntegerField()
    root = models.BinaryField()
    key_id = models.CharField(max_length=16)
    public_key = models.CharField(max_length=64)
    # The exact text that was signed.
    document = models.TextField()
    signature = models.CharField(max_length=128)

    def __str__(self) -> str:
        return f"checkpoint {self.number} at {self.count}"

    @property
    def root_text(self) -> str:
        return bytes(self.root).hex()


class CheckpointDelivery(models.Model):
    """One checkpoint on its way to one place outside the database."""

    checkpoint = models.ForeignKey(AuditCheckpoint, on_delete=models.PROTECT, related_name="deliveries")
    place = models.CharField(max_length=300)
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkpoint", "place"], name="one_delivery_per_place")]
        indexes = [
            models.Index(fields=["tried_at"], name="checkpoint_to_deliver", condition=Q(delivered_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} to {self.place}"


class LegalHold(models.Model):
    """A subject whose audit rows nobody may erase until the hold is lifted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subject = models.CharField(max_length=200)
    reason = models.TextField()
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    placed_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=Q(lifted_at__isnull=True), name="one_open_hold_per_subject"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject}, since {self.placed_at:%Y-%m-%d}"
