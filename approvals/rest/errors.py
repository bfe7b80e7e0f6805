"""One shape for everything that goes wrong: {"code", "message", "extra"}."""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from approvals.policy.canonical import NotCanonical
from config.web import Refusal

log = logging.getLogger("countersign.api")
_CODES = {
    400: "BAD_REQUEST",
    401: "NOT_SIGNED_IN",
    403: "NOT_ALLOWED",
    404: "NOT_FOUND",
    405: "NO_SUCH_METHOD",
    406: "NOT_ACCEPTABLE",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_REQUESTS",
}


class ApiError(exceptions.APIException):
    """A refusal that an API view itself makes."""

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message, code)
        self.status_code = status
        self.code = code
        self.message = message
        self.extra = extra


def not_found(what: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", f"There is no such {what}, or it belongs to a team you are not in.")


def answer(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to an error. One that nobody foresaw is logged whole and told as nothing but a 500."""
    if isinstance(error, ApiError):
        return _shaped(error.status_code, error.code, error.message, error.extra)
    if isinstance(error, exceptions.ValidationError):
        return _shaped(400, "BAD_SHAPE", _first_sentence(error.detail), {"fields": error.detail})
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, NotCanonical):
        return _shaped(400, "BAD_VALUE", f"This cannot be kept exactly: {error}", {})
    if isinstance(error, Http404):
        return _shaped(404, _CODES[404], "There is no such thing here.", {})
    if isinstance(error, PermissionDenied):
        return _shaped(403, _CODES[403], str(error) or "You may not do that.", {})
    if isinstance(error, Refusal):
        return _shaped(error.status, error.code, error.message, error.extra)
    log.exception("an API call failed", exc_info=error)
    if isinstance(error, OperationalError | InterfaceError):
        response = _shaped(503, "AWAY", "The database is away. Nothing was done; try again.", {})
        response["Retry-After"] = "2"
        return response
    return _shaped(500, "FAILED", "This failed here, and nothing was done. The log has the reason.", {})


def _of_framework(error: exceptions.APIException) -> Response:
    code = _CODES.get(error.status_code, str(error.get_codes()).upper())
    response = _shaped(error.status_code, code, str(error.detail), {})
    if error.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    wait = getattr(error, "wait", None)
    if wait:
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _shaped(status: int, code: str, message: str, extra: Mapping[str, Any]) -> Response:
    return Response({"code": code, "message": message, "extra": extra}, status=status)


def _first_sentence(detail: Any, path: str = "") -> str:
    """Return the first problem with the path of its field: "limit: A valid integer is required."."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        here = "" if name == "non_field_errors" else str(name)
        return _first_sentence(inner, f"{path}.{here}" if path and here else path or here)
    if isinstance(detail, list):
        return _first_sentence(detail[0], path) if detail else path
    return f"{path}: {detail}" if path else str(detail)
