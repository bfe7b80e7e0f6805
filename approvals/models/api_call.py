from django.db import models
from django.db.models.functions import Now

from approvals.models.people import ApiToken


class ApiCall(models.Model):
    """A POST that carried an Idempotency-Key, and its answer: the same key gives the same answer, never a second deed."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="calls")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="api_call_once")]

    def __str__(self) -> str:
        return f"{self.key} of {self.token_id}"
