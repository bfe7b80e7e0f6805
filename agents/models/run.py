from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from agents.models.agent import Agent, AgentVersion
from agents.states import RunState
from config.ids import new_id


class NextRunNumber(models.Func):
    template = "nextval('agents_run_number_seq')"
    output_field = models.BigIntegerField()


class Run(models.Model):
    """One agent version working on one goal. `input` is the event's payload (or what a person gave)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.BigIntegerField(db_default=NextRunNumber(), unique=True, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(AgentVersion, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=20, default=RunState.QUEUED, choices=[(s.value, s.value) for s in RunState])
    mode = models.CharField(max_length=10)
    goal = models.TextField()
    input = models.JSONField(default=dict)
    subject = models.CharField(max_length=200, blank=True, db_index=True)
    event_id = models.UUIDField(null=True, blank=True)
    trigger_id = models.BigIntegerField(null=True, blank=True)
    initiator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Who else had a hand in it, as in the trigger that started it: they do not sign what it proposes either.
    barred = ArrayField(models.BigIntegerField(), default=list, blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    # Set on a run that undoes another one (agents/undo): it proposes compensations instead of asking a model.
    undoes = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by")
    rollback = models.ForeignKey("Rollback", null=True, blank=True, on_delete=models.PROTECT, related_name="undo_runs")
    tainted = models.BooleanField(default=True)
    outcome = models.JSONField(null=True, blank=True)
    # Why it waits or ended, for people; and its stable code.
    waiting_for = models.TextField(blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    # Ownership: every write of a worker carries the fence it was given with its claim.
    fence = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    suspect = models.BooleanField(default=False)
    deaths_alone = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    # 0 is first: what a person has just decided goes before new events.
    urgency = models.SmallIntegerField(default=5)
    turns = models.PositiveIntegerField(default=0)
    steps_written = models.PositiveIntegerField(default=0)
    active_ms = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cache_read_tokens = models.BigIntegerField(default=0)
    cache_write_tokens = models.BigIntegerField(default=0)
    tokens_known = models.BooleanField(default=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    cost_known = models.BooleanField(default=True)
    reserved_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "trigger_id"],
                condition=models.Q(event_id__isnull=False, trigger_id__isnull=False),
                name="one_run_per_event_and_trigger",
            ),
            models.UniqueConstraint(fields=["rollback", "undoes"], name="one_undo_run_per_rollback"),
        ]
        indexes = [
            models.Index(fields=["urgency", "due_at"], condition=models.Q(state="queued"), name="run_due"),
            models.Index(fields=["lease_expires_at"], condition=models.Q(state="running"), name="run_leased"),
            models.Index(fields=["agent", "-created_at"], name="run_of_agent"),
            models.Index(fields=["-created_at"], name="run_newest"),
        ]

    def __str__(self) -> str:
        return f"run {self.number} of {self.agent_id}"
