from django.db import models
from django.db.models.functions import Now

from agents.models.run import Run
from agents.states import ActionState
from config.ids import new_id


class Action(models.Model):
    """One proposed tool call.

    `canonical` is the envelope that was digested: run, action, tool, tool version, arguments, account, effect,
    rule, agent version, checked fields. No second copy of the arguments exists; what is sent is parsed from it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="actions")
    call_id = models.CharField(max_length=200)
    turn = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    tool = models.CharField(max_length=160)
    tool_version = models.CharField(max_length=64)
    connection = models.CharField(max_length=80, blank=True)
    account = models.CharField(max_length=300, blank=True)
    effect = models.CharField(max_length=12)
    canonical = models.BinaryField()
    digest = models.CharField(max_length=64)
    key = models.CharField(max_length=80, unique=True)
    state = models.CharField(
        max_length=20, default=ActionState.PROPOSED, choices=[(s.value, s.value) for s in ActionState]
    )
    level = models.CharField(max_length=4, blank=True)
    verdict = models.JSONField(default=dict)
    # What the policy was told beside the arguments, the event and the target; empty: it was not kept.
    judged = models.JSONField(default=dict)
    rule_id = models.CharField(max_length=80, blank=True)
    rule_hash = models.CharField(max_length=64, blank=True)
    policy_id = models.UUIDField(null=True, blank=True)
    reason = models.TextField(blank=True)
    confidence = models.FloatField(null=True, blank=True)
    sentence = models.TextField(blank=True)
    money_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    target = models.JSONField(null=True, blank=True)
    request_id = models.UUIDField(null=True, blank=True)
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="successors")
    # The action whose effect this one takes back.
    compensates = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="compensations"
    )
    edited_by_id = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    latency_ms = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "turn", "call_id"], condition=~models.Q(state="superseded"), name="call_once_per_run"
            ),
            models.CheckConstraint(
                condition=models.Q(money_minor__isnull=True) | models.Q(money_minor__gte=0),
                name="action_money_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "turn", "position"], name="action_in_order"),
            models.Index(fields=["-created_at"], name="action_newest"),
            # What is usual for a tool is read from its newest calls (agents.guards.history).
            models.Index(
                fields=["tool", "-created_at"],
                condition=models.Q(state="succeeded") & ~models.Q(effect="read"),
                name="action_done_of_tool",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.id} {self.state}"
