from django.db import models
from django.db.models.functions import Now

from agents.models.agent import Agent


class AgentDay(models.Model):
    """What one agent has spent on one UTC day, in one unit: "USD" of model cost, or money moved per currency.

    Reserved before, settled after. Amounts: money in minor units, model cost in millionths of a dollar.
    """

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="days")
    day = models.DateField()
    kind = models.CharField(max_length=10)  # "moved" | "cost"
    unit = models.CharField(max_length=10)
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "day", "kind", "unit"], name="agent_day_once"),
            models.CheckConstraint(condition=models.Q(used__gte=0), name="agent_day_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.day} {self.kind} {self.used} {self.unit}"


class WorkerBeat(models.Model):
    """A worker or clock process that is alive; renewed every few seconds."""

    name = models.CharField(max_length=120, unique=True)
    role = models.CharField(max_length=20)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    runs = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.role} {self.name}"
