"""One request, one answer, within one time and one size; errors say whether anything may have left."""

import logging
import os
import re
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from agents.tools.base import NotSent, OutcomeUnknown
from integrations.http.transport import Attempt, GuardedTransport, OutboundRefused, attempt_until

log = logging.getLogger("countersign.outbound")

MAX_ANSWER_BYTES = 1024 * 1024
DEADLINE_S = 3.0
CONNECT_S = 2.0
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request, complete. Headers may carry a secret, so they are never logged."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. problem says why the body is not complete; "" when it is."""

    status: int
    headers: httpx2.Headers
    body: bytes
    latency_ms: int
    problem: str = ""


class OutboundClient:
    """Keeps connections open between requests. Safe to share between threads."""

    def __init__(
        self,
        *,
        transport: httpx2.BaseTransport | None = None,
        fresh_transport: httpx2.BaseTransport | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._transport = transport or GuardedTransport()
        self._fresh = fresh_transport or transport or GuardedTransport(keep_alive=False)
        self._max_bytes = max_bytes

    def send(self, outgoing: Outgoing, *, deadline_s: float = DEADLINE_S, fresh: bool = False) -> Answer:
        """Send once and return the answer, whatever its status.

        deadline_s: bound of the whole, in seconds, names and slow bodies included.
        fresh: open a new connection, so that a server closing an idle one cannot leave the outcome unknown.
        Raises NotSent when certainly nothing left, OutcomeUnknown when something may have.
        """
        started = time.monotonic()
        with attempt_until(started + deadline_s) as attempt:
            answer = self._exchange(outgoing, attempt, started, self._fresh if fresh else self._transport)
        _note(outgoing, f"{answer.status}{', ' + answer.problem if answer.problem else ''}", started)
        return answer

    def close(self) -> None:
        self._transport.close()
        self._fresh.close()

    def _exchange(
        self, outgoing: Outgoing, attempt: Attempt, started: float, transport: httpx2.BaseTransport
    ) -> Answer:
        try:
            response = transport.handle_request(_request(outgoing))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            _note(outgoing, type(error).__name__, started)
            raise _failure(error, attempt) from error
        try:
            return self._read(response, attempt, started)
        finally:
            response.close()

    def _read(self, response: httpx2.Response, attempt: Attempt, started: float) -> Answer:
        raw, problem = bytearray(), ""
        try:
            for chunk in response.iter_raw():
                raw += chunk
                if len(raw) > self._max_bytes:
                    problem = _too_long(self._max_bytes)
                    break
        except httpx2.HTTPError as error:
            if response.status_code < 400:
                raise _failure(error, attempt, status=response.status_code) from error
            problem = "the answer broke off"
        body, problem = _decoded(bytes(raw[: self._max_bytes]), response.headers, self._max_bytes, problem)
        return Answer(response.status_code, response.headers, body, int((time.monotonic() - started) * 1000), problem)


def client_for(connection: str) -> OutboundClient:
    """Return this process's kept client of a connection."""
    # A forked child must not share its parent's sockets.
    key = (os.getpid(), connection)
    with _keeping:
        if key not in _kept:
            _kept[key] = OutboundClient()
        return _kept[key]


_kept: dict[tuple[int, str], OutboundClient] = {}
_keeping = threading.Lock()


def _request(outgoing: Outgoing) -> httpx2.Request:
    headers = {"User-Agent": "Countersign", "Accept-Encoding": "identity", **outgoing.headers}
    timeouts = {"connect": CONNECT_S, "pool": CONNECT_S, "read": None, "write": None}
    return httpx2.Request(
        outgoing.method, outgoing.url, headers=headers, content=outgoing.body or None, extensions={"timeout": timeouts}
    )


def _failure(error: Exception, attempt: Attempt, *, status: int | None = None) -> NotSent | OutcomeUnknown:
    if isinstance(error, OutboundRefused):
        return NotSent(str(error))
    if isinstance(error, httpx2.InvalidURL):
        return NotSent("The address is not a valid URL.")
    if not attempt.sent:
        return NotSent(f"The other system could not be reached: {_cause(error)}.")
    return OutcomeUnknown(f"No complete answer came back: {_cause(error)}.", status=status)


def _cause(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it took too long"
    if isinstance(error, httpx2.ConnectError):
        return _ERRNO.sub("", str(error)).rstrip(".") or "the connection was refused"
    return "the connection broke off" if isinstance(error, httpx2.NetworkError) else "the answer was not valid HTTP"


def _decoded(raw: bytes, headers: httpx2.Headers, limit: int, problem: str) -> tuple[bytes, str]:
    """Return the body and what is wrong with it. We ask for no compression; who sends it anyway gets a bound."""
    coding = headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return raw, problem
    if coding not in ("gzip", "x-gzip", "deflate"):
        return b"", problem or "the answer is compressed in a way we did not ask for"
    try:
        unpacker = zlib.decompressobj(wbits=47 if coding != "deflate" else 15)
        text = unpacker.decompress(raw, limit + 1)
    except zlib.error:
        return b"", problem or "the answer could not be decompressed"
    return text[:limit], problem or (_too_long(limit) if len(text) > limit else "")


def _too_long(limit: int) -> str:
    return f"the answer is longer than {limit // 1024} KiB"


def _note(outgoing: Outgoing, what: str, started: float) -> None:
    # Host only: a path or query may carry what a person said, a header the secret.
    try:
        host = httpx2.URL(outgoing.url).host
    except httpx2.InvalidURL:
        host = "(not an address)"
    log.info("outbound %s %s: %s, %d ms", outgoing.method, host, what, (time.monotonic() - started) * 1000)
