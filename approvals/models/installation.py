from django.db import models
from django.db.models.functions import Now

from config.ids import new_id


class Installation(models.Model):
    """This installation's own name in digests and idempotency keys. One row, made once, never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    only = models.BooleanField(default=True, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.id)
