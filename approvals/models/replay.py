from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class PolicyReplay(models.Model):
    """A draft of the policy, judged over past actions: how far it is and what was counted so far.

    Actions proposed from `since` up to `until` are judged in parts; `done` and `result` are their sums once all have ended.
    """

    class State(models.TextChoices):
        WORKING = "working"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rules = models.JSONField()
    hash = models.CharField(max_length=64)
    base = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WORKING)
    since = models.DateTimeField()
    until = models.DateTimeField()
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    took_ms = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(state="working"), name="replay_to_work"),
            models.Index(fields=["hash", "-created_at"], name="replay_of_draft"),
        ]

    def __str__(self) -> str:
        return f"replay {self.id}: {self.done} of {self.total}"


class PolicyReplayPart(models.Model):
    """A stretch of time of one replay, so that several workers judge at once. `at` and `after` name the last action judged."""

    id = models.BigAutoField(primary_key=True)
    replay = models.ForeignKey(PolicyReplay, on_delete=models.CASCADE, related_name="parts")
    since = models.DateTimeField()
    until = models.DateTimeField()
    at = models.DateTimeField(null=True, blank=True)
    after = models.UUIDField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    ended = models.BooleanField(default=False)
    result = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"part of replay {self.replay_id}: {self.done}"
