"""A model vendor on this machine: one local HTTP server that speaks all three wire formats, and fails on demand.

For any test that needs a model behind real HTTP (and for worker processes: give them its address in a provider row).

    with VendorServer() as vendor:
        Provider.objects.create(name="local", kind="openai_chat", base_url=vendor.url("openai_chat"), api_key="")
        settings.OUTBOUND_ALLOW = vendor.allow                       # loopback is refused otherwise

        vendor.say(call("shop_refund_order", {"order_id": "A-1"}))   # answered in the order they are said
        vendor.say(text='{"decision": "done"}')
        vendor.fail(429, retry_after="7")                            # and the faults: drop, half, hang, drip, raw
        vendor.answer_with(lambda asked: Answer(text="…"))           # or decide by the question; wins over the list

        vendor.requests[0].body, .headers, .wire, .model, .tools     # what arrived

Tool names are the vendor's ("shop_refund_order"); a name with a dot is turned into that form by `call`. The same
`Answer` is written as an Anthropic message, an OpenAI response or a chat completion, by the path that was asked:
/v1/messages, /v1/responses, /v1/chat/completions. When nothing was said, the server answers 500 and remembers it
in `unexpected`. Tokens default to 100 in and 20 out; cached ones are counted as each vendor counts them.
"""

import itertools
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

PATHS = {"/v1/messages": "anthropic", "/v1/responses": "openai", "/v1/chat/completions": "openai_chat"}


@dataclass(frozen=True)
class Call:
    """A tool call as the model writes it. `raw` replaces the arguments' JSON text (OpenAI), `id` the made-up id."""

    name: str
    arguments: Any
    id: str | None = None
    raw: str | None = None


def call(name: str, arguments: Any = None, *, id: str | None = None, raw: str | None = None) -> Call:
    return Call(re.sub(r"[^a-zA-Z0-9_-]", "_", name), {} if arguments is None else arguments, id, raw)


@dataclass(frozen=True)
class Tokens:
    """As a person would count: `input` includes the cached ones, `output` the reasoning. None: the vendor says nothing."""

    input: int | None = 100
    output: int | None = 20
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Answer:
    """What the model says. `stop` is the vendor's own word; `blocks` are put before the text as they are."""

    text: str = ""
    calls: Sequence[Call] = ()
    tokens: Tokens = Tokens()
    stop: str = ""
    refusal: str = ""
    blocks: Sequence[Mapping[str, Any]] = ()
    message: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True)
