"""The two commands that run without Django."""

import sys

from django.core.exceptions import ImproperlyConfigured

from config.embedded.accounts import CannotStart


def run_light(command: str) -> int:
    """Run `up` or `web`; what stops the start is one sentence on stderr, not a traceback."""
    try:
        return _up() if command == "up" else _web()
    except (CannotStart, ImproperlyConfigured) as problem:
        print(f"\nCountersign cannot start: {problem}", file=sys.stderr, flush=True)
        return 1


def _up() -> int:
    from config.supervisor.up import up

    return up()


def _web() -> int:
    from config.supervisor.web import become_web_server

    return become_web_server()
