"""Connections as people handle them: who may, changing one, its secret, and trying it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from agents.models import Agent
from approvals.audit import Actor, record
from approvals.people import Signer, signer
from approvals.states import Role
from config.secrets import ENV, FILE, as_stored, describe
from integrations import channel_documents
from integrations.editors import note_secret
from integrations.errors import EdgeError, NotYours
from integrations.models import Connection
from integrations.openapi.call import host_of
from integrations.package.applying import Outcome, Result, apply_wish
from integrations.package.rows import connection_document
from integrations.package.wishes import Wish

_TRY = frozenset({Role.OPERATOR, Role.ADMIN})


class NoSuchConnection(EdgeError):
    code = "NO_SUCH_CONNECTION"
    status = 404


@dataclass(frozen=True, slots=True)
class Secret:
    """What a person typed: the header it goes into and the secret, or a reference to one."""

    header: str
    typed: str

    @property
    def is_reference(self) -> bool:
        return self.typed.startswith((ENV, FILE))


def visible_connections(who: Signer) -> QuerySet[Connection]:
    """Return the connections this person may see: those that their teams' agents may use; all for admins and auditors."""
    rows = Connection.objects.order_by("name")
    if who.sees_all:
        return rows
    patterns = [pattern for tools in _tools_of_teams(who) for pattern in tools]
    names = [name for name in rows.values_list("name", flat=True) if any(_reaches(p, name) for p in patterns)]
    return rows.filter(name__in=names)


def connection_for(who: Signer, name: str) -> Connection:
    """Return the connection of that name. Raises NoSuchConnection, also for one that this person may not see."""
    row = visible_connections(who).filter(name=name).first()
    if row is None:
        raise NoSuchConnection(f"There is no connection {name} that you could see.")
    return row


def configuring_objection(who: Signer) -> str:
    """Return why this person may not change connections, or "" when they may."""
    return "" if who.is_admin else f"Admins change connections; you are signed in as {_role(who)}."


def trying_objection(who: Signer, row: Connection) -> str:
    """Return why this person may not try this connection now, or "" when they may."""
    if not who.roles & _TRY:
        return f"Operators and admins test connections; you are signed in as {_role(who)}."
    return "It is switched off." if row.disabled else ""


def check_can_configure(who: Signer) -> None:
    _raise(configuring_objection(who))


def check_can_try(who: Signer, row: Connection) -> None:
    _raise(trying_objection(who, row))


def put_connection(
    *, document: Mapping[str, Any], source: str, secret: Secret | None, user: User, now: datetime
) -> Outcome:
    """Make the connection so, or ask a second person where its tools would have more room.

    document: as a configuration file holds it, the API document as text.
    Raises NotYours, and BadPackage with everything that is wrong; then nothing has changed.
    """
    check_can_configure(signer(user))
    name = document["name"]
    wanted = {**document, "auth": _auth(document, secret)}
    wish = Wish(package="", put={"connections": {name: wanted}}, retire={}, origins={name: source} if source else {})
    with transaction.atomic():
        outcome = apply_wish(wish, actor=Actor.person(user), user=user, now=now)
        waits = outcome.result is Result.WAITS
        if secret is not None and secret.typed and not secret.is_reference and not waits:
            _seal_secret(name, host_of(document["base_url"]), secret, user=user, now=now)
    return outcome


def put_override(
    *, row: Connection, tool: str, alias: str, override: Mapping[str, Any], user: User, now: datetime
) -> Outcome:
    """Say about one tool what it is; the same errors and the same second person as for a whole connection.

    alias: the operationId, under which a configuration file may have named the same tool.
    """
    document = dict(connection_document(row))
    others = {name: part for name, part in document["tools"].items() if name not in (tool, alias)}
    document["tools"] = {**others, tool: dict(override)} if override else others
    return put_connection(document=document, source="", secret=None, user=user, now=now)


def retire_connection(*, row: Connection, user: User, now: datetime) -> Outcome:
    """Take the connection out of use; its history stays."""
    check_can_configure(signer(user))
    wish = Wish(package="", put={}, retire={"connections": (row.name,)})
    return apply_wish(wish, actor=Actor.person(user), user=user, now=now)


def secret_in_words(row: Connection) -> str:
    """Return what may be said about the connection's secret on a screen."""
    if row.kind in channel_documents.KINDS:
        return describe(row.auth_secret)
    if not row.auth_header:
        return "none: it is called without signing in"
    if row.auth_secret and row.auth_secret_host != host_of(row.base_url):
        return "entered for another address; enter it again"
    return describe(row.auth_secret)


def _auth(document: Mapping[str, Any], secret: Secret | None) -> Mapping[str, Any] | None:
    """Return the `auth` part to put: a reference is named in it, a typed secret never is."""
    if secret is None:
        kept: Mapping[str, Any] | None = document["auth"]
        return kept
    return {"header": secret.header, "value": secret.typed if secret.is_reference else ""} if secret.header else None


def _seal_secret(name: str, host: str, secret: Secret, *, user: User, now: datetime) -> None:
    """Store a typed secret for the host it was typed for; where the change itself waits, it must be typed again."""
    row = Connection.objects.select_for_update().filter(name=name).first()
    if row is None or host_of(row.base_url) != host:
        return
    row.auth_header, row.auth_secret, row.auth_secret_host = secret.header, as_stored(secret.typed), host
    row.updated_at = now
    note_secret(row, user.pk)
    row.save(update_fields=["auth_header", "auth_secret", "auth_secret_host", "editors", "updated_at"])
    record(
        actor=Actor.person(user),
        verb="connection.secret_set",
        subject_type="connection",
        subject_id=name,
        subject=name,
        header=secret.header,
        host=host,
    )


def _tools_of_teams(who: Signer) -> list[list[str]]:
    agents = Agent.objects.filter(team_id__in=who.team_ids, disabled=False, current__isnull=False)
    return [agent.current.document.get("tools", []) for agent in agents.select_related("current") if agent.current]


def _reaches(pattern: str, name: str) -> bool:
    """Return whether a tool pattern can match a tool of the connection."""
    prefix = pattern.partition("*")[0].partition("?")[0].partition("[")[0]
    return prefix.startswith(f"{name}.") or f"{name}.".startswith(prefix)


def _raise(sentence: str) -> None:
    if sentence:
        raise NotYours(sentence)


def _role(who: Signer) -> str:
    return next(iter(sorted(who.roles)), "no role")
