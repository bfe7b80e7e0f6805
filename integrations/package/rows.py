"""What there is: every configured thing as the canonical document that a file would hold, with whose it is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from agents.models import Agent, Provider
from approvals import configured
from approvals.configured_teams import team_rows
from approvals.people_demo import DEMO
from approvals.policy.rules import parse_rules, rule_document
from config.secrets import SEALED
from integrations import channel_documents
from integrations.models import Connection, Source, Trigger
from integrations.package import shapes
from integrations.package.diffing import Document
from integrations.package.naming import rule_name, trigger_name


@dataclass(frozen=True, slots=True)
class Row:
    """One configured thing. `package` is whose it is; "" is a person in the browser or by the API."""

    document: Document
    package: str
    disabled: bool = False

    @property
    def is_free(self) -> bool:
        """Return whether a package may take the name up: the thing is retired and nobody's."""
        return self.disabled and not self.package

    @property
    def steps_back(self) -> bool:
        """Return whether it is there for the demonstration only, until a package wants the name."""
        return self.package == DEMO


Rows = Mapping[str, Mapping[str, Row]]


def all_rows() -> dict[str, dict[str, Row]]:
    """Return everything that is configured, by kind and name."""
    return {kind: rows_of(kind) for kind in _READERS}


def rows_of(kind: str) -> dict[str, Row]:
    """Return what is configured of one kind, by name."""
    return dict(_READERS[kind]())


def stored_rules() -> list[Document]:
    """Return the rules in force as canonical documents, in their order."""
    return [rule_document(rule) for rule in parse_rules(configured.active_rules())]


def provider_document(row: Provider) -> Document:
    return _canonical(
        shapes.Provider,
        name=row.name,
        kind=row.kind,
        base_url=row.base_url,
        api_key=_named(row.api_key),
        prices=row.prices,
    )


def connection_document(row: Connection) -> Document:
    """Return the connection with its API document as text; where that came from is not part of what it means."""
    if row.kind in channel_documents.KINDS:
        return _canonical(shapes.CONNECTIONS[row.kind], **channel_documents.channel_fields(row))
    auth = {"header": row.auth_header, "value": _named(row.auth_secret)} if row.auth_header else None
    return _canonical(
        shapes.Connection,
        name=row.name,
        kind=row.kind,
        document=row.document,
        base_url=row.base_url,
        auth=auth,
        timeout_s=row.timeout_s,
        tools=row.tools,
    )


def agent_document(row: Agent) -> Document:
    version = dict(row.current.document) if row.current else {}
    return _canonical(
        shapes.Agent, name=row.name, team=row.team.name, purpose=row.purpose, category=row.category, **version
    )


def source_document(row: Source) -> Document:
    return _canonical(
        shapes.Source,
        name=row.name,
        signature=row.signature,
        secret=_named(row.secret),
        previous_secret=_named(row.previous_secret),
        schema=row.schema,
        rate_per_minute=row.rate_per_minute,
        max_bytes=row.max_bytes,
        dedupe_by_body=row.dedupe_by_body,
        subject=row.subject,
    )


def trigger_document(row: Trigger) -> Document:
    return {"source": row.source.name, "when": row.when, "agent": row.agent, "goal": row.goal}


def _teams() -> Iterator[tuple[str, Row]]:
    for team in team_rows():
        fields = {"name": team.name, "hours": team.hours, "escalates_to": team.escalates_to}
        document = {key: value for key, value in _canonical(shapes.Team, **fields).items() if key != "name"}
        yield team.name, Row(document, team.package)


def _groups() -> Iterator[tuple[str, Row]]:
    for group in configured.group_rows():
        document = {"people": list(group.people), "limits": {name: dict(sums) for name, sums in group.limits.items()}}
        yield group.name, Row({**document, "escalates_to": group.escalates_to}, group.package)


def _providers() -> Iterator[tuple[str, Row]]:
    for row in Provider.objects.order_by("name"):
        yield row.name, _row(row, provider_document(row))


def _connections() -> Iterator[tuple[str, Row]]:
    for row in Connection.objects.order_by("name"):
        yield row.name, _row(row, connection_document(row))


def _rules() -> Iterator[tuple[str, Row]]:
    for rule in stored_rules():
        yield rule_name(rule), Row(rule, rule["package"])


def _agents() -> Iterator[tuple[str, Row]]:
    for row in Agent.objects.select_related("team", "current").order_by("name"):
        yield row.name, _row(row, agent_document(row))


def _sources() -> Iterator[tuple[str, Row]]:
    for row in Source.objects.order_by("name"):
        yield row.name, _row(row, source_document(row))


def _triggers() -> Iterator[tuple[str, Row]]:
    """Yield triggers by what they say; of two that say the same, the one in use."""
    for row in Trigger.objects.select_related("source").order_by("-disabled", "pk"):
        document = trigger_document(row)
        yield trigger_name(document), _row(row, document)


_READERS: dict[str, Callable[[], Iterator[tuple[str, Row]]]] = {
    "teams": _teams,
    "groups": _groups,
    "providers": _providers,
    "connections": _connections,
    "policy": _rules,
    "agents": _agents,
    "sources": _sources,
    "triggers": _triggers,
}


def _row(row: Provider | Connection | Agent | Source | Trigger, document: Document) -> Row:
    return Row(document=document, package=row.package, disabled=row.disabled)


def _named(secret: str) -> str:
    """Return the name of a secret, and nothing for one that is stored sealed."""
    return "" if secret.startswith(SEALED) else secret


def _canonical(shape: type[shapes.Shape], **fields: Any) -> Document:
    """Return the canonical form; what an older release stored and no shape fits any more is shown as it is."""
    try:
        return shape.model_validate(fields).canonical()
    except ValidationError:
        return fields
