"""OpenAI Responses, through the vendor's SDK. Nothing is stored at the vendor's; the history is sent each time.

Source: the types of openai 3.52.0; developers.openai.com/api/docs (2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import httpx2
import openai

from agents.providers import transport
from agents.providers.arguments import call_from_text
from agents.providers.base import (
    AssistantTurn,
    Invalid,
    Message,
    ProviderError,
    Retryable,
    Stop,
    ToolCall,
    ToolOutputs,
    Usage,
)
from agents.providers.concessions import Extras
from agents.providers.foreign import count_in, map_in, maps_in, storable, text_in
from agents.providers.openai_client import VENDOR_URL, client_for
from agents.providers.schemas import openai_format, tool_schema
from agents.providers.vendor import Asked, Endpoint, Heard, VendorProvider, stop_of

_INCOMPLETE = {"max_output_tokens": Stop.TRUNCATED, "max_tokens": Stop.TRUNCATED, "content_filter": Stop.REFUSED}
_ENCRYPTED = "reasoning.encrypted_content"


class ResponsesProvider(VendorProvider):
    kind: ClassVar[str] = "openai"
    default_url: ClassVar[str] = VENDOR_URL
    failed: ClassVar[tuple[type[Exception], ...]] = (openai.OpenAIError, httpx2.HTTPError)
    extras: ClassVar[Extras] = {
        "schema": ("text.format", "json_schema", "schema", "response_format"),
        "temperature": ("temperature",),
        "encrypted": ("include", "encrypted content is not supported", _ENCRYPTED),
        "opaque": ("encrypted_content", "could not be verified", "reasoning"),
        "strict": ("strict",),
    }

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._client = client_for(self.base_url, endpoint.api_key, self._http)

    def _send(self, asked: Asked) -> httpx2.Response:
        request = asked.request
        answer = self._client.responses.with_raw_response.create(
            model=asked.model,
            input=_input(asked),
            max_output_tokens=request.max_output_tokens,
            store=False,
            timeout=transport.timeouts(request.timeout_s),
            **_options(asked),
        )
        return answer.http_response

    def _read(self, body: Mapping[str, Any], asked: Asked) -> Heard:
        _check_status(body, self.name)
        if not isinstance(body.get("output"), list):
            raise Retryable(f"The answer of {self.name} is not in the expected form.")
        items = maps_in(body["output"])
        calls = [_call(item, asked) for item in items if item.get("type") == "function_call"]
        parts = [part for item in items if item.get("type") == "message" for part in maps_in(item.get("content"))]
        return Heard(
            text="".join(text_in(part.get("text")) for part in parts if part.get("type") == "output_text"),
            calls=calls,
            stop=_stop(body, parts, calls),
            usage=_usage(map_in(body.get("usage"))),
            opaque=_opaque(items),
        )


def _options(asked: Asked) -> dict[str, Any]:
    request, options = asked.request, dict[str, Any]()
    if request.system:
        options["instructions"] = request.system
    if request.tools:
        options["tools"] = [
            _tool(asked, name=tool.name, about=tool.description, schema=tool.schema) for tool in request.tools
        ]
    if request.outcome_schema is not None and asked.may("schema"):
        options["text"] = {"format": {"type": "json_schema", **storable(openai_format(request.outcome_schema))}}
    if asked.may("temperature"):
        options["temperature"] = 0
    if asked.may("encrypted"):
        options["include"] = [_ENCRYPTED]
    return options


def _input(asked: Asked) -> list[Any]:
    return [item for message in asked.request.messages for item in _items(message, asked)]


def _tool(asked: Asked, *, name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    tool = {
        "type": "function",
        "name": asked.names.to_wire(name),
        "description": about,
        "parameters": storable(tool_schema(schema)),
    }
    # Left out, the vendor would rewrite the schema as a strict one; arguments are checked by us in any case.
    return {**tool, "strict": False} if asked.may("strict") else tool


def _items(message: Message, asked: Asked) -> Iterator[dict[str, Any]]:
    if isinstance(message, AssistantTurn):
        yield from _said(message, asked)
    elif isinstance(message, ToolOutputs):
        for output in message.outputs:
            content = f"ERROR: {output.content}" if output.is_error else output.content
            yield {"type": "function_call_output", "call_id": output.call_id, "output": content}
    else:
        yield {"role": "user", "content": message.text}


def _said(turn: AssistantTurn, asked: Asked) -> Iterator[dict[str, Any]]:
    if turn.opaque and asked.may("opaque"):
        yield from _as_it_came(turn, asked)
        return
    if turn.text:
        yield {"role": "assistant", "content": turn.text}
    for call in turn.calls:
        yield _function_call(call, asked)


def _as_it_came(turn: AssistantTurn, asked: Asked) -> Iterator[dict[str, Any]]:
    """Yield the items in their own order: reasoning belongs directly before what it led to."""
    calls = iter(turn.calls)
    for item in turn.opaque:
        if item.get("type") != "function_call":
            yield dict(item)
        elif (call := next(calls, None)) is not None:
            yield _function_call(call, asked)


def _opaque(items: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return all items in order when one of them is opaque; a function call only as its place."""
    if all(item.get("type") in ("message", "function_call") and not item.get("phase") for item in items):
        return ()
    return tuple({"type": "function_call"} if item.get("type") == "function_call" else item for item in items)


def _call(item: Mapping[str, Any], asked: Asked) -> ToolCall:
    name = asked.names.to_ours(text_in(item.get("name")))
    raw = item.get("arguments")
    return call_from_text(text_in(item.get("call_id")), name, raw if isinstance(raw, str) else "null")


def _function_call(call: ToolCall, asked: Asked) -> dict[str, Any]:
    # What could not be read is not sent back: servers that parse it would refuse the whole conversation.
    raw = "{}" if call.arguments is None else call.raw or "{}"
    return {"type": "function_call", "call_id": call.id, "name": asked.names.to_wire(call.name), "arguments": raw}


def _check_status(body: Mapping[str, Any], provider: str) -> None:
    status = body.get("status")
    if status in ("failed", "cancelled"):
        raise _failed(map_in(body.get("error")), provider)
    if status in ("queued", "in_progress"):
        raise Retryable(f"{provider} has not finished its answer.")


def _failed(error: Mapping[str, Any], provider: str) -> ProviderError:
    code = text_in(error.get("code"))
    if code in ("", "server_error", "rate_limit_exceeded", "vector_store_timeout"):
        return Retryable(f"{provider} could not finish its answer.")
    return Invalid(f"{provider} could not work with the request.")


def _stop(body: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], calls: Sequence[ToolCall]) -> Stop:
    if any(part.get("type") == "refusal" for part in parts):
        return Stop.REFUSED
    if body.get("status") == "incomplete":
        reason = map_in(body.get("incomplete_details")).get("reason")
        return _INCOMPLETE.get(text_in(reason), Stop.TRUNCATED)
    return stop_of(None, {}, calls=calls)


def _usage(said: Mapping[str, Any]) -> Usage:
    inside = map_in(said.get("input_tokens_details"))
    return Usage(
        input_tokens=count_in(said.get("input_tokens")),
        output_tokens=count_in(said.get("output_tokens")),
        cache_read_tokens=count_in(inside.get("cached_tokens")),
        cache_write_tokens=count_in(inside.get("cache_write_tokens")),
        reasoning_tokens=count_in(map_in(said.get("output_tokens_details")).get("reasoning_tokens")),
    )
