"""How a vendor's SDK reaches the network: through the guarded transport that integrations registers at start.

Without a registered one nothing is sent: a provider's address is as dangerous as any other (it may point inside).
Answers are bounded in size here and in time by the whole exchange, not by the single read.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import cast

import httpx2

from agents.providers.base import Invalid

MAX_ANSWER_BYTES = 8 * 1024 * 1024
CONNECT_S = 5.0

TransportFactory = Callable[[], httpx2.BaseTransport]
Deadline = Callable[[float], AbstractContextManager[object]]


@dataclass(frozen=True)
class _Outbound:
    factory: TransportFactory
    within: Deadline
    refused: tuple[type[Exception], ...]


_registered: list[_Outbound] = []


class AnswerTooLong(httpx2.TransportError):
    """The answer is longer than we read."""


class Compressed(httpx2.TransportError):
    """The answer is compressed although we asked for none, so its size could not be bounded."""


def _unbounded(_: float) -> AbstractContextManager[object]:
    return nullcontext()


def set_transport_factory(
    factory: TransportFactory, *, within: Deadline = _unbounded, refused: tuple[type[Exception], ...] = ()
) -> None:
    """Register the way out: a factory of guarded transports.

    within: bounds everything sent inside by a moment of time.monotonic().
    refused: what the guard raises when an address may not be called; the message is for people.
    """
    _registered[:] = [_Outbound(factory, within, refused)]


def bounded_by(timeout_s: float) -> AbstractContextManager[object]:
    return _outbound().within(time.monotonic() + timeout_s)


def is_refusal(error: BaseException) -> bool:
    return isinstance(error, _outbound().refused)


def http_client() -> httpx2.Client:
    """Return a client for an SDK: guarded, bounded, following no redirect, reading no proxy from the environment."""
    return httpx2.Client(
        transport=_Bounded(_outbound().factory()),
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


def timeouts(timeout_s: float) -> httpx2.Timeout:
    return httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))


def _outbound() -> _Outbound:
    if not _registered:
        raise Invalid("No outbound transport is registered, so no provider can be reached.", setup=True)
    return _registered[0]


class _Bounded(httpx2.BaseTransport):
    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._inner.handle_request(request)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            response.close()
            raise Compressed("compressed")
        response.stream = _BoundedStream(cast("httpx2.SyncByteStream", response.stream))
        return response

    def close(self) -> None:
        self._inner.close()


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for chunk in self._inner:
            read += len(chunk)
            if read > MAX_ANSWER_BYTES:
                raise AnswerTooLong("too long")
            yield chunk

    def close(self) -> None:
        self._inner.close()
