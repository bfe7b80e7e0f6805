"""Carrying out one change on its rows. Each function is called inside the transaction of the whole wish."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import User

from agents.models import Agent, Provider
from agents.services import publish_agent_version
from approvals import configured
from approvals.audit import Actor, record
from approvals.configured_teams import put_escalation_of, put_hours
from config.secrets import SEALED
from integrations.channel_documents import fill_channel, is_channel
from integrations.editors import note_editors, note_trigger
from integrations.models import Connection, Source, Trigger
from integrations.openapi.call import host_of
from integrations.package.checking import version_document
from integrations.package.diffing import SINGULAR, Change, Document
from integrations.package.rows import connection_document
from integrations.package.secrets_check import drops_provider_key, drops_secret


@dataclass(frozen=True, slots=True)
class Hand:
    """Who carries out the change, for whom: the acting person, the owning package, who else signed."""

    actor: Actor
    user: User | None
    package: str
    origins: Any
    now: datetime
    countersigned_by: User | None = None


def put(change: Change, hand: Hand) -> None:
    """Make the thing so as the change says."""
    if change.after is not None:
        _PUT[change.kind](change.name, change.after, hand)


def put_escalation(change: Change, hand: Hand) -> None:
    """Say who may sign too when time runs out, once all groups of the wish are there."""
    if change.kind in ("teams", "groups") and change.after is not None:
        second = hand.countersigned_by.get_username() if hand.countersigned_by else ""
        put_escalation_of(
            kind=SINGULAR[change.kind],
            name=change.name,
            to=change.after["escalates_to"],
            actor=hand.actor,
            second=second,
        )


def retire(change: Change, hand: Hand) -> None:
    """Take the thing out of use. What has a history stays as a row, switched off and nobody's."""
    if change.kind == "teams":
        configured.retire_team(name=change.name, actor=hand.actor)
    elif change.kind == "groups":
        configured.retire_group(name=change.name, actor=hand.actor)
    elif change.kind == "triggers":
        _trigger_rows(change.before or {}).update(disabled=True, package="")
        _record(hand, change.kind, change.name, "retired", before=change.before)
    else:
        _MODELS[change.kind].objects.filter(name=change.name).update(disabled=True, package="")
        _record(hand, change.kind, change.name, "retired", before=change.before)


_MODELS: dict[str, Any] = {"providers": Provider, "connections": Connection, "agents": Agent, "sources": Source}


def _put_team(name: str, document: Document, hand: Hand) -> None:
    configured.put_team(name=name, package=hand.package, actor=hand.actor)
    put_hours(team=name, hours=document["hours"], actor=hand.actor)


def _put_group(name: str, document: Document, hand: Hand) -> None:
    configured.put_group(
        name=name, package=hand.package, people=document["people"], limits=document["limits"], actor=hand.actor
    )


def _put_provider(name: str, document: Document, hand: Hand) -> None:
    row = Provider.objects.filter(name=name).first() or Provider(name=name)
    dropped = drops_provider_key(name, document)
    row.kind, row.base_url, row.prices = document["kind"], document["base_url"], document["prices"]
    row.api_key = "" if dropped else _secret(row.api_key, document["api_key"])
    _save(row, "providers", document, hand)


def _put_connection(name: str, document: Document, hand: Hand) -> None:
    if is_channel(document):
        row = Connection.objects.filter(name=name).first() or Connection(name=name)
        fill_channel(row, document)
        _save(row, "connections", document, hand)
        return
    auth = document["auth"] or {"header": "", "value": ""}
    dropped = drops_secret(name, document)
    row = Connection.objects.filter(name=name).first() or Connection(name=name)
    note_editors(row, connection_document(row) if row.pk else None, document, hand.user.pk if hand.user else None)
    row.kind, row.base_url, row.timeout_s = document["kind"], document["base_url"], document["timeout_s"]
    row.options, row.signing_secret = {}, ""
    row.document, row.tools = document["document"], document["tools"]
    row.document_source = hand.origins.get(name, row.document_source)
    row.hash = sha256(row.document.encode()).hexdigest()
    row.auth_header = auth["header"]
    row.auth_secret = "" if dropped or not auth["header"] else _secret(row.auth_secret, auth["value"])
    row.auth_secret_host = host_of(row.base_url) if row.auth_secret else ""
    _save(row, "connections", document, hand)


def _put_agent(name: str, document: Document, hand: Hand) -> None:
    team = configured.team_id(document["team"])
    about = {"purpose": document["purpose"], "category": document["category"], "package": hand.package}
    agent, made = Agent.objects.get_or_create(name=name, defaults={"team_id": team, **about})
    if not made:
        Agent.objects.filter(pk=agent.pk).update(team_id=team, disabled=agent.disabled and bool(agent.package), **about)
    publish_agent_version(
        agent=agent,
        document=version_document(document),
        actor=hand.actor,
        user=hand.user,
        note=f"package {hand.package}" if hand.package else "",
        countersigned_by=hand.countersigned_by,
    )
    _record(hand, "agents", name, "changed", after=document)


def _put_source(name: str, document: Document, hand: Hand) -> None:
    row = Source.objects.filter(name=name).first() or Source(name=name)
    for field in ("signature", "schema", "subject", "rate_per_minute", "max_bytes", "dedupe_by_body"):
        setattr(row, field, document[field])
    row.secret = _secret(row.secret, document["secret"])
    row.previous_secret = _secret(row.previous_secret, document["previous_secret"])
    _save(row, "sources", document, hand)


def _put_trigger(name: str, document: Document, hand: Hand) -> None:
    row = _trigger_rows(document).first() or Trigger(
        source=Source.objects.get(name=document["source"]),
        when=document["when"],
        agent=document["agent"],
        goal=document["goal"],
    )
    note_trigger(row, hand.user.pk if hand.user else None)
    row.package, row.disabled = hand.package, False
    row.save()
    _record(hand, "triggers", name, "changed", after=document)


_PUT: dict[str, Callable[[str, Document, Hand], None]] = {
    "teams": _put_team,
    "groups": _put_group,
    "providers": _put_provider,
    "connections": _put_connection,
    "agents": _put_agent,
    "sources": _put_source,
    "triggers": _put_trigger,
}


def _trigger_rows(document: Document) -> Any:
    return Trigger.objects.filter(
        source__name=document["source"], when=document["when"], agent=document["agent"], goal=document["goal"]
    ).order_by("disabled", "pk")


def _secret(stored: str, named: str) -> str:
    """Return what to store: a sealed secret stays when the document names none, every other follows the document."""
    return stored if not named and stored.startswith(SEALED) else named


def _save(row: Any, kind: str, document: Document, hand: Hand) -> None:
    # What a person has switched off stays off; only a retired thing, which is nobody's, comes back.
    row.disabled = row.disabled and bool(row.package)
    row.package, row.updated_at = hand.package, hand.now
    row.save()
    after = {**document, "document": row.hash} if "document" in document else document
    _record(hand, kind, row.name, "changed", after=after)


def _record(hand: Hand, kind: str, name: str, verb: str, **data: Any) -> None:
    one = SINGULAR[kind]
    record(
        actor=hand.actor,
        verb=f"{one}.{verb}",
        subject_type=one,
        subject_id=name,
        subject=name,
        package=hand.package,
        **data,
    )
