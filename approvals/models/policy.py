from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class PolicyVersion(models.Model):
    """An immutable set of rules; exactly one is active. `rules` is a list of rule documents."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField(default=list)
    hash = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    author_label = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["active"], condition=models.Q(active=True), name="one_active_policy"),
        ]

    def __str__(self) -> str:
        return f"policy v{self.number}"
