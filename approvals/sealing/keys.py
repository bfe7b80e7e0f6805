"""The signing key: from a file or the environment, never from the database. Old public keys stay with what they signed."""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from approvals.errors import ApprovalError
from approvals.models import AuditCheckpoint
from approvals.sealing.verify_audit import key_id
from config import env

SEED_BYTES = 32


class NoKey(ApprovalError):
    """There is no key to sign with; the message says what to set."""

    code = "NO_AUDIT_KEY"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One Ed25519 key, with the id that checkpoints carry."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    @property
    def id(self) -> str:
        return key_id(self.public)

    def sign(self, text: str) -> str:
        return self.private.sign(text.encode()).hex()


def signing_key() -> SigningKey:
    """Return the key that AUDIT_KEY names. Raises NoKey when there is none or it cannot be read."""
    scheme, _colon, name = settings.AUDIT_KEY.partition(":")
    if scheme == "env":
        text = env.secret(name)
    elif scheme == "file":
        text = _file(Path(name))
    else:
        raise NoKey("Set AUDIT_KEY to env:NAME or file:/path; it names the Ed25519 key that signs checkpoints.")
    if not text:
        raise NoKey(f"The audit trail cannot be signed: AUDIT_KEY names {settings.AUDIT_KEY}, and nothing is there.")
    return SigningKey(_read(text.strip()))


def public_keys() -> dict[str, str]:
    """Return key id → public key of every key that ever signed, the present one included."""
    past = {key_id(text): text for text in AuditCheckpoint.objects.values_list("public_key", flat=True).distinct()}
    try:
        present = signing_key()
    except NoKey:
        return past
    return past | {present.id: present.public}


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise NoKey(f"The audit trail cannot be signed: {path}: {type(problem).__name__}.") from None


def _read(text: str) -> Ed25519PrivateKey:
    """Return the key: PEM, or its 32 bytes in base64 or hex. What is wrong with it is told without showing it."""
    try:
        if text.startswith("-----BEGIN"):
            key = load_pem_private_key(text.encode(), password=None)
            if isinstance(key, Ed25519PrivateKey):
                return key
        else:
            seed = bytes.fromhex(text) if len(text) == 2 * SEED_BYTES else base64.b64decode(text, validate=True)
            if len(seed) == SEED_BYTES:
                return Ed25519PrivateKey.from_private_bytes(seed)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise NoKey("The key that AUDIT_KEY names is no Ed25519 key: write PEM, or 32 bytes in base64.")
