"""The bytes as they came: never unpacked, never more than allowed, never waited for without end."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest

from integrations.webhooks.answers import Refused
from integrations.webhooks.slow_senders import time_to_read


def check_encoding(request: HttpRequest) -> None:
    """Refuse every Content-Encoding: what is signed are the bytes sent, and unpacking is how small bodies become huge."""
    if "HTTP_CONTENT_ENCODING" in request.META:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_encoding", "Send the body as it is, without Content-Encoding."
        )


def read_body(request: HttpRequest, most: int) -> bytes:
    """Return the whole body. Raises Refused when it is larger than `most` bytes, broken off or too slow."""
    declared = _declared_length(request)
    if declared > most:
        raise _too_large(most)
    with time_to_read(request.META.get("gunicorn.socket")):
        body = _read(request, most + 1)
    if len(body) > most:
        raise _too_large(most)
    if len(body) < declared:
        raise Refused(HTTPStatus.BAD_REQUEST, "incomplete", "The body broke off, or took more than ten seconds.")
    return body


def _declared_length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Refused(HTTPStatus.BAD_REQUEST, "bad_length", "Content-Length is not a number.")
    return int(text)


def _read(request: HttpRequest, most: int) -> bytes:
    stream: Any = request
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        # Django reads no body without a length; the server's own stream knows where the chunks end.
        stream = request.META["wsgi.input"]
    try:
        return bytes(stream.read(most))
    except Exception:  # noqa: BLE001 - each server has its own errors for a sender that broke off or sent no true chunks
        raise Refused(HTTPStatus.BAD_REQUEST, "incomplete", "The body could not be read.") from None


def _too_large(most: int) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"This source takes at most {most} bytes.")
