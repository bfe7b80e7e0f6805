"""What makes the shop a stranger's system: remembered keys, faults on demand, what changed, what it sent."""

from django.db import models

from integrations.practice.states import FaultKind


class StoredAnswer(models.Model):
    """The answer given under one idempotency key. The same key with another body is refused."""

    key = models.CharField(max_length=200, primary_key=True)
    operation = models.CharField(max_length=60)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "practice_stored_answer"

    def __str__(self) -> str:
        return self.key


class Fault(models.Model):
    """What goes wrong with one operation. `remaining`: how often still; empty means until it is taken away."""

    operation = models.CharField(max_length=60, primary_key=True)
    kind = models.CharField(max_length=30, choices=FaultKind.choices())
    seconds = models.FloatField(default=5)
    remaining = models.PositiveIntegerField(null=True, blank=True)
    set_at = models.DateTimeField()

    class Meta:
        db_table = "practice_fault"

    def __str__(self) -> str:
        return f"{self.kind} on {self.operation}"


class Change(models.Model):
    """One line of what happened in the shop, so that a person sees what an agent changed."""

    at = models.DateTimeField()
    operation = models.CharField(max_length=60)
    subject = models.CharField(max_length=254, blank=True)
    summary = models.CharField(max_length=300)
    idempotency_key = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "practice_change"
        indexes = [models.Index(fields=["-at"], name="practice_change_newest")]

    def __str__(self) -> str:
        return self.summary


class SentEvent(models.Model):
    """An event that the shop sent through its webhook, who pressed the button, and what was answered."""

    delivery_id = models.CharField(max_length=80, unique=True)
    source = models.CharField(max_length=80)
    workflow = models.CharField(max_length=40)
    payload = models.JSONField()
    pressed_by = models.CharField(max_length=150, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "practice_sent_event"
        indexes = [models.Index(fields=["-created_at"], name="practice_sent_newest")]

    def __str__(self) -> str:
        return f"{self.delivery_id} to {self.source}"
