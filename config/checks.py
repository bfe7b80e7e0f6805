"""System checks: what must be true before the product serves people."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from config.queues import ALLOWED_JOBS


@register(Tags.compatibility, deploy=True)
def job_paths_import(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a job function that a worker could not import."""
    return [
        Error(f"The job {path} cannot be imported.", hint="Correct it in config/queues.py.", id="config.E001")
        for path in sorted(ALLOWED_JOBS)
        if not _imports(path)
    ]


@register(Tags.security, deploy=True)
def secret_key_is_kept(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a key made up at start: sessions would end with each process."""
    if not settings.SECRET_KEY_MADE_UP:
        return []
    return [Error("SECRET_KEY is not set.", hint="Set SECRET_KEY or SECRET_KEY_FILE.", id="config.E002")]


@register(Tags.security, deploy=True)
def secrets_can_be_sealed(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse to start without a key for secrets typed in the browser."""
    if settings.SECRET_KEYS:
        return []
    hint = "Set SECRET_KEYS (or SECRET_KEYS_FILE) to one or more Fernet keys, the newest first."
    return [Error("SECRET_KEYS holds no key.", hint=hint, id="config.E003")]


@register(Tags.security, deploy=True)
def public_url_is_secure(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a public address without TLS."""
    if settings.PUBLIC_URL.startswith("https://"):
        return []
    hint = "Set PUBLIC_URL to the https address people type."
    return [Error("PUBLIC_URL is not an https address.", hint=hint, id="config.E004")]


def _imports(path: str) -> bool:
    try:
        return callable(import_string(path))
    except ImportError:
        return False
