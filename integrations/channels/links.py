"""Whose account outside is whose: a code shown to the signed-in person, sent back from the account by a signed message."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from approvals.audit import SYSTEM, Actor, record
from approvals.people import signer
from integrations.errors import EdgeError, NotYours
from integrations.models import ChannelLink, Connection, LinkCode

VALID_FOR = timedelta(minutes=10)
# Without letters and digits that are read for one another; ten of these are 50 bits, for ten minutes.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 10


class BadCode(EdgeError):
    """The code links nobody: mistyped, used, or too old."""

    code = "BAD_CODE"
    status = 422


def new_code(*, connection: Connection, user: User, now: datetime) -> str:
    """Return a code that links the account that sends it, once; any earlier code of this person ends."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    with transaction.atomic():
        LinkCode.objects.filter(connection=connection, user=user).delete()
        LinkCode.objects.create(connection=connection, user=user, code_hash=_hash(code), expires_at=now + VALID_FOR)
    return code


def link_account(*, connection: Connection, code: str, address: str, now: datetime) -> ChannelLink:
    """Link the account that sent the code to the person who was shown it. Raises BadCode.

    address: as the signed message says it. A person has one account, an account one person; the newer link counts.
    """
    with transaction.atomic():
        rows = LinkCode.objects.select_for_update().filter(connection=connection, code_hash=_hash(code))
        row = rows.filter(used_at__isnull=True, expires_at__gt=now, user__is_active=True).select_related("user").first()
        if row is None:
            raise BadCode("This code is not known, was used, or is older than ten minutes. Take a new one.")
        LinkCode.objects.filter(pk=row.pk).update(used_at=now)
        _end(ChannelLink.objects.filter(connection=connection, user=row.user), Actor.person(row.user))
        if ChannelLink.objects.filter(connection=connection, address=address).exists():
            raise BadCode("This account belongs to another person here. They, or an admin, unlink it first.")
        try:
            with transaction.atomic():
                link = ChannelLink.objects.create(
                    connection=connection, user=row.user, address=address, confirmed_at=now
                )
        except IntegrityError:
            raise BadCode("This account was linked a moment ago.") from None
        _note(link, "channel.linked", Actor.person(row.user))
    return link


def unlink(*, link_id: int, user: User) -> None:
    """End a link: one's own, or as an admin anybody's. Raises NotYours."""
    with transaction.atomic():
        link = (
            ChannelLink.objects.select_related("user", "connection")
            .select_for_update(of=("self",))
            .filter(pk=link_id)
            .first()
        )
        if link is None or (link.user_id != user.pk and not signer(user).is_admin):
            raise NotYours("There is no such link, or it is another person's.")
        _note(link, "channel.unlinked", Actor.person(user))
        link.delete()


def end_links(connection: Connection) -> int:
    """End every link of a connection whose keys changed: who holds the new ones must not speak for people linked before."""
    return _end(ChannelLink.objects.filter(connection=connection), SYSTEM)


def person_behind(connection: Connection, address: str) -> User | None:
    """Return the person who linked this account, while they are active."""
    link = ChannelLink.objects.filter(connection=connection, address=address, user__is_active=True)
    found = link.select_related("user").first()
    return found.user if found else None


def _end(links: QuerySet[ChannelLink], actor: Actor) -> int:
    rows = list(links.select_related("user", "connection"))
    for link in rows:
        _note(link, "channel.unlinked", actor)
        link.delete()
    return len(rows)


def _note(link: ChannelLink, verb: str, actor: Actor) -> None:
    record(
        actor=actor,
        verb=verb,
        subject_type="person",
        subject_id=link.user_id,
        subject=link.user.get_username(),
        connection=link.connection.name,
        address=link.address,
    )


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()
