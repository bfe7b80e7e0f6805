from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class Connection(models.Model):
    """A system that agents can touch. Tools are derived from `document` and `tools`; the secret is stored sealed."""

    class Kind(models.TextChoices):
        OPENAPI = "openapi"
        MCP = "mcp"
        SLACK = "slack"
        MAIL = "mail"
        WEBHOOK = "webhook"

    name = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    base_url = models.CharField(max_length=300, blank=True)
    document = models.TextField(blank=True)
    document_source = models.CharField(max_length=300, blank=True)
    # Overrides per tool, as in a configuration file.
    tools = models.JSONField(default=dict, blank=True)
    # Who wrote which value of all this (integrations.editors): they do not sign what its tools propose.
    editors = models.JSONField(default=dict, blank=True)
    auth_header = models.CharField(max_length=100, blank=True)
    auth_secret = models.TextField(blank=True)
    auth_secret_host = models.CharField(max_length=300, blank=True)
    # Slack: what its button presses are signed with. Bound to the same host as the other secret.
    signing_secret = models.TextField(blank=True)
    # What only this kind knows: Slack's channel and workspace, the mail server's port and sender.
    options = models.JSONField(default=dict, blank=True)
    timeout_s = models.FloatField(default=3)
    hash = models.CharField(max_length=64, blank=True)
    package = models.CharField(max_length=80, blank=True)
    disabled = models.BooleanField(default=False)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_report = models.JSONField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Where events come in: POST /hooks/<name>/."""

    name = models.SlugField(max_length=80, unique=True)
    signature = models.CharField(max_length=30)
    secret = models.TextField(blank=True)
    previous_secret = models.TextField(blank=True)
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    schema = models.JSONField(null=True, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    rate_per_minute = models.PositiveIntegerField(default=6000)
    max_bytes = models.PositiveIntegerField(default=1024 * 1024)
    dedupe_by_body = models.BooleanField(default=False)
    package = models.CharField(max_length=80, blank=True)
    disabled = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """One thing that came in, raw. `corrected` is what a person made of an invalid body; the raw bytes stay."""

    class State(models.TextChoices):
        RECEIVED = "received"
        ACCEPTED = "accepted"
        INVALID = "invalid"
        IGNORED = "ignored"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="events")
    dedupe_key = models.CharField(max_length=300)
    body = models.BinaryField()
    body_sha256 = models.CharField(max_length=64)
    headers = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    problems = models.JSONField(default=list)
    corrected = models.BinaryField(null=True, blank=True)
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    subject = models.CharField(max_length=200, blank=True)
    # What the sender calls this kind of event ("refund.requested"), for lists; rules look at the payload.
    kind = models.CharField(max_length=100, blank=True)
    # The event that a person had run again as this one.
    replay_of = models.UUIDField(null=True, blank=True)
    run_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    duplicates = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "dedupe_key"], name="event_once_per_source")]
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(state="received"), name="event_to_process"),
            models.Index(fields=["-received_at"], name="event_newest"),
            models.Index(fields=["source", "body_sha256", "-received_at"], name="event_twins"),
        ]

    def __str__(self) -> str:
        return f"event {self.id} from {self.source_id}"


class Trigger(models.Model):
    """Source and condition → agent and goal."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="triggers")
    when = models.TextField(blank=True)
    agent = models.SlugField(max_length=80)
    goal = models.TextField()
    # Whose its words are and who put it to use (integrations.editors): they do not sign what its runs propose.
    editors = models.JSONField(default=dict, blank=True)
    package = models.CharField(max_length=80, blank=True)
    disabled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.source_id} → {self.agent}"
