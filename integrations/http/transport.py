"""The one way out: a transport that connects only to addresses the guard let through.

The guard sits where the socket is opened, after the name was resolved and before the first byte, so no spelling
of a URL and no second answer of a name server gets round it. The URL keeps its host name: certificate, SNI and
Host header are the name's, the socket is the pinned address. Redirects are not followed and no proxy is read
from the environment.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from integrations.http.guard import AddressRefused, Endpoint, checked_host, endpoint_of, pinned
from integrations.http.resolver import NameNotFound, Resolver, system_resolver
from integrations.http.rules import allowed_networks, public_ports

_CHUNK = 64 * 1024
# Shorter than what servers commonly keep idle connections for: a reused one is rarely closed under us.
_IDLE_S = 4.0


@dataclass(slots=True)
class Attempt:
    """What one request knows about itself while it is under way."""

    deadline: float
    sent: bool = False

    def left(self, timeout: float | None) -> float:
        """Return how long one step may take. Raises when the whole is over."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise httpcore2.ReadTimeout("The time for the whole request is over.")
        return remaining if timeout is None else min(timeout, remaining)


_attempt: ContextVar[Attempt | None] = ContextVar("outbound_attempt", default=None)


@contextmanager
def attempt_until(deadline: float) -> Iterator[Attempt]:
    """Bound every step of the requests made inside by one moment (of time.monotonic), and note whether bytes left."""
    attempt = Attempt(deadline)
    token = _attempt.set(attempt)
    try:
        yield attempt
    finally:
        _attempt.reset(token)


class OutboundRefused(httpx2.ConnectError):
    """The guard refused the address; nothing was sent. The message says why."""


class _GuardSaysNo(httpcore2.ConnectError):
    pass


class GuardedTransport(httpx2.BaseTransport):
    """Sends requests as httpx2's own transport does, through guarded sockets. Safe to share between threads."""

    def __init__(
        self,
        *,
        resolver: Resolver = system_resolver,
        ssl_context: ssl.SSLContext | None = None,
        keep_alive: bool = True,
    ) -> None:
        self._by_scheme = {
            scheme: _PooledTransport(_GuardedBackend(scheme, resolver), ssl_context or _ssl_context(), keep_alive)
            for scheme in ("https", "http")
        }

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            scheme = endpoint_of(str(request.url)).scheme
            return self._by_scheme[scheme].handle_request(request)
        except AddressRefused as refused:
            raise OutboundRefused(refused.message, request=request) from refused
        except httpx2.ConnectError as error:
            if isinstance(error.__cause__, _GuardSaysNo):
                raise OutboundRefused(str(error), request=request) from error
            raise

    def close(self) -> None:
        for transport in self._by_scheme.values():
            transport.close()


def guarded_transport() -> httpx2.BaseTransport:
    """Return a transport for a client that is not ours (a model vendor's SDK): guarded like every other call."""
    return GuardedTransport()


def guarded_socket(endpoint: Endpoint, timeout_s: float) -> httpcore2.NetworkStream:
    """Return an open connection, with TLS for https. Raises httpcore2's ConnectError or ConnectTimeout."""
    backend = _GuardedBackend(endpoint.scheme, system_resolver)
    stream = backend.connect_tcp(endpoint.host, endpoint.port, timeout_s, socket_options=[])
    return stream.start_tls(_ssl_context(), endpoint.host, timeout_s) if endpoint.scheme == "https" else stream


class _PooledTransport(httpx2.HTTPTransport):
    def __init__(self, backend: httpcore2.NetworkBackend, ssl_context: ssl.SSLContext, keep_alive: bool) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=200,
            max_keepalive_connections=50 if keep_alive else 0,
            keepalive_expiry=_IDLE_S,
            network_backend=backend,
        )


class _GuardedBackend(httpcore2.NetworkBackend):
    def __init__(self, scheme: str, resolver: Resolver) -> None:
        self._scheme = scheme
        self._resolver = resolver
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._addresses(host, port, _left(timeout))
        failure: Exception | None = None
        for tried, address in enumerate(addresses):
            share = _left(timeout)
            try:
                stream = self._sockets.connect_tcp(
                    address,
                    port,
                    None if share is None else share / (len(addresses) - tried),
                    local_address,
                    socket_options,
                )
                return _WatchedStream(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address.")

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            endpoint = Endpoint(self._scheme, checked_host(host), port)
            return pinned(
                endpoint, self._resolver(endpoint.host, port, timeout), allowed_networks(), public_ports=public_ports()
            )
        except AddressRefused as refused:
            raise _GuardSaysNo(refused.message) from refused
        except NameNotFound as error:
            raise httpcore2.ConnectError(str(error)) from error

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None
    ) -> httpcore2.NetworkStream:
        raise _GuardSaysNo("A socket file is not an address that may be called.")


class _WatchedStream(httpcore2.NetworkStream):
    """Bounds each step by the attempt's deadline, so that neither slow headers nor a slow body outlive it."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _CHUNK):
            step = _left(timeout)
            _mark_sent()
            self._inner.write(buffer[start : start + _CHUNK], step)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _WatchedStream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    attempt = _attempt.get()
    return timeout if attempt is None else attempt.left(timeout)


def _mark_sent() -> None:
    attempt = _attempt.get()
    if attempt is not None:
        attempt.sent = True


@cache
def _ssl_context() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)
