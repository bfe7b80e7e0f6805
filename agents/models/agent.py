from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class Agent(models.Model):
    """A named worker with a purpose and a team. What it does stands in its current version."""

    name = models.SlugField(max_length=80, unique=True)
    team = models.ForeignKey("approvals.Team", on_delete=models.PROTECT, related_name="agents")
    purpose = models.TextField(blank=True)
    category = models.CharField(max_length=80, blank=True)
    package = models.CharField(max_length=80, blank=True)
    current = models.ForeignKey("AgentVersion", null=True, on_delete=models.PROTECT, related_name="+")
    disabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class AgentVersion(models.Model):
    """An immutable snapshot. `document` has the keys of an agent in a configuration file
    (instructions, model, fallback, tools, outcome, confidence_floor, limits, mode, guards)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    hash = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)
    author_label = models.CharField(max_length=150, blank=True)
    # Everyone who wrote this version, or an earlier one of the same words: they may not sign what it proposes.
    editors = ArrayField(models.BigIntegerField(), default=list, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "number"], name="agent_version_number_once")]

    def __str__(self) -> str:
        return f"{self.agent} v{self.number}"
