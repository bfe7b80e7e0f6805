"""The few moves that all schemes share: keys, codes, comparing without telling, the five minutes."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from config import bounded_json
from integrations.webhooks.signatures.shape import TOLERANCE_S, NotConfigured, SignatureProblem

# No honest sender has more; a list without end would buy work for nothing.
MOST_SIGNATURES = 16
_SECONDS = re.compile(r"[0-9]{1,11}")
_MILLISECONDS = re.compile(r"[0-9]{1,14}")


def usable(secrets: Sequence[str]) -> list[str]:
    """Return the secrets that are set. Raises NotConfigured when none is: an empty key proves nothing."""
    found = [secret for secret in secrets if secret.strip()]
    if not found:
        raise NotConfigured("no_secret", "No signing secret is set for this source.")
    return found


def keys_of(secrets: Sequence[str]) -> list[bytes]:
    return [secret.encode() for secret in usable(secrets)]


def hex_code(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def base64_code(key: bytes, message: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hmac.new(key, message, algorithm).digest()).decode()


def same(given: str, expected: str) -> bool:
    """Compare two texts in constant time; only the length, which is public, may end it early.

    The written form is compared, not what it decodes to: several base64 texts decode to the same bytes.
    """
    left, right = given.encode("utf-8", "surrogatepass"), expected.encode()
    return len(left) == len(right) and hmac.compare_digest(left, right)


def check_match(given: Iterable[str], expected: Iterable[str]) -> str:
    """Return the expected code that one of the given equals. Raises SignatureProblem("no_match").

    Every pair is compared, so the time says nothing about which secret or which signature fitted.
    """
    codes = list(expected)
    matched = [code for signature in given for code in codes if same(signature, code)]
    if not matched:
        raise SignatureProblem("no_match", "The signature does not match the body.")
    return matched[0]


def seconds(text: str, header: str, now: datetime) -> datetime:
    """Return the time of a header in seconds since 1970. Raises SignatureProblem when unreadable or too far away."""
    return _fresh(float(_digits(text, header, _SECONDS)), now)


def milliseconds(text: str, header: str, now: datetime) -> datetime:
    """Return the time of a header in milliseconds since 1970. Raises as `seconds` does."""
    return _fresh(int(_digits(text, header, _MILLISECONDS)) / 1000, now)


def iso_time(text: str, header: str, now: datetime) -> datetime:
    """Return the time of a header such as 2021-03-25T05:09:27Z. Raises as `seconds` does."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,16}(Z|[+-][0-9]{2}:[0-9]{2})", text):
        raise _unreadable(header)
    try:
        return _fresh(datetime.fromisoformat(text).timestamp(), now)
    except (ValueError, OverflowError):
        raise _unreadable(header) from None


def _digits(text: str, header: str, shape: re.Pattern[str]) -> str:
    if not shape.fullmatch(text):
        raise _unreadable(header)
    return text


def _unreadable(header: str) -> SignatureProblem:
    return SignatureProblem("bad_timestamp", f"The time in {header} cannot be read.")


def _fresh(stamp: float, now: datetime) -> datetime:
    if abs(now.timestamp() - stamp) > TOLERANCE_S:
        raise SignatureProblem("stale_timestamp", "The signed time is more than 5 minutes away from ours.")
    return datetime.fromtimestamp(stamp, tz=UTC)


def body_text(body: bytes, field: str) -> str | None:
    """Return a text field at the top of a JSON body, or None. Only for bodies that are already proven."""
    value = body_value(body)
    found = value.get(field) if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def body_value(body: bytes) -> Any:
    """Return what a proven JSON body says, or None when it is not JSON that we accept."""
    try:
        return bounded_json.loads(body, max_bytes=max(len(body), 1))
    except bounded_json.BadJson:
        return None


def digest_of(value: Any) -> str:
    """Return a hash of a JSON value that does not depend on spaces or the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
