from django.db import models
from django.db.models import Func


class ClockTimestamp(Func):
    """The moment the row is written, not the start of the transaction."""

    function = "clock_timestamp"
    output_field = models.DateTimeField()


class AuditEvent(models.Model):
    """Who, what, subject, when, digest. Append-only: triggers refuse UPDATE, DELETE and TRUNCATE."""

    seq = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=ClockTimestamp())
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

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "seq"], name="audit_by_subject"),
            models.Index(fields=["run_id", "seq"], name="audit_by_run"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.actor} {self.verb} {self.subject_type} {self.subject_id}"
