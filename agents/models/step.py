from django.db import models

from agents.models.run import Run
from agents.states import StepKind
from approvals.models.audit import ClockTimestamp


class Step(models.Model):
    """One row of a run's journal; written once, never changed."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in StepKind])
    data = models.JSONField(default=dict)
    action_id = models.UUIDField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(default=0)
    input_tokens = models.BigIntegerField(null=True, blank=True)
    output_tokens = models.BigIntegerField(null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="step_number_once")]

    def __str__(self) -> str:
        return f"step {self.number} of {self.run_id}: {self.kind}"
