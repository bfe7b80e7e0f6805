"""API tokens: each belongs to a person, has scopes and an end. Only a hash is kept; the prefix finds the row."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from approvals.audit import Actor, record
from approvals.errors import BadArguments, NotFound
from approvals.models import ApiToken

DEFAULT_DAYS = 90
MAX_DAYS = 366
USED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"cs_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = "0" * 64


class Scope(StrEnum):
    READ = "read"
    RUN = "run"
    DECIDE = "decide"
    CONFIGURE = "configure"


def create_token(
    *, user: User, scopes: Iterable[str], days: int = DEFAULT_DAYS, name: str = "", actor: Actor, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token for a person. Returns its row and its text, which nobody can see again.

    Raises BadArguments for an unknown scope, a length of life out of range or a person who is switched off.
    """
    wanted = _checked(user, scopes, days)
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=prefix,
            secret_hash=_hash(secret),
            scopes=wanted,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        _record(token, actor, "token.created", scopes=wanted, days=days)
    return token, f"cs_{prefix}_{secret}"


def find_token(text: str, *, now: datetime) -> ApiToken | None:
    """Return the token that this text opens, or None. Unknown, wrong, revoked and expired look the same outside."""
    form = _FORM.fullmatch(text)
    prefix, secret = form.groups() if form else ("", "")
    token = ApiToken.objects.select_related("user").filter(prefix=prefix).first()
    fits = compare_digest(_hash(secret), token.secret_hash if token else _NOBODY)
    if token is None or not fits or not _is_alive(token, now):
        return None
    _note_use(token, now)
    return token


def revoke_token(*, token_id: UUID, user: User, actor: Actor, now: datetime) -> None:
    """End one of the person's own tokens at once; one that has ended already stays as it is."""
    with transaction.atomic():
        token = ApiToken.objects.filter(pk=token_id, user=user).first()
        if token is None:
            raise NotFound("There is no such token.")
        if ApiToken.objects.filter(pk=token_id, revoked_at__isnull=True).update(revoked_at=now):
            _record(token, actor, "token.revoked")


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return the person's tokens, newest first."""
    return ApiToken.objects.filter(user=user).order_by("-created_at")


def _checked(user: User, scopes: Iterable[str], days: int) -> list[str]:
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in set(Scope)]
    if unknown or not wanted:
        raise BadArguments(f"A token has scopes out of {', '.join(Scope)}.", problems=unknown)
    if not 1 <= days <= MAX_DAYS:
        raise BadArguments(f"A token lives 1 to {MAX_DAYS} days.")
    if not user.is_active:
        raise BadArguments(f"{user.get_username()} is switched off.")
    return wanted


def _is_alive(token: ApiToken, now: datetime) -> bool:
    return token.revoked_at is None and token.expires_at > now and token.user.is_active


def _note_use(token: ApiToken, now: datetime) -> None:
    """Write when it was used, at most once a minute: the row must not become hot."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(token: ApiToken, actor: Actor, verb: str, **data: Any) -> None:
    record(
        actor=actor,
        verb=verb,
        subject_type="token",
        subject_id=token.pk,
        subject=token.user.get_username(),
        prefix=token.prefix,
        **data,
    )
