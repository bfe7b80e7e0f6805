"""What people made of agents' work, case by case; answers that stand for the same case; and controls of who reads."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from approvals.models.people import Team
from approvals.models.request import Decision, Request
from approvals.states import Vote
from config.ids import new_id

_PERSON = settings.AUTH_USER_MODEL


class Label(models.Model):
    """One judgement of one case. Rows are only added: a later correction is a row of its own.

    kind: approve, edit, reject; override (a rejection, or what ran alone, was wrong), regret (an approval was wrong);
    outcome (a person settled an unknown one); expired (nobody decided: no judgement, noted as such).
    """

    KINDS = ("approve", "edit", "reject", "override", "regret", "outcome", "expired")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    # Empty where policy let an action pass and a person says later that it should not have.
    request = models.ForeignKey(Request, null=True, on_delete=models.PROTECT, related_name="labels")
    decision = models.ForeignKey(Decision, null=True, on_delete=models.PROTECT, related_name="labels")
    action_id = models.UUIDField(null=True, db_index=True)
    team = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="+")
    agent = models.CharField(max_length=80, blank=True)
    agent_version = models.PositiveIntegerField(null=True)
    tool = models.CharField(max_length=160, blank=True)
    alike = models.CharField(max_length=64, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    comment = models.TextField(blank=True)
    action_digest = models.CharField(max_length=64, blank=True)
    # What an editor changed: [name, before, after] of each argument.
    difference = models.JSONField(default=list)
    by = models.ForeignKey(_PERSON, null=True, on_delete=models.PROTECT, related_name="+")
    via = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["kind", "-at"], name="label_by_kind")]
        constraints = [
            # The same person says the same of the same case once.
            models.UniqueConstraint(
                fields=["action_id", "by", "kind"],
                condition=models.Q(kind__in=["override", "regret"]),
                name="one_correction_per_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.tool} by {self.by_id}"


class StandingAnswer(models.Model):
    """One person's answer to one exact case, given again until it expires or is revoked."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # What counts as the same case (approvals.standing_case), and where: one agent, or "" for any of the team.
    same = models.CharField(max_length=64)
    team = models.ForeignKey(Team, null=True, on_delete=models.PROTECT, related_name="+")
    agent = models.CharField(max_length=80, blank=True)
    tool = models.CharField(max_length=160)
    title = models.TextField()
    vote = models.CharField(max_length=10, choices=[(vote.value, vote.value) for vote in (Vote.APPROVE, Vote.REJECT)])
    reason = models.TextField()
    # What it was made from, and what the author was shown as identical.
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="+")
    shown = models.JSONField(default=list)
    author = models.ForeignKey(_PERSON, on_delete=models.PROTECT, related_name="+")
    signed_by = models.ForeignKey(_PERSON, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(_PERSON, null=True, on_delete=models.PROTECT, related_name="+")
    uses = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["same"], condition=models.Q(revoked_at__isnull=True), name="standing_in_force")]

    def __str__(self) -> str:
        return f"{self.vote} {self.title}, by {self.author_id}"


class Control(models.Model):
    """What a seeded control is made of. There is no action behind it, so there is nothing that could be executed."""

    request = models.OneToOneField(Request, primary_key=True, on_delete=models.PROTECT, related_name="seeded")
    source = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="+")
    canonical = models.BinaryField()
    # How its arguments are typed, copied from the real one: JSON Schema and where its money stands.
    schema = models.JSONField()
    money_paths = ArrayField(models.CharField(max_length=200))
    # Which argument is wrong, what it was and what it is: told to the reviewer once they decided.
    argument = models.CharField(max_length=200)
    right = models.TextField()
    wrong = models.TextField()
    seeded_by = models.ForeignKey(_PERSON, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"control {self.request_id}"
