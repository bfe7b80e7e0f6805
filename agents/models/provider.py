from django.db import models
from django.db.models.functions import Now


class Provider(models.Model):
    """Where models are reached. `api_key` is a stored secret (config.secrets), never the key itself."""

    class Kind(models.TextChoices):
        ANTHROPIC = "anthropic"
        OPENAI = "openai"
        OPENAI_CHAT = "openai_chat"
        OFFLINE = "offline"

    name = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    base_url = models.CharField(max_length=300, blank=True)
    api_key = models.TextField(blank=True)
    # {model: {"input", "output", "cache_read", "cache_write"}} in USD per million tokens, as decimal text.
    prices = models.JSONField(default=dict, blank=True)
    package = models.CharField(max_length=80, blank=True)
    disabled = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
