"""Names to addresses, within a time."""

import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from functools import cache

Resolver = Callable[[str, int, float | None], list[str]]


class NameNotFound(Exception):
    """The name has no address, or none came in time."""


def system_resolver(host: str, port: int, timeout_s: float | None) -> list[str]:
    """Return the addresses of a host, each once, in the system's order. Raises NameNotFound."""
    if _is_address(host):
        return [host]
    lookup = _threads().submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(timeout=timeout_s)
    except NotInTime:
        lookup.cancel()
        raise NameNotFound(f"{host} was not found in time. Check the name server.") from None
    except (OSError, UnicodeError):
        raise NameNotFound(f"{host} is not known. Check the name.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _threads() -> ThreadPoolExecutor:
    # The system's lookup cannot be interrupted; a thread of its own keeps the caller's deadline.
    return ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolver")
