from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from approvals.models.people import Team
from config.ids import new_id


class Notice(models.Model):
    """Something to tell someone: one person, a team, or (neither set) everybody. Delivered by integrations."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=40)
    title = models.TextField()
    body = models.TextField(blank=True)
    link = models.CharField(max_length=300, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    run_id = models.UUIDField(null=True, blank=True)
    # The request that it is about; a delivery of it falls silent once that is settled.
    request_id = models.UUIDField(null=True, blank=True)
    # When it was turned into deliveries outside the product, or found to need none.
    routed_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["-created_at"], name="notice_newest"),
            models.Index(fields=["created_at"], condition=models.Q(routed_at__isnull=True), name="notice_to_route"),
        ]

    def __str__(self) -> str:
        return self.title
