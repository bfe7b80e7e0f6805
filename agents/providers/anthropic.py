"""Anthropic Messages, through the vendor's SDK.

Source: the types of anthropic 2.11.0; platform.claude.com/docs (2026-11).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import anthropic
import httpx2
from anthropic.resources.messages.messages import DEPRECATED_MODELS

from agents.providers import transport
from agents.providers.arguments import call_from_value
from agents.providers.base import AssistantTurn, Message, Retryable, Stop, ToolCall, ToolOutput, ToolOutputs, Usage
from agents.providers.concessions import Extras
from agents.providers.foreign import count_in, map_in, maps_in, storable, text_in
from agents.providers.schemas import tool_schema
from agents.providers.vendor import Asked, Endpoint, Heard, VendorProvider, log, quiet, stop_of

_STOPS = {
    "end_turn": Stop.END,
    "stop_sequence": Stop.END,
    "tool_use": Stop.TOOL_CALLS,
    "max_tokens": Stop.TRUNCATED,
    "model_context_window_exceeded": Stop.TRUNCATED,
    "pause_turn": Stop.PAUSED,
    "refusal": Stop.REFUSED,
}
_PLAIN = ("text", "tool_use")
_NOTHING_SAID = "(nothing said)"


class AnthropicProvider(VendorProvider):
    kind: ClassVar[str] = "anthropic"
    default_url: ClassVar[str] = "https://api.anthropic.com"
    failed: ClassVar[tuple[type[Exception], ...]] = (anthropic.AnthropicError, httpx2.HTTPError)
    extras: ClassVar[Extras] = {
        "schema": ("output_config", "output_format", "json_schema", "schema"),
        "cache": ("cache_control",),
        "opaque": ("thinking", "signature"),
    }

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        quiet("anthropic")
        self._client = anthropic.Anthropic(
            # Without a key of ours the SDK would look for one in the environment and send it to a stranger.
            api_key=endpoint.api_key or "none",
            base_url=self.base_url,
            max_retries=0,
            open_telemetry=False,
            http_client=self._http,
            default_headers={} if self._is_the_vendor else {"X-Api-Key": endpoint.api_key or "none"},
        )

    @property
    def _is_the_vendor(self) -> bool:
        return self.base_url == self.default_url

    def _send(self, asked: Asked) -> httpx2.Response:
        request = asked.request
        _tell_end_of_life(asked.model)
        answer = self._client.messages.with_raw_response.create(
            model=asked.model,
            max_tokens=request.max_output_tokens,
            messages=_messages(asked),
            timeout=transport.timeouts(request.timeout_s),
            **self._options(asked),
        )
        return answer.http_response

    def _options(self, asked: Asked) -> dict[str, Any]:
        request, options = asked.request, dict[str, Any]()
        if request.system:
            options["system"] = request.system
        if request.tools:
            options["tools"] = [
                {
                    "name": asked.names.to_wire(tool.name),
                    "description": tool.description,
                    "input_schema": storable(tool_schema(tool.schema)),
                }
                for tool in request.tools
            ]
        if request.outcome_schema is not None and asked.may("schema"):
            options.update(_outcome_format(request.outcome_schema))
        if self._is_the_vendor and asked.may("cache"):
            options["cache_control"] = {"type": "ephemeral"}
        return options

    def _read(self, body: Mapping[str, Any], asked: Asked) -> Heard:
        if not isinstance(body.get("content"), list):
            raise Retryable(f"The answer of {self.name} is not in the expected form.")
        blocks = maps_in(body["content"])
        calls = [_call(block, asked) for block in blocks if block.get("type") == "tool_use"]
        text = "".join(text_in(block.get("text")) for block in blocks if block.get("type") == "text")
        return Heard(
            text=text,
            calls=calls,
            stop=stop_of(body.get("stop_reason"), _STOPS, calls=calls),
            usage=_usage(map_in(body.get("usage"))),
            opaque=_opaque(blocks),
        )


@cache
def _tell_end_of_life(model: str) -> None:
    """Warn, once, of a model that its vendor will switch off."""
    if model in DEPRECATED_MODELS:
        log.warning("model %s reaches its end of life on %s", model, DEPRECATED_MODELS[model])


def _outcome_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        taken = anthropic.transform_schema(storable(schema))
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
    return {"output_config": {"format": {"type": "json_schema", "schema": taken}}}


def _messages(asked: Asked) -> list[Any]:
    """Return the conversation with neighbours of one role merged, as the API counts turns."""
    merged: list[dict[str, Any]] = []
    for role, blocks in (_turn(message, asked) for message in asked.request.messages):
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"].extend(blocks)
        else:
            merged.append({"role": role, "content": blocks})
    return merged


def _turn(message: Message, asked: Asked) -> tuple[str, list[dict[str, Any]]]:
    if isinstance(message, AssistantTurn):
        return "assistant", _said(message, asked) or [_text(_NOTHING_SAID)]
    if isinstance(message, ToolOutputs):
        return "user", [_result(output) for output in message.outputs]
    return "user", [_text(message.text or _NOTHING_SAID)]


def _said(turn: AssistantTurn, asked: Asked) -> list[dict[str, Any]]:
    if turn.opaque and asked.may("opaque"):
        return list(_as_it_came(turn, asked))
    texts = [_text(turn.text)] if turn.text.strip() else []
    return [*texts, *(_tool_use(call, asked) for call in turn.calls)]


def _as_it_came(turn: AssistantTurn, asked: Asked) -> Iterator[dict[str, Any]]:
    """Yield the blocks in their own order: a signature is only good where it stood."""
    calls = iter(turn.calls)
    for block in turn.opaque:
        if block.get("type") != "tool_use":
            yield dict(block)
        elif (call := next(calls, None)) is not None:
            yield _tool_use(call, asked)


def _opaque(blocks: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return all blocks in order when one of them is opaque; a tool use only as its place."""
    if all(block.get("type") in _PLAIN for block in blocks):
        return ()
    kept = [block for block in blocks if block.get("type") != "text" or text_in(block.get("text")).strip()]
    return tuple({"type": "tool_use"} if block.get("type") == "tool_use" else block for block in kept)


def _call(block: Mapping[str, Any], asked: Asked) -> ToolCall:
    name = asked.names.to_ours(text_in(block.get("name")))
    return call_from_value(text_in(block.get("id")), name, block.get("input", {}))


def _tool_use(call: ToolCall, asked: Asked) -> dict[str, Any]:
    arguments = storable(call.arguments or {})
    return {"type": "tool_use", "id": call.id, "name": asked.names.to_wire(call.name), "input": arguments}


def _result(output: ToolOutput) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": output.call_id, "content": output.content}
    return {**block, "is_error": True} if output.is_error else block


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _usage(said: Mapping[str, Any]) -> Usage:
    fresh = count_in(said.get("input_tokens"))
    read, written = count_in(said.get("cache_read_input_tokens")), count_in(said.get("cache_creation_input_tokens"))
    return Usage(
        # Anthropic counts cached tokens beside input_tokens; ours include them.
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=count_in(said.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=count_in(map_in(said.get("output_tokens_details")).get("thinking_tokens")),
    )
