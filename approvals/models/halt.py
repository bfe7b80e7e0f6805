from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class Halt(models.Model):
    """The kill switch, engaged. scope: "global", "agent:<name>", "tool:<name>" or "connection:<name>"."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scope = models.CharField(max_length=200)
    reason = models.TextField()
    engaged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    engaged_by_label = models.CharField(max_length=150)
    engaged_at = models.DateTimeField(db_default=Now())
    # When nothing the scope covers was in flight any more; empty: requested, not yet confirmed.
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # "stopped", then "supervised": work goes on, but every write waits for a person. Released is released_at.
    stage = models.CharField(max_length=20, default="stopped")
    supervised_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope"], condition=models.Q(released_at__isnull=True), name="one_open_halt_per_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"halt of {self.scope}"
