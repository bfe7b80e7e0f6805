"""What the three adapters share: one question, one answer, every failure one of ours, the price, the clock.

An adapter says how a request is written (`_send`) and how an answer is read (`_read`); the vendor's own SDK carries it.
The raw bytes of the answer are read here and not by the SDK: its models take wrong types silently and turn
decimals into floats.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx2

from agents.providers import failures, pricing, transport
from agents.providers.arguments import CUT_OFF, broken
from agents.providers.base import Invalid, ModelReply, ModelRequest, ProviderError, Stop, ToolCall, Usage, split_model
from agents.providers.call_ids import settle_ids
from agents.providers.concessions import Concessions, Extras
from agents.providers.foreign import body_of, clean, storable, text_in
from agents.providers.history import names_in, tidied
from agents.providers.names import NameMap

log = logging.getLogger("countersign.providers")


@dataclass(frozen=True)
class Endpoint:
    """One provider row with its key revealed. Lives in memory only."""

    name: str
    kind: str
    base_url: str
    api_key: str = field(repr=False)
    prices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request on its way out: tidied, with the names as the vendor takes them."""

    request: ModelRequest
    model: str
    names: NameMap
    without: frozenset[str]

    def may(self, extra: str) -> bool:
        return extra not in self.without


@dataclass(frozen=True)
class Heard:
    """An answer as an adapter read it; calls still carry the vendor's ids."""

    text: str
    calls: Sequence[ToolCall]
    stop: Stop
    usage: Usage
    opaque: tuple[Mapping[str, Any], ...] = ()


class VendorProvider(ABC):
    """A ModelProvider over one vendor's SDK. Safe to share between threads."""

    kind: ClassVar[str]
    default_url: ClassVar[str] = ""
    extras: ClassVar[Extras]
    failed: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.base_url = endpoint.base_url.rstrip("/") or self.default_url
        self._concessions = Concessions(self.extras, per_conversation=frozenset({"opaque"}))
        if not self.base_url:
            raise Invalid(f"{endpoint.name} has no address. Set its base URL.", setup=True)
        if not endpoint.api_key and self.base_url == self.default_url:
            raise Invalid(
                f"{endpoint.name} has no key. Enter one, or set the base URL of a server of your own.", setup=True
            )
        self._http: httpx2.Client = transport.http_client()

    @property
    def name(self) -> str:
        return self.endpoint.name

    @abstractmethod
    def _send(self, asked: Asked) -> httpx2.Response:
        """Send once; raises one of `failed`."""

    @abstractmethod
    def _read(self, body: Mapping[str, Any], asked: Asked) -> Heard:
        """Return what the answer says. Raises ProviderError when it says nothing that can be used."""

    def close(self) -> None:
        self._http.close()

    def complete(self, request: ModelRequest) -> ModelReply:
        started = time.monotonic()
        try:
            reply = self._complete(request, started)
        except ProviderError as error:
            self._note(request.model, f"{type(error).__name__} {error.status or ''}".strip(), started)
            raise
        self._note(request.model, reply.stop, started)
        return reply

    def _complete(self, request: ModelRequest, started: float) -> ModelReply:
        own = tidied(request, self.name)
        with transport.bounded_by(request.timeout_s):
            asked, response = self._ask(own, started)
        body = body_of(response.content)
        failure = failures.failure_inside(body, provider=self.name, secret=self.endpoint.api_key)
        if failure:
            raise failure
        return self._reply(asked, self._read(body, asked), body, response, started)

    def _ask(self, request: ModelRequest, started: float) -> tuple[Asked, httpx2.Response]:
        """Return the answer, and the question as the server took it: extras that it declines are left out."""
        _, model = split_model(request.model)
        asked = Asked(request, model, NameMap(names_in(request)), self._concessions.known(model))
        while True:
            try:
                response = self._send(asked)
            except self.failed as error:
                without = self._conceded(error, asked)
                if without is None or time.monotonic() - started > request.timeout_s:
                    raise self._failure(error, request) from None
                asked = Asked(request, model, asked.names, without)
                continue
            self._concessions.remember(model, asked.without)
            return asked, response

    def _conceded(self, error: Exception, asked: Asked) -> frozenset[str] | None:
        response = getattr(error, "response", None)
        if not isinstance(response, httpx2.Response) or response.status_code not in (400, 422):
            return None
        return self._concessions.more(asked.without, failures.said_of(response))

    def _failure(self, error: Exception, request: ModelRequest) -> ProviderError:
        return failures.failure_of(error, provider=self.name, timeout_s=request.timeout_s, secret=self.endpoint.api_key)

    def _reply(
        self, asked: Asked, heard: Heard, body: Mapping[str, Any], response: httpx2.Response, started: float
    ) -> ModelReply:
        calls = settle_ids(heard.calls, asked.request.messages)
        answered_as = text_in(body.get("model")) or asked.model
        cost = pricing.cost_of(
            heard.usage,
            kind=self.kind,
            base_url=self.base_url,
            models=(asked.model, answered_as),
            prices=self.endpoint.prices,
        )
        return ModelReply(
            text=clean(heard.text),
            calls=_cut(calls) if heard.stop == Stop.TRUNCATED else calls,
            stop=heard.stop,
            usage=heard.usage,
            cost_usd=cost.usd,
            price_source=cost.source,
            model=asked.request.model,
            provider=self.name,
            latency_ms=int((time.monotonic() - started) * 1000),
            opaque=tuple(storable(heard.opaque)),
            request_id=failures.request_id(response.headers),
        )

    def _note(self, model: str, what: str, started: float) -> None:
        # Never a word of the conversation: only who was asked, how it ended and how long it took.
        log.info("model %s: %s, %d ms", model, what, (time.monotonic() - started) * 1000)


def _cut(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Return the calls of a truncated answer: the last one may lack half of its arguments and must not run."""
    return (*calls[:-1], broken(calls[-1], calls[-1].problem or CUT_OFF)) if calls else calls


def stop_of(said: Any, meanings: Mapping[str, Stop], *, calls: Sequence[ToolCall]) -> Stop:
    """Return why the answer ended. What it holds decides between calls and end: servers mix those two up."""
    meant = meanings.get(said, Stop.END) if isinstance(said, str) else Stop.END
    if meant in (Stop.END, Stop.TOOL_CALLS):
        return Stop.TOOL_CALLS if calls else Stop.END
    return meant


def quiet(*loggers: str) -> None:
    """Keep an SDK from logging requests, which hold the conversation, whatever its environment says."""
    for name in loggers:
        logging.getLogger(name).setLevel(logging.WARNING)
