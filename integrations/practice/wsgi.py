"""The practice company as a WSGI application of its own: its routes, none of the product's middleware."""

import os
from collections.abc import Callable
from typing import Any

from django import setup
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase

URLCONF = "integrations.practice.api_urls"


class PracticeHandler(WSGIHandler):
    """Answers from the practice company's routes only."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        answers = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(_with_own_routes(answers))


def _with_own_routes(answers: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], HttpResponseBase]:
    def inner(request: HttpRequest) -> Any:
        request.urlconf = URLCONF
        return answers(request)

    return inner


def application() -> PracticeHandler:
    """Return the application; for a server, `integrations.practice.wsgi:application()`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    setup(set_prefix=False)
    return PracticeHandler()
