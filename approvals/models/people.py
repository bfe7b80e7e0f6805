from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class Team(models.Model):
    """People who share the sight of some agents' work."""

    name = models.SlugField(max_length=80, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)
    # Working hours in which deadlines run: {"zone": "Europe/Berlin", "days": [0, 1], "from": "09:00", "to": "17:00",
    # "holidays": ["2026-12-25"]}. Empty: always.
    hours = models.JSONField(default=dict, blank=True)
    # The one escalation step: who may sign too, and is told, when a deadline draws near.
    escalates_to = models.ForeignKey(
        "ApproverGroup", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # How many seeded controls wait among a hundred requests that people decided, by day at most. 0: none are seeded.
    control_percent = models.PositiveSmallIntegerField(default=0)
    package = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.name


class ApproverGroup(models.Model):
    """People whom a rule may name as approvers."""

    name = models.SlugField(max_length=80, unique=True)
    escalates_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    package = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.name


class GroupMember(models.Model):
    """One person in one group, with what they may sign there: {"EUR": 50000} in minor units. No entry: no money."""

    group = models.ForeignKey(ApproverGroup, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="approver_memberships")
    limits = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "user"], name="group_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class Profile(models.Model):
    """How one person wants to see things."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
    time_zone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=10, default="system")
    # What this person is told where: {"slack": true, "mail": true, "kinds": [...], "digest": "off" | "daily" | "weekly"}.
    notify = models.JSONField(default=dict, blank=True)
    notices_seen_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"profile of {self.user}"


class ApiToken(models.Model):
    """A bearer token of one person. Only its hash is kept; the prefix finds the row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120, blank=True)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user}"
