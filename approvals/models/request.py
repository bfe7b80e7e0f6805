from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from approvals.models.people import Team
from approvals.states import RequestClass, RequestKind, RequestState, Vote
from config.ids import new_id


def _choices(values: type) -> list[tuple[str, str]]:
    return [(value.value, value.value.replace("_", " ")) for value in values]  # type: ignore[attr-defined]


class Request(models.Model):
    """Something a person must settle.

    The arguments are not here: they are read from the action's canonical bytes (approvals.ports).
    `card` is what the reviewer is shown beside them; both together have the view digest.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20, choices=_choices(RequestKind))
    state = models.CharField(max_length=20, choices=_choices(RequestState), default=RequestState.OPEN)
    title = models.TextField()
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="requests")
    agent = models.CharField(max_length=80, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    tool = models.CharField(max_length=160, blank=True)
    connection = models.CharField(max_length=80, blank=True)
    run_id = models.UUIDField(null=True, blank=True, db_index=True)
    action_id = models.UUIDField(null=True, blank=True, db_index=True)
    action_digest = models.CharField(max_length=64, blank=True)
    view_digest = models.CharField(max_length=64, blank=True)
    card = models.JSONField(default=dict)
    money_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    risk = models.CharField(max_length=10, default="medium")
    rule = models.JSONField(default=dict)
    level = models.CharField(max_length=4, blank=True)
    cls = models.CharField(max_length=10, choices=_choices(RequestClass), default=RequestClass.NORMAL)
    approvers = models.CharField(max_length=80, blank=True)
    votes_needed = models.PositiveSmallIntegerField(default=1)
    # People who may not sign: who started the run, who edited the agent version, the rule or the arguments.
    barred = ArrayField(models.BigIntegerField(), default=list, blank=True)
    priority = models.CharField(max_length=10, default="normal")
    reason_code = models.CharField(max_length=40, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # A claim: whose name others see on it, and until when. It binds nobody and runs out by itself.
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    held_until = models.DateTimeField(null=True, blank=True)
    # Requests with the same value may be decided together; empty: alone.
    alike = models.CharField(max_length=64, blank=True, db_index=True)
    # The escalation group, from the moment its members may sign too.
    escalated_to = models.CharField(max_length=80, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    # How many per cent of the time had gone at the last step: 0, 50 (reminded), 75 (escalated) or 90 (reminded).
    reminded = models.PositiveSmallIntegerField(default=0)
    remind_at = models.DateTimeField(null=True, blank=True)
    # Work on a hand-off or question: how far it is, when it is due, and with which result it was closed.
    progress = models.CharField(max_length=20, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    # While it waits for somebody outside: until when nobody need look at it.
    wait_until = models.DateTimeField(null=True, blank=True)
    result_code = models.CharField(max_length=40, blank=True)
    # A seeded control: measures whether people read; it never executes and counts in no other figure.
    control = models.BooleanField(default=False)
    answer = models.TextField(blank=True)
    proposal = models.JSONField(null=True, blank=True)
    successor_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    decide_by = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    execute_after = models.DateTimeField(null=True, blank=True)
    execute_by = models.DateTimeField(null=True, blank=True)
    consumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # One approval per action; an unknown outcome of the same action is a request of its own.
            models.UniqueConstraint(fields=["action_id", "kind"], name="one_request_per_action_and_kind"),
            models.CheckConstraint(
                condition=models.Q(money_minor__isnull=True) | models.Q(money_minor__gte=0),
                name="request_money_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(consumed_at__isnull=True) | models.Q(state=RequestState.APPROVED),
                name="only_approved_is_consumed",
            ),
        ]
        indexes = [
            models.Index(fields=["decide_by"], condition=models.Q(state="open"), name="request_open_by_deadline"),
            models.Index(fields=["-settled_at"], condition=~models.Q(state="open"), name="request_settled"),
            models.Index(
                fields=["tool", "-settled_at"], condition=~models.Q(state="open"), name="request_settled_by_tool"
            ),
            models.Index(fields=["created_at"], condition=models.Q(state="open"), name="request_open_by_age"),
            # The list in its order; a group of it; and who may sign, without reading what others must.
            models.Index(
                Coalesce("decide_by", "due_at"),
                "cls",
                "created_at",
                "id",
                condition=models.Q(state="open"),
                name="request_open_pressing",
            ),
            models.Index(
                "alike",
                Coalesce("decide_by", "due_at"),
                "cls",
                "created_at",
                "id",
                condition=models.Q(state="open") & models.Q(alike__gt=""),
                name="request_open_alike",
            ),
            models.Index(
                fields=["kind", "approvers", "currency", "money_minor"],
                condition=models.Q(state="open"),
                name="request_open_for_group",
            ),
            models.Index(fields=["escalated_to"], condition=models.Q(state="open"), name="request_open_escalated"),
            models.Index(fields=["remind_at"], condition=models.Q(state="open"), name="request_to_remind"),
            models.Index(fields=["subject", "-created_at"], name="request_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}: {self.title}"

    @property
    def holder(self) -> AbstractBaseUser | None:
        """Return who has it in hand just now, or None: a claim runs out by itself."""
        held = self.held_until is not None and self.held_until > timezone.now()
        return self.held_by if held else None


class Decision(models.Model):
    """One person's vote on one request, bound to what was signed and what was seen."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="decisions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    vote = models.CharField(max_length=20, choices=_choices(Vote))
    comment = models.TextField(blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    action_digest = models.CharField(max_length=64, blank=True)
    view_digest = models.CharField(max_length=64, blank=True)
    edited = models.BooleanField(default=False)
    # Whose authority the voter used as their dated delegate; empty: the voter's own.
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # How long the card was before the voter's eyes, when the door can know.
    looked_ms = models.PositiveIntegerField(null=True, blank=True)
    via = models.CharField(max_length=20, default="browser")
    at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"], condition=models.Q(withdrawn_at__isnull=True), name="one_vote_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vote} by {self.user} on {self.request_id}"
