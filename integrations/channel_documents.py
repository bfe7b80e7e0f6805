"""Connections that talk to people, as a configuration file says them: Slack, mail, outgoing webhooks."""

from collections.abc import Mapping
from typing import Any

from config.secrets import SEALED
from integrations.channels.links import end_links
from integrations.channels.mail.sender import host_of_mail
from integrations.channels.slack.api import BASE_URL
from integrations.models import Connection
from integrations.openapi.call import host_of

Document = Mapping[str, Any]
# Which part of `auth` is kept in which column.
MAIN_SECRET = {"slack": "bot_token", "mail": "password", "webhook": "signing_secret"}
KINDS = frozenset(MAIN_SECRET)
_OPTIONS = {
    "slack": ("channel", "channels", "workspace"),
    "mail": ("host", "port", "security", "from"),
    "webhook": ("kinds",),
}


def is_channel(document: Document) -> bool:
    return document.get("kind") in KINDS


def channel_fields(row: Connection) -> dict[str, Any]:
    """Return the row as the fields of its document; a sealed secret is left out."""
    said = {name: row.options[name] for name in _OPTIONS[row.kind] if name in row.options}
    address = {} if row.kind == "mail" else {"base_url": row.base_url}
    return {"name": row.name, "kind": row.kind, **address, **said, "auth": _auth(row), "timeout_s": row.timeout_s}


def fill_channel(row: Connection, document: Document) -> None:
    """Make the row say what the document says. A typed secret stays while it is for the same place.

    Whoever holds new keys of Slack could speak for the people linked before, so those links end with the old keys.
    """
    before = _keys(row) if row.pk else None
    auth = document["auth"] or {}
    kind = document["kind"]
    moved = bool(row.pk) and row.auth_secret_host != place_of(document)
    row.kind, row.base_url, row.timeout_s = kind, document.get("base_url", ""), document["timeout_s"]
    row.document, row.document_source, row.tools, row.hash, row.auth_header = "", "", {}, "", ""
    row.options = {name: document[name] for name in _OPTIONS[kind]} | (
        {"user": auth.get("user", "")} if kind == "mail" else {}
    )
    row.auth_secret = _secret("" if moved else row.auth_secret, auth.get(MAIN_SECRET[kind], ""))
    row.signing_secret = (
        _secret("" if moved else row.signing_secret, auth.get("signing_secret", "")) if kind == "slack" else ""
    )
    row.auth_secret_host = place_of(document)
    if before is not None and before != _keys(row):
        end_links(row)


def place_of(document: Document) -> str:
    """Return what the secrets are bound to: host and port."""
    if document["kind"] == "mail":
        return host_of_mail(dict(document))
    return host_of(document.get("base_url") or (BASE_URL if document["kind"] == "slack" else ""))


def drops_channel_secret(row: Connection, after: Document) -> bool:
    """Return whether a typed secret would be forgotten, because it was typed for another place."""
    sealed = any(stored.startswith(SEALED) for stored in (row.auth_secret, row.signing_secret))
    return sealed and row.auth_secret_host != place_of(after)


def secrets_named(document: Document) -> list[str]:
    """Return the secrets that the document names."""
    auth = document.get("auth") or {}
    return [str(value) for name, value in auth.items() if name != "user" and value]


def _auth(row: Connection) -> dict[str, str] | None:
    named = {MAIN_SECRET[row.kind]: _named(row.auth_secret)}
    if row.kind == "slack":
        named["signing_secret"] = _named(row.signing_secret)
    if row.kind == "mail":
        return {"user": str(row.options["user"]), **named} if row.options.get("user") else None
    return named if row.auth_secret or row.signing_secret else None


def _keys(row: Connection) -> tuple[str, str, str]:
    return (row.base_url, row.signing_secret, str(row.options.get("workspace", "")))


def _named(stored: str) -> str:
    return "" if stored.startswith(SEALED) else stored


def _secret(stored: str, named: str) -> str:
    """Return what to store: a sealed secret stays when none is named, every other follows the document."""
    return stored if not named and stored.startswith(SEALED) else named
