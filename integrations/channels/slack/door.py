"""Who sends this? Slack's signature over the raw bytes, within five minutes, before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from django.http import HttpRequest
from django.utils import timezone

from config import bounded_json
from config.secrets import SecretMissing
from integrations.channels.secrets import signing_secret_of
from integrations.models import Connection
from integrations.webhooks import signatures
from integrations.webhooks.answers import Refused
from integrations.webhooks.raw_body import check_encoding, read_body
from integrations.webhooks.signatures import NotConfigured, SignatureProblem, SignedRequest, waste_as_much

MOST_BYTES = 256 * 1024
_MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Proven:
    """What Slack really sent through this connection."""

    connection: Connection
    body: bytes

    def fields(self) -> Mapping[str, str]:
        """Return the form, each field once. Raises Refused when it is none."""
        try:
            text = self.body.decode("utf-8")
            found = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_form", "The body is no form.") from None
        if any(len(values) > 1 for values in found.values()):
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_form", "A field is there more than once.")
        return {name: values[0] for name, values in found.items()}


def prove(request: HttpRequest, name: str) -> Proven:
    """Return what was sent, once it is proven to come from Slack. Raises Refused."""
    if request.method != "POST":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", "Slack posts here.")
    check_encoding(request)
    body = read_body(request, MOST_BYTES)
    row = Connection.objects.filter(name=name[:80], kind=Connection.Kind.SLACK, disabled=False).first()
    if row is None:
        waste_as_much(body)
        raise Refused(HTTPStatus.NOT_FOUND, "unknown_connection", "There is no such Slack connection.")
    signed = SignedRequest.of(body, request.headers.items(), method="POST")
    try:
        signatures.verify("slack", signed, [signing_secret_of(row)], timezone.now())
    except (NotConfigured, SecretMissing):
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE, "no_secret", "No signing secret is set.", retry_after_s=60
        ) from None
    except SignatureProblem as problem:
        raise Refused(HTTPStatus.UNAUTHORIZED, problem.code, problem.sentence) from None
    return Proven(row, body)


def json_of(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that text says. Raises Refused."""
    try:
        said = bounded_json.loads(text, max_bytes=MOST_BYTES)
    except bounded_json.BadJson:
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_json", "The payload is no JSON that is read here.") from None
    if not isinstance(said, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_json", "The payload is no object.")
    return said
