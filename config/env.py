"""The one reader of the environment. A bad value stops the start with a sentence that says what to set.

Each reader takes NAME; a secret may also come from the file that NAME_FILE names.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

T = TypeVar("T")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_DATABASE_SCHEMES = frozenset({"postgres", "postgresql"})
_REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})


class BadSetting(ImproperlyConfigured):
    """A value in the environment that nobody can work with; the message says what to set."""


def text(name: str, default: str = "") -> str:
    """Return the variable's text, or the default where it is not set."""
    # Not Env.str: it takes a leading "$" for the name of another variable, which a password may well begin with.
    value = Env.ENVIRON.get(name, "")
    return value if value else default


def secret(name: str, default: str = "") -> str:
    """Return a secret from NAME, or from the file NAME_FILE names (its last line break removed)."""
    file = text(f"{name}_FILE")
    if not file:
        return text(name, default)
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise _bad(f"{name}_FILE", "a file that can be read", f"{file}: {type(problem).__name__}") from None


def integer(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    """Return a whole number between low and high."""
    return _read(name, default, _whole(low, high), f"a whole number from {low} to {high}")


def boolean(name: str, default: bool) -> bool:
    """Return True for 1, true, yes, on and False for 0, false, no, off; nothing else is taken for either."""
    return _read(name, default, _truth, "1 or 0")


def listing(name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the parts of a comma-separated list, without spaces around them and without empty ones."""
    parts = (part.strip() for part in text(name).split(","))
    return tuple(part for part in parts if part) or default


def web_address(name: str, default: str) -> str:
    """Return an http or https address without a path and without a slash at its end."""
    return _read(name, default, _origin, "an address such as https://countersign.example.com, without a path")


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's description of the PostgreSQL database a URL names."""
    return _read(name, None, _database, "a URL such as postgresql://user:password@host:5432/name") or _database(default)


def redis_address(name: str, default: str) -> str:
    """Return the URL of a Redis-protocol server: redis, rediss or unix."""
    return _read(name, default, _redis, "a URL such as redis://host:6379/0")


def _read(name: str, default: T, parse: Callable[[str], T], wanted: str) -> T:
    raw = secret(name)
    if not raw:
        return default
    try:
        return parse(raw)
    except (ValueError, KeyError):
        shown = "the value it has" if name.endswith("_URL") else repr(raw[:80])
        raise _bad(name, wanted, f"{shown} is not one") from None


def _bad(name: str, wanted: str, found: str) -> BadSetting:
    return BadSetting(f"Set {name} to {wanted}; {found}.")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not re.fullmatch(r"\s*-?\d{1,12}\s*", raw) or not low <= int(raw) <= high:
            raise ValueError
        return int(raw)

    return parse


def _truth(raw: str) -> bool:
    word = raw.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _origin(raw: str) -> str:
    parts = urlsplit(raw.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError
    if parts.path not in ("", "/"):
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}"


def _database(raw: str) -> dict[str, Any]:
    if urlsplit(raw).scheme not in _DATABASE_SCHEMES:
        raise ValueError
    described = Env.db_url_config(raw)
    options = described.setdefault("OPTIONS", {})
    described["HOST"] = options.pop("host", "") or described["HOST"]
    if not described["NAME"]:
        raise ValueError
    return dict(described)


def _redis(raw: str) -> str:
    if urlsplit(raw).scheme not in _REDIS_SCHEMES:
        raise ValueError
    return raw
