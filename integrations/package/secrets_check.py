"""What a person should know about the secrets of a wish: which are missing, which are dropped. Reads only."""

from collections.abc import Iterator, Sequence

from agents.models import Provider
from agents.provider_changes import drops_key
from config.secrets import SEALED, SecretMissing, reveal
from integrations.channel_documents import drops_channel_secret, is_channel, secrets_named
from integrations.models import Connection
from integrations.openapi.call import host_of
from integrations.package.diffing import SINGULAR, Change, Document


def secret_notes(changes: Sequence[Change]) -> Iterator[str]:
    """Yield a sentence for each secret that cannot be had yet, and for each that a new host makes us forget."""
    for change in changes:
        if change.after is None:
            continue
        for secret in _secrets(change.kind, change.after):
            yield from _missing(f"{SINGULAR[change.kind]} {change.name}", secret)
        if _drops(change.kind, change.name, change.after):
            yield (
                f"{SINGULAR[change.kind]} {change.name}: its secret was typed for another host and is dropped. "
                "Enter it again in the browser, or name it in the file."
            )


def drops_secret(name: str, after: Document) -> bool:
    """Return whether a sealed secret is bound to another host than the one the connection would call."""
    row = Connection.objects.filter(name=name).first()
    if row is not None and is_channel(after):
        return drops_channel_secret(row, after)
    if row is None or not row.auth_secret.startswith(SEALED) or after["auth"] is None or after["auth"]["value"]:
        return False
    return row.auth_secret_host != host_of(after["base_url"])


def drops_provider_key(name: str, after: Document) -> bool:
    """Return whether a sealed key was typed for another host, or another vendor, than the provider would reach."""
    row = Provider.objects.filter(name=name).first()
    if row is None or not row.api_key.startswith(SEALED) or after["api_key"]:
        return False
    return row.kind != after["kind"] or drops_key(row, after["base_url"])


def _drops(kind: str, name: str, after: Document) -> bool:
    return (kind == "connections" and drops_secret(name, after)) or (
        kind == "providers" and drops_provider_key(name, after)
    )


def _secrets(kind: str, document: Document) -> list[str]:
    match kind:
        case "providers":
            return [document["api_key"]]
        case "connections":
            return secrets_named(document) if is_channel(document) else [(document["auth"] or {}).get("value", "")]
        case "sources":
            return [document["secret"], document["previous_secret"]]
    return []


def _missing(what: str, secret: str) -> Iterator[str]:
    if not secret:
        return
    try:
        reveal(secret)
    except SecretMissing as error:
        yield f"{what}: {error.message}"
