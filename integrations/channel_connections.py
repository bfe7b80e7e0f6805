"""Slack, mail and webhook connections as people handle them in the browser: the form, the secrets, the test."""

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.audit import Actor, record
from approvals.people import signer
from config.secrets import ENV, FILE, SecretMissing, as_stored
from integrations.channel_documents import MAIN_SECRET, channel_fields, place_of
from integrations.channels.links import end_links
from integrations.channels.mail.sender import session
from integrations.channels.retrying import NotDelivered
from integrations.channels.slack.api import call
from integrations.connections import check_can_configure, check_can_try
from integrations.models import Connection
from integrations.package import shapes
from integrations.package.applying import Outcome, apply_wish
from integrations.package.wishes import Wish

Typed = Mapping[str, str]


def put_channel(*, document: Mapping[str, Any], secrets: Typed, user: User, now: datetime) -> Outcome:
    """Make the connection so, and keep the secrets that were typed. Raises NotYours, BadPackage, ValidationError.

    secrets: by their name in `auth`; one that is a reference goes into the document, one left empty stays as it is.
    """
    check_can_configure(signer(user))
    references = {name: typed for name, typed in secrets.items() if typed.startswith((ENV, FILE))}
    auth = {**(document.get("auth") or {}), **references}
    said = shapes.CONNECTIONS[document["kind"]].model_validate({**document, "auth": auth or None}).canonical()
    wish = Wish(package="", put={"connections": {said["name"]: said}}, retire={})
    typed = {name: text for name, text in secrets.items() if text and name not in references}
    with transaction.atomic():
        outcome = apply_wish(wish, actor=Actor.person(user), user=user, now=now)
        if typed:
            _seal(said, typed, user=user, now=now)
    return outcome


def stored_document(row: Connection) -> dict[str, Any]:
    """Return the connection as its file would say it."""
    return shapes.CONNECTIONS[row.kind].model_validate(channel_fields(row)).canonical()


def try_channel(*, row: Connection, user: User, now: datetime) -> str:
    """Ask the other side whether it lets us in, and keep what was found. Sends nothing to anybody. Raises NotYours."""
    check_can_try(signer(user), row)
    problem = _problem(row)
    finding = {"name": "Sign-in", "state": "failed" if problem else "ok", "text": problem or _found(row)}
    report = {"findings": [finding], "done": True}
    Connection.objects.filter(pk=row.pk).update(test_report=report, tested_at=now)
    record(
        actor=Actor.person(user),
        verb="connection.tested",
        subject_type="connection",
        subject_id=row.name,
        subject=row.name,
    )
    return problem


def _problem(row: Connection) -> str:
    """Return why it does not work, or ""."""
    try:
        if row.kind == Connection.Kind.SLACK:
            call(row, "auth.test", {}, within_s=5.0)
        elif row.kind == Connection.Kind.MAIL:
            with session(row) as server:
                server.noop()
    except (NotDelivered, SecretMissing) as problem:
        return str(problem)
    except (smtplib.SMTPException, ssl.SSLError, OSError) as problem:
        return f"The mail server does not take us: {' '.join(str(problem).split())[:200]}"
    return ""


def _found(row: Connection) -> str:
    if row.kind == Connection.Kind.WEBHOOK:
        return "Nothing was sent: a webhook is tried by its next notice."
    return "Slack knows the token." if row.kind == Connection.Kind.SLACK else "The mail server lets us in."


def _seal(document: Mapping[str, Any], typed: Typed, *, user: User, now: datetime) -> None:
    """Store typed secrets for the place they were typed for. New keys of Slack end the links made under the old ones."""
    row = Connection.objects.select_for_update().filter(name=document["name"]).first()
    if row is None or row.auth_secret_host != place_of(document):
        return
    main = MAIN_SECRET[row.kind]
    if main in typed:
        row.auth_secret = as_stored(typed[main])
    if row.kind == Connection.Kind.SLACK and "signing_secret" in typed:
        row.signing_secret = as_stored(typed["signing_secret"])
        end_links(row)
    row.updated_at = now
    row.save(update_fields=["auth_secret", "signing_secret", "updated_at"])
    record(
        actor=Actor.person(user),
        verb="connection.secret_set",
        subject_type="connection",
        subject_id=row.name,
        subject=row.name,
        secrets=sorted(typed),
        host=row.auth_secret_host,
    )
