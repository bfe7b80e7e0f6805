"""A request's id in its answer and on each of its log lines, and the login wall."""

import re
import secrets
from collections.abc import Callable
from http import HTTPStatus

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from structlog.contextvars import bind_contextvars, clear_contextvars

_GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
Answer = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Name each request; an id that a proxy gave is kept when it is plain."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        name = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        clear_contextvars()
        bind_contextvars(request_id=name)
        response = self.get_response(request)
        response["X-Request-ID"] = name
        return response


class SignInMiddleware(LoginRequiredMiddleware):
    """Everything needs a sign-in except views marked with Django's `login_not_required`.

    A fragment that htmx asks for is told to go to the sign-in page as a whole; following the redirect would
    draw that page into a corner of the old one.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        response = super().handle_no_permission(request, view_func)
        if not request.headers.get("HX-Request"):
            return response
        return HttpResponse(
            status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": resolve_url(self.get_login_url(view_func))}
        )
