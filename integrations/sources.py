"""Sources and triggers as admins handle them: changing one, its secret, and retiring it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.audit import Actor, record
from approvals.people import Signer, signer
from config.secrets import ENV, FILE, as_stored, describe
from integrations.errors import EdgeError, NoSuchSource
from integrations.event_permissions import check_can_configure, visible_sources
from integrations.models import Source, Trigger
from integrations.package.applying import Outcome, apply_wish
from integrations.package.naming import trigger_name
from integrations.package.rows import source_document, trigger_document
from integrations.package.wishes import Wish


class NoSuchTrigger(EdgeError):
    code = "NO_SUCH_TRIGGER"
    status = 404


def source_for(who: Signer, name: str) -> Source:
    """Return the source of that name. Raises NoSuchSource, also for one that this person may not see."""
    row = visible_sources(who).filter(name=name).first()
    if row is None:
        raise NoSuchSource(f"There is no source {name} that you could see.")
    return row


def trigger_of(row: Source, trigger_id: int) -> Trigger:
    found = Trigger.objects.select_related("source").filter(pk=trigger_id, source=row, disabled=False).first()
    if found is None:
        raise NoSuchTrigger("There is no such trigger.")
    return found


def put_source(*, document: Mapping[str, Any], typed: str, user: User, now: datetime) -> Outcome:
    """Make the source so; document is as a configuration file holds it.

    typed: a new secret, or a reference to one; "" keeps what is stored. Raises NotYours, BadPackage.
    """
    check_can_configure(signer(user))
    wanted = {**document, "secret": typed} if _is_reference(typed) else dict(document)
    with transaction.atomic():
        outcome = apply_wish(_wish("sources", document["name"], wanted), actor=Actor.person(user), user=user, now=now)
        if typed and not _is_reference(typed):
            row = Source.objects.select_for_update().get(name=document["name"])
            _store_secret(row, secret=as_stored(typed), user=user, now=now)
    return outcome


def rotate_secret(*, row: Source, typed: str, keep_h: int, user: User, now: datetime) -> None:
    """Make the typed secret the current one; the one before it stays good for `keep_h` hours. Raises NotYours."""
    check_can_configure(signer(user))
    with transaction.atomic():
        locked = Source.objects.select_for_update().get(pk=row.pk)
        _store_secret(
            locked,
            secret=as_stored(typed),
            previous_secret=locked.secret if keep_h else "",
            previous_secret_until=now + timedelta(hours=keep_h) if keep_h else None,
            user=user,
            now=now,
        )


def retire_source(*, row: Source, user: User, now: datetime) -> Outcome:
    """Take the source and its triggers out of use: its address answers 404, its events stay."""
    check_can_configure(signer(user))
    triggers = Trigger.objects.select_related("source").filter(source=row, disabled=False)
    names = tuple(trigger_name(trigger_document(trigger)) for trigger in triggers)
    wish = Wish(package="", put={}, retire={"sources": (row.name,), "triggers": names})
    return apply_wish(wish, actor=Actor.person(user), user=user, now=now)


def put_trigger(*, document: Mapping[str, Any], before: Trigger | None, user: User, now: datetime) -> Outcome:
    """Add a trigger, or put it in the place of another one. Raises NotYours, BadPackage."""
    check_can_configure(signer(user))
    name = trigger_name(document)
    old = trigger_name(trigger_document(before)) if before else name
    retire = {"triggers": (old,)} if old != name else {}
    wish = Wish(package="", put={"triggers": {name: dict(document)}}, retire=retire)
    return apply_wish(wish, actor=Actor.person(user), user=user, now=now)


def retire_trigger(*, trigger: Trigger, user: User, now: datetime) -> Outcome:
    """Take the trigger out of use: its agent is no longer set to work by these events. Raises NotYours."""
    check_can_configure(signer(user))
    wish = Wish(package="", put={}, retire={"triggers": (trigger_name(trigger_document(trigger)),)})
    return apply_wish(wish, actor=Actor.person(user), user=user, now=now)


def stored_document(row: Source) -> dict[str, Any]:
    return dict(source_document(row))


def secret_in_words(row: Source, now: datetime) -> str:
    """Return what may be said about the source's secrets on a screen."""
    if not row.secret:
        return "not set: every delivery is refused"
    words = describe(row.secret)
    if row.previous_secret and (row.previous_secret_until is None or now < row.previous_secret_until):
        return f"{words}; the previous one is still good"
    return words


def _wish(kind: str, name: str, document: Mapping[str, Any]) -> Wish:
    return Wish(package="", put={kind: {name: dict(document)}}, retire={})


def _is_reference(typed: str) -> bool:
    return typed.startswith((ENV, FILE))


def _store_secret(row: Source, *, user: User, now: datetime, **secrets: Any) -> None:
    Source.objects.filter(pk=row.pk).update(updated_at=now, **secrets)
    record(
        actor=Actor.person(user),
        verb="source.secret_set",
        subject_type="source",
        subject_id=row.name,
        subject=row.name,
        previous_good_until=_text(secrets.get("previous_secret_until")),
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
