"""What goes out to people: deliveries of notices, and which account outside belongs to whom."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models import Notice
from config.ids import new_id
from integrations.models.edges import Connection


class Delivery(models.Model):
    """One notice on its way to one address through one connection. The row is the queue, the lease and the record."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"
        SILENCED = "silenced"
        GAVE_UP = "gave_up"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="deliveries")
    # The person it is for; empty: whoever reads the channel.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    address = models.CharField(max_length=320)
    request_id = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    # How the other side calls what arrived: Slack's channel and time stamp, a mail's Message-ID.
    external_place = models.CharField(max_length=80, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    # A message that can be rewritten, and the state of the request that it shows. Not live: it says the end.
    live = models.BooleanField(default=False)
    shown = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    close_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "connection", "address"], name="delivered_once_per_address"),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(state__in=("waiting", "failed")), name="delivery_due"),
            models.Index(fields=["next_at"], condition=models.Q(live=True), name="delivery_to_rewrite"),
            models.Index(fields=["state", "-created_at"], name="delivery_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} to {self.address}: {self.state}"


class ChannelLink(models.Model):
    """An account outside that has shown that it belongs to a person here. `address` is unique within its connection."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="links")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="channel_links")
    address = models.CharField(max_length=120)
    confirmed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "address"], name="channel_account_once"),
            models.UniqueConstraint(fields=["connection", "user"], name="channel_account_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.address} on {self.connection_id}"


class LinkCode(models.Model):
    """A code that links whoever sends it, signed, within ten minutes. Only its hash is kept; it works once."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"code for {self.user}"


class DigestMark(models.Model):
    """When a person's next digest is due; empty: it is to be worked out from their settings."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digest_mark")
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"digest of {self.user}"
