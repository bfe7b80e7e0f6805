"""How a view answers: a page or one of its fragments, and what a refusal of the domain looks like in HTTP.

Imports Django only. Views raise the errors of their app (they carry `status`, `code`, `message`, `extra`);
DomainErrorMiddleware turns them into the page or fragment for 403, 404, 409, 410, 422.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

_SHOWN = frozenset({400, 403, 404, 409, 410, 422, 429})


class SignedInRequest(HttpRequest):
    """A request behind the login wall: `user` is a person, `htmx` is there."""

    user: User
    htmx: "HtmxDetails"


@runtime_checkable
class Refusal(Protocol):
    """What an error of the domain tells: HTTP status, stable code, sentence for people, more for machines."""

    status: int
    code: str
    message: str
    extra: Mapping[str, Any]


def signed_in(request: HttpRequest) -> SignedInRequest:
    """The same request, typed as one that passed the login wall."""
    return cast(SignedInRequest, request)


def wants_fragment(request: HttpRequest) -> bool:
    """True when htmx asks for a part of the page (not for a boosted or restored whole one)."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page_or_fragment(
    request: HttpRequest,
    page: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str,
    status: int = 200,
) -> HttpResponse:
    """Render `page`, or `page#fragment` for htmx. The view chooses the fragment, never the client."""
    name = f"{page}#{fragment}" if wants_fragment(request) else page
    response = render(request, name, dict(context or {}), status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


def see_other(to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """303 after a POST, so that reloading never posts again."""
    response: HttpResponse = redirect(to, *args, **kwargs)
    response.status_code = 303
    return response


def refusal_response(request: HttpRequest, error: Refusal) -> HttpResponse:
    """The page for a refusal, or its panel alone for htmx."""
    template = "409.html" if error.status == 409 else "403.html" if error.status == 403 else "refused.html"
    name = "_components/refusal.html" if wants_fragment(request) else template
    response = render(request, name, {"error": error}, status=error.status)
    patch_vary_headers(response, ("HX-Request",))
    return response


class DomainErrorMiddleware:
    """Turns errors that know their HTTP status into answers; every other error goes on to Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        if isinstance(exception, Refusal) and exception.status in _SHOWN:
            return refusal_response(request, exception)
        return None
