"""The secrets of a connection that talks to people, opened at the moment they are used and only for their own host."""

from config.secrets import SecretMissing, reveal
from integrations.models import Connection


def secret_of(connection: Connection, *, host: str) -> str:
    """Return the connection's main secret: bot token, password, signing key. Raises SecretMissing."""
    if connection.auth_secret_host != host:
        raise SecretMissing(f"The secret of {connection.name} was entered for another address. Enter it again.")
    return _plain(connection.name, connection.auth_secret)


def signing_secret_of(connection: Connection) -> str:
    """Return what Slack signs its requests with. Raises SecretMissing."""
    return _plain(connection.name, connection.signing_secret)


def _plain(name: str, stored: str) -> str:
    value = reveal(stored).strip()
    if not value.isascii() or any(char < " " for char in value):
        raise SecretMissing(f"A secret of {name} has characters that cannot be sent. Enter it again.")
    return value
