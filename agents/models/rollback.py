from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from agents.models.agent import Agent
from config.ids import new_id


class Rollback(models.Model):
    """A person's wish to undo what one run did, or what one agent did in a span of time.

    `runs` are the runs it is about, frozen when it was asked for; each is undone by a run of its own (Run.rollback).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="rollbacks")
    runs = ArrayField(models.UUIDField(), default=list)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField()
    state = models.CharField(max_length=20, default="working")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["asked_at"], condition=models.Q(state="working"), name="rollback_working")]

    def __str__(self) -> str:
        return f"rollback {self.id} of {self.agent_id}"
