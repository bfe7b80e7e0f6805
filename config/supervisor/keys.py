"""Keys and passwords made at the first start, kept in the data folder for its owner alone."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from config.embedded.places import Places, kept_environment

# What is easily told apart when read from a screen and typed.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _hook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def _signing_seed() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))


MADE: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "SECRET_KEYS": _fernet_key,
    "AUDIT_SIGNING_KEY": _signing_seed,
    "PRACTICE_TOKEN": lambda: secrets.token_urlsafe(24),
    "PRACTICE_HOOK_SECRET": _hook_secret,
    "DEMO_PASSWORD": _password,
}


def keys_of(here: Places, environment: Mapping[str, str]) -> dict[str, str]:
    """Return each key: what the environment gives, else what the folder keeps, else a new one."""
    kept = kept_environment(here)
    return {
        name: environment.get(name) or kept.get(name) or make()
        for name, make in MADE.items()
        if not environment.get(f"{name}_FILE")
    }


def keep(here: Places, values: Mapping[str, str]) -> None:
    """Write the values into the data folder, whole or not at all."""
    draft = here.environment.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(dict(values), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(here.environment)
    _sync_folder(here.keys)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
