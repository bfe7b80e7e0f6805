"""Every address of the product, filled with things that exist."""

import re
from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def routes() -> list[str]:
    """Return each route with its parameters still in it."""
    return sorted(set(_routes(get_resolver().url_patterns, "/")))


def pages() -> list[str]:
    """Return the routes behind the sign-in: neither the API, nor webhooks, nor what machines ask."""
    return [
        route
        for route in routes()
        if not re.match(r"/(api|hooks|slack|accounts|static|healthz|readyz|metrics)\b", route)
    ]


def filled(route: str, things: Mapping[str, str]) -> str:
    """Return the address; things: "/runs/" → the name that stands there, by the path before it."""
    while match := _PARAMETER.search(route):
        before = route[: match.start()]
        route = before + things.get(before, things.get(match.group(1), "1")) + route[match.end() :]
    return route


def _routes(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif "(?P" not in route:
            yield route
