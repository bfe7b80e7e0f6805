import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from integrations.webhooks.signatures.proof import base64_code, check_match, keys_of, same
from integrations.webhooks.signatures.shape import (
    Delivery,
    NotConfigured,
    SignatureProblem,
    SignedRequest,
    Verified,
)

HEADER = "X-Twilio-Signature"
ID_HEADER = "I-Twilio-Idempotency-Token"
BODY_HASH = "bodySHA256"
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 500
_CODE = re.compile(r"[A-Za-z0-9+/]{27}=")
_PORTS = {"https": 443, "http": 80}


class Twilio:
    """Twilio: base64 HMAC-SHA1 of the URL and, for a form, its fields sorted, name and value joined.

    The form has to be read before the signature can be checked, so it is read with bounds. A body that is no form
    is covered by `bodySHA256` in the URL; where the URL has that, the body's hash is checked whatever it claims to be.
    Joining without separators is Twilio's choice: it cannot tell the field `ab=c` from `a=bc`.
    The idempotency token is a header that the signature does not cover; no time is signed.
    Source: twilio.com/docs/usage/webhooks/webhooks-security and twilio-python request_validator.py, read 2026-11-21.
    """

    name = "twilio"
    label = "Twilio"
    signs_url = True

    def verify(self, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
        given = request.one(HEADER)
        if not _CODE.fullmatch(given):
            raise SignatureProblem("bad_encoding", f"{HEADER} is not base64 of 20 bytes.")
        if not request.url:
            raise NotConfigured("no_public_url", "Twilio signs the URL: set PUBLIC_URL to the address it calls.")
        event_id = request.maybe(ID_HEADER)
        keys = keys_of(secrets)
        check_match([given], _expected(keys, request.url, _signed_fields(request)))
        _check_body_hash(request)
        return Verified(event_id=event_id or None)

    def sign(self, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
        """Sign a JSON body, whose hash goes into the URL."""
        (key,) = keys_of([secret])
        address = f"{url}{'&' if '?' in url else '?'}{BODY_HASH}={hashlib.sha256(body).hexdigest()}"
        return Delivery({HEADER: base64_code(key, address.encode(), "sha1"), ID_HEADER: event_id}, address)


def _expected(keys: Sequence[bytes], url: str, fields: str) -> list[str]:
    """Return what Twilio may have signed: it is not consistent about naming the scheme's own port."""
    return [base64_code(key, (form + fields).encode(), "sha1") for key in keys for form in _url_forms(url)]


def _url_forms(url: str) -> list[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    bare = urlunsplit(parts._replace(netloc=name))
    port = parts.port or _PORTS.get(parts.scheme, 443)
    return [bare, urlunsplit(parts._replace(netloc=f"{name}:{port}"))]


def _signed_fields(request: SignedRequest) -> str:
    if not _is_form(request):
        return ""
    fields = _fields(request.body)
    return "".join(name + value for name, value in sorted(set(fields)))


def _hashes_in(url: str) -> list[str]:
    pairs = [part.partition("=") for part in urlsplit(url).query.split("&")]
    return [value for name, _, value in pairs if name == BODY_HASH]


def _is_form(request: SignedRequest) -> bool:
    return (request.maybe("Content-Type") or "").split(";")[0].strip().lower() == FORM


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise SignatureProblem("bad_body", "The form cannot be read, or has too many fields.") from None


def _check_body_hash(request: SignedRequest) -> None:
    hashes = _hashes_in(request.url)
    if not hashes:
        if request.body and not _is_form(request):
            raise SignatureProblem("no_match", "The signature does not cover the body: the URL has no bodySHA256.")
        return
    if len(hashes) > 1 or not same(hashes[0], hashlib.sha256(request.body).hexdigest()):
        raise SignatureProblem("no_match", "The signature does not match the body.")
