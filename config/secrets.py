"""Secrets at rest: a row holds a reference or a ciphertext, never the secret itself.

env:NAME     an environment variable, only when SECRET_NAMES lists it
file:NAME    a file below SECRETS_DIR
enc:TOKEN    typed in the browser, encrypted with the first of SECRET_KEYS
"""

import hashlib
import os
import re
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

ENV, FILE, SEALED = "env:", "file:", "enc:"
MAX_SECRET_BYTES = 64 * 1024
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class SecretMissing(Exception):
    """The secret cannot be had; the message says what to set."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def reveal(stored: str) -> str:
    """Return the secret that a stored text stands for.

    Raises SecretMissing with a sentence that says what to set.
    """
    if not stored:
        raise SecretMissing("No secret is set. Enter one.")
    if stored.startswith(ENV):
        return _from_environment(stored.removeprefix(ENV))
    if stored.startswith(FILE):
        return _from_file(stored.removeprefix(FILE))
    if stored.startswith(SEALED):
        return _unsealed(stored.removeprefix(SEALED))
    raise SecretMissing("The stored secret is in no known form. Enter it again.")


def seal(plain: str) -> str:
    """Return the encrypted form of a secret, fit to be stored in a row."""
    if not plain:
        raise ValueError("An empty secret cannot be sealed.")
    return SEALED + _keys().encrypt(plain.encode()).decode()


def as_stored(typed: str) -> str:
    """Return what to store for what a person or a file gave: references stay, all else is sealed."""
    text = typed.strip()
    if text.startswith((ENV, FILE)):
        return text
    return seal(text) if text else ""


def describe(stored: str) -> str:
    """Return a text about a stored secret that is safe to show; it never looks at the secret."""
    if not stored:
        return "not set"
    if stored.startswith(ENV):
        return f"from the environment variable {stored.removeprefix(ENV)}"
    if stored.startswith(FILE):
        return f"from the file {stored.removeprefix(FILE)} in the secrets folder"
    return "set, stored encrypted"


def credential_id(stored: str) -> str:
    """Return a name for the credential that says which one it is and nothing about its value."""
    if not stored or stored.startswith((ENV, FILE)):
        return stored or "none"
    return "sealed-" + hashlib.sha256(stored.encode()).hexdigest()[:12]


def resealed(stored: str) -> str:
    """Return a sealed secret encrypted anew with the first key (after a rotation); references stay."""
    if not stored.startswith(SEALED):
        return stored
    try:
        return SEALED + _keys().rotate(stored.removeprefix(SEALED).encode()).decode()
    except InvalidToken:
        raise SecretMissing(_WRONG_KEY) from None


_WRONG_KEY = "The stored secret was encrypted with a key that SECRET_KEYS no longer holds. Add that key again, or enter the secret anew."


# Sent to a system of their own by an admin, it would sign a trail that never was.
_SEALS_THE_TRAIL = "This is the key that signs the audit trail; no connection sends it anywhere. Name another secret."


def _keys() -> MultiFernet:
    if not settings.SECRET_KEYS:
        raise SecretMissing("SECRET_KEYS holds no key. Set it to at least one Fernet key.")
    return MultiFernet([Fernet(key) for key in settings.SECRET_KEYS])


def _unsealed(token: str) -> str:
    try:
        return _keys().decrypt(token.encode()).decode()
    except InvalidToken:
        raise SecretMissing(_WRONG_KEY) from None


def _from_environment(name: str) -> str:
    if f"{ENV}{name}" == settings.AUDIT_KEY:
        raise SecretMissing(_SEALS_THE_TRAIL)
    if name not in settings.SECRET_NAMES:
        raise SecretMissing(f"SECRET_NAMES does not list {name}. Add it there, so that configuration may use it.")
    value = os.environ.get(name, "")
    if not value:
        raise SecretMissing(f"The environment variable {name} is not set. Set it to the secret.")
    return value


def _from_file(name: str) -> str:
    path = _path_of(name)
    scheme, _, audit_key = settings.AUDIT_KEY.partition(":")
    if scheme == "file" and path == Path(audit_key).resolve():
        raise SecretMissing(_SEALS_THE_TRAIL)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_SECRET_BYTES + 1)
    except OSError:
        raise SecretMissing(f"The file {name} cannot be read in SECRETS_DIR. Put the secret there.") from None
    if len(raw) > MAX_SECRET_BYTES:
        raise SecretMissing(f"The file {name} is too long for a secret.")
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    if not text:
        raise SecretMissing(f"The file {name} in SECRETS_DIR is empty. Put the secret there.")
    return text


def _path_of(name: str) -> Path:
    """Return the file's real path; a link that leads out of the folder is refused like a path that does."""
    if not settings.SECRETS_DIR:
        raise SecretMissing(f"SECRETS_DIR is not set, so the file {name} cannot be used. Set it to a folder.")
    folder = Path(settings.SECRETS_DIR).resolve()
    path = (folder / name).resolve() if _FILE_NAME.fullmatch(name) else None
    if path is None or not path.is_relative_to(folder):
        raise SecretMissing("A secret file is named by its plain name below SECRETS_DIR, without folders.")
    return path
