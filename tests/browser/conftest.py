"""A browser against a live server with a small company at work. Every foreign request and every page error is a failure."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from tests import desk as company
from tests.desk import Desk

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def desk(transactional_db: None) -> Desk:
    return company.open_desk()


@pytest.fixture
def foreign_requests() -> list[str]:
    return []


@pytest.fixture
def page_errors() -> list[str]:
    return []


@pytest.fixture
def browse(
    browser: Browser, live_server: LiveServer, desk: Desk, foreign_requests: list[str], page_errors: list[str]
) -> Iterator[Callable[..., Page]]:
    """browse("operator", phone=False, dark=False, javascript=True): a page, signed in as that person."""
    contexts: list[BrowserContext] = []

    def opened(name: str, *, phone: bool = False, dark: bool = False, javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport=PHONE if phone else DESKTOP,
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            has_touch=phone,
        )
        contexts.append(context)
        if name:
            context.add_cookies([_session_cookie(desk, name, live_server.url)])
        page = context.new_page()
        page.on("request", lambda request: _note(request.url, live_server.url, foreign_requests))
        page.on("pageerror", lambda error: page_errors.append(str(error)))
        page.on("console", lambda line: page_errors.append(line.text) if _is_trouble(line.text) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert foreign_requests == [] and page_errors == []


def no_overflow(page: Page) -> None:
    """Fail when the page is wider than the window."""
    assert overflow(page) == []


def overflow(page: Page) -> list[str]:
    """Return a sentence when the page is wider than the window."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    return [f"{page.url} is {width} px wide in a window of {window} px"] if width > window else []


def _session_cookie(desk: Desk, name: str, url: str) -> dict[str, str]:
    user = desk[name]
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": url}


def _note(url: str, ours: str, foreign: list[str]) -> None:
    if not url.startswith((ours, "data:", "blob:")):
        foreign.append(url)


def _is_trouble(text: str) -> bool:
    return "Content Security Policy" in text or "Content-Security-Policy" in text
