"""A source as the door knows it, and the proof that a delivery is its sender's."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from config.secrets import SEALED, SecretMissing, reveal
from integrations.webhooks import signatures
from integrations.webhooks.answers import Refused
from integrations.webhooks.signatures import NotConfigured, SignatureProblem, SignedRequest, Verified

_FIND = """
SELECT id, signature, secret, previous_secret, previous_secret_until, max_bytes, rate_per_minute, dedupe_by_body
  FROM integrations_source WHERE name = %s AND NOT disabled
"""
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Door:
    """What is needed of a source to take a delivery in."""

    id: int
    signature: str
    secret: str
    previous_secret: str
    previous_secret_until: datetime | None
    max_bytes: int
    rate_per_minute: int
    dedupe_by_body: bool


def find_door(name: str) -> Door | None:
    """Return the source of that name that is in use, or None. One plain query: this is asked for every delivery."""
    if len(name) > _LONGEST_NAME or "\x00" in name:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [name])
        row = cursor.fetchone()
    return Door(*row) if row else None


def prove(door: Door, request: HttpRequest, body: bytes, now: datetime) -> Verified:
    """Return what the signature proves. Raises Refused: 401 without proof, 503 when we cannot check."""
    signed = SignedRequest.of(body, request.headers.items(), url=called_url(request), method=request.method or "")
    try:
        return signatures.verify(door.signature, signed, active_secrets(door, now), now)
    except NotConfigured as problem:
        raise Refused(503, problem.code, problem.sentence, retry_after_s=60) from None
    except SignatureProblem as problem:
        raise Refused(401, problem.code, problem.sentence) from None


def active_secrets(door: Door, now: datetime) -> list[str]:
    """Return the secrets that may have signed: the current one and, until its rotation ends, the previous one."""
    stored = [door.secret]
    if door.previous_secret_until is None or now < door.previous_secret_until:
        stored.append(door.previous_secret)
    return [found for one in stored if one and (found := _revealed(one))]


def called_url(request: HttpRequest) -> str:
    """Return the address as the sender wrote it: our public one, with path and query untouched."""
    query = request.META.get("QUERY_STRING", "")
    return settings.PUBLIC_URL.rstrip("/") + request.path + (f"?{query}" if query else "")


def _revealed(stored: str) -> str:
    try:
        return _unsealed(stored) if stored.startswith(SEALED) else reveal(stored)
    except SecretMissing:
        return ""


@lru_cache(maxsize=256)
def _unsealed(stored: str) -> str:
    """Return the plain secret; sealed text never changes its meaning, so a process opens each once."""
    return reveal(stored)