class Raw:
    """An answer of exactly these bytes. `promise`: the Content-Length to claim, when it is a lie."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    promise: int | None = None
    wait_s: float = 0
    drop: bool = False
    drip: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    wire: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def tools(self) -> list[str]:
        return [tool.get("name") or tool["function"]["name"] for tool in self.body.get("tools", [])]


Line = Answer | Raw
Decider = Callable[[Asked], Line]


class VendorServer:
    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.unexpected = 0
        self._lines: list[Line] = []
        self._decide: Decider | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ids = itertools.count(1)
        self._http = _QuietServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def allow(self) -> list[str]:
        """What OUTBOUND_ALLOW must hold."""
        return [f"127.0.0.1:{self.port}"]

    def url(self, kind: str) -> str:
        """Return the base URL for a provider of that kind."""
        return f"http://127.0.0.1:{self.port}" + ("" if kind == "anthropic" else "/v1")

    def say(self, *calls: Call, text: str = "", **more: Any) -> None:
        self.queue(Answer(text=text, calls=calls, **more))

    def queue(self, *lines: Line) -> None:
        with self._lock:
            self._lines.extend(lines)

    def answer_with(self, decide: Decider | None) -> None:
        self._decide = decide

    def fail(self, status: int, *, code: str = "", message: str = "no", retry_after: str = "", **headers: str) -> None:
        """Answer with an error as the vendors write it."""
        body = {"type": "error", "error": {"type": code or "error", "code": code or None, "message": message}}
        extra = {"Retry-After": retry_after} if retry_after else {}
        self.queue(Raw(status, json.dumps(body).encode(), {"Content-Type": "application/json", **extra, **headers}))

    def raw(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        self.queue(Raw(status, body, {"Content-Type": "application/json", **headers}))

    def drop(self) -> None:
        """Close the connection without an answer."""
        self.queue(Raw(drop=True))

    def half(self) -> None:
        """Send half of what was promised, then close."""
        self.queue(Raw(200, b'{"id": "x", "content": [{"type": "te', {"Content-Type": "application/json"}, promise=500))

    def hang(self, seconds: float) -> None:
        """Say nothing for that long, then drop."""
        self.queue(Raw(wait_s=seconds, drop=True))

    def drip(self) -> None:
        """Promise much and send one byte every 50 ms, each of them in time."""
        self.queue(Raw(200, b" " * 400, {"Content-Type": "application/json"}, drip=True))

    def _next(self, asked: Asked) -> Line:
        with self._lock:
            self.requests.append(asked)
            if self._decide is not None:
                decide = self._decide
            elif self._lines:
                return self._lines.pop(0)
            else:
                self.unexpected += 1
                return Raw(500, b'{"error": {"message": "nothing was said for this question"}}')
        return decide(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                wire = PATHS.get(self.path.split("?")[0])
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if wire is None:
                    _write(self, Raw(404, b'{"error": {"message": "no such path"}}'))
                    return
                asked = Asked(wire, self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body))
                line = server._next(asked)
                raw = line if isinstance(line, Raw) else _written(line, asked, next(server._ids))
                server._closing.wait(raw.wait_s) if raw.wait_s else None
                _drop(self) if raw.drop else _write(self, raw)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that gives up in the middle is what many of these tests are about.
        pass


def _write(handler: BaseHTTPRequestHandler, raw: Raw) -> None:
    handler.send_response(raw.status)
    for name, value in raw.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(raw.body) if raw.promise is None else raw.promise))
    handler.end_headers()
    for piece in [raw.body[at : at + 1] for at in range(len(raw.body))] if raw.drip else [raw.body]:
        handler.wfile.write(piece)
        time.sleep(0.05 if raw.drip else 0)
    handler.close_connection = raw.promise is not None


def _drop(handler: BaseHTTPRequestHandler) -> None:
    # linger 0: a reset and not a polite end
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _written(answer: Answer, asked: Asked, number: int) -> Raw:
    body = {"anthropic": _anthropic, "openai": _responses, "openai_chat": _chat}[asked.wire](answer, asked, number)
    headers = {"Content-Type": "application/json", "request-id": f"req_{number}", "x-request-id": f"req_{number}"}
    return Raw(200, json.dumps(body).encode(), headers)


def _anthropic(answer: Answer, asked: Asked, number: int) -> dict[str, Any]:
    texts = [{"type": "text", "text": answer.text}] if answer.text else []
    calls = [
        {"type": "tool_use", "id": _id(one, "toolu", number, place), "name": one.name, "input": one.arguments}
        for place, one in enumerate(answer.calls)
    ]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": answer.model or asked.model,
        "content": [*answer.blocks, *texts, *calls],
        "stop_reason": answer.stop or ("refusal" if answer.refusal else "tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": _anthropic_usage(answer.tokens),
    }


def _anthropic_usage(tokens: Tokens) -> dict[str, Any]:
    if tokens.input is None:
        return {}
    return {
        "input_tokens": tokens.input - tokens.cache_read - tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write,
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def _responses(answer: Answer, asked: Asked, number: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": answer.text, "annotations": []}
    if answer.refusal:
        part = {"type": "refusal", "refusal": answer.refusal}
    said = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed", "content": [part]}
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{number}_{place}",
            "call_id": _id(one, "call", number, place),
            "name": one.name,
            "arguments": _arguments(one),
            "status": "completed",
        }
        for place, one in enumerate(answer.calls)
    ]
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": int(time.time()),
        "model": answer.model or asked.model,
        "status": "incomplete" if answer.stop else "completed",
        "incomplete_details": {"reason": answer.stop} if answer.stop else None,
        "error": None,
        "output": [*answer.blocks, *([said] if answer.text or answer.refusal else []), *calls],
        "usage": _responses_usage(answer.tokens),
    }


def _responses_usage(tokens: Tokens) -> dict[str, Any] | None:
    if tokens.input is None:
        return None
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cache_read, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + (tokens.output or 0),
    }


def _chat(answer: Answer, asked: Asked, number: int) -> dict[str, Any]:
    calls = [
        {
            "id": _id(one, "call", number, place),
            "type": "function",
            "function": {"name": one.name, "arguments": _arguments(one)},
        }
        for place, one in enumerate(answer.calls)
    ]
    message = {"role": "assistant", "content": answer.text or None, **({"tool_calls": calls} if calls else {})}
    refusal = {"refusal": answer.refusal} if answer.refusal else {}
    stop = answer.stop or ("tool_calls" if calls else "stop")
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": answer.model or asked.model,
        "choices": [{"index": 0, "message": {**message, **refusal, **answer.message}, "finish_reason": stop}],
        **_chat_usage(answer.tokens),
    }


def _chat_usage(tokens: Tokens) -> dict[str, Any]:
    if tokens.input is None:
        return {}
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + (tokens.output or 0),
    }
    if tokens.cache_read or tokens.cache_write:
        usage["prompt_tokens_details"] = {"cached_tokens": tokens.cache_read, "cache_write_tokens": tokens.cache_write}
    if tokens.reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return {"usage": usage}


def _id(one: Call, prefix: str, number: int, place: int) -> str:
    return one.id if one.id is not None else f"{prefix}_{number}_{place}"


def _arguments(one: Call) -> str:
    return one.raw if one.raw is not None else json.dumps(one.arguments)
