"""OpenAI-compatible chat completions: Ollama, vLLM, llama.cpp and most gateways, through the OpenAI SDK.

The outcome's schema goes into `response_format` when no tool is offered, when the model is asked to repair its
ending, and always at OpenAI itself. Local servers turn it into a grammar that leaves no room for a tool call
(vllm-project/vllm#39929, ollama/ollama#13750), so sent with tools it would keep the agent from ever acting.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import httpx2
import openai

from agents.providers import transport
from agents.providers.arguments import call_from_text, call_from_value
from agents.providers.base import AssistantTurn, Message, ModelRequest, Retryable, Stop, ToolCall, ToolOutputs, Usage
from agents.providers.concessions import Extras
from agents.providers.foreign import count_in, map_in, maps_in, storable, text_in
from agents.providers.history import repairs_an_ending
from agents.providers.openai_client import VENDOR_URL, client_for
from agents.providers.schemas import openai_format, tool_schema
from agents.providers.vendor import Asked, Endpoint, Heard, VendorProvider, stop_of

_STOPS = {
    "stop": Stop.END,
    "tool_calls": Stop.TOOL_CALLS,
    "function_call": Stop.TOOL_CALLS,
    "length": Stop.TRUNCATED,
    "content_filter": Stop.REFUSED,
}
_REASONING = ("reasoning_content", "reasoning")
_THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)


class ChatProvider(VendorProvider):
    kind: ClassVar[str] = "openai_chat"
    failed: ClassVar[tuple[type[Exception], ...]] = (openai.OpenAIError, httpx2.HTTPError)
    extras: ClassVar[Extras] = {
        "schema": ("response_format", "json_schema", "grammar", "schema", "guided"),
        "temperature": ("temperature",),
        "max_tokens": ("max_tokens",),
        "opaque": _REASONING,
    }

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._client = client_for(self.base_url, endpoint.api_key, self._http)

    def _send(self, asked: Asked) -> httpx2.Response:
        request = asked.request
        answer = self._client.chat.completions.with_raw_response.create(
            model=asked.model,
            messages=_messages(asked),
            timeout=transport.timeouts(request.timeout_s),
            **self._options(asked),
        )
        return answer.http_response

    def _options(self, asked: Asked) -> dict[str, Any]:
        request = asked.request
        options: dict[str, Any] = {_limit_field(asked): request.max_output_tokens}
        if asked.may("temperature"):
            options["temperature"] = 0
        if request.tools:
            options["tools"] = [
                _tool(asked, name=tool.name, about=tool.description, schema=tool.schema) for tool in request.tools
            ]
        if request.outcome_schema is not None and asked.may("schema") and self._schema_fits(request):
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": storable(openai_format(request.outcome_schema)),
            }
        return options

    def _schema_fits(self, request: ModelRequest) -> bool:
        return not request.tools or repairs_an_ending(request) or self.base_url == VENDOR_URL

    def _read(self, body: Mapping[str, Any], asked: Asked) -> Heard:
        choices = maps_in(body.get("choices"))
        if not choices or not isinstance(choices[0].get("message"), dict):
            raise Retryable(f"The answer of {self.name} is not in the expected form.")
        message = map_in(choices[0]["message"])
        calls = [_call(call, asked) for call in maps_in(message.get("tool_calls"))]
        refused = bool(text_in(message.get("refusal"))) and not calls
        return Heard(
            text=_spoken(message.get("content")),
            calls=calls,
            stop=Stop.REFUSED if refused else stop_of(choices[0].get("finish_reason"), _STOPS, calls=calls),
            usage=_usage(map_in(body.get("usage"))),
            opaque=_opaque(message),
        )


def _limit_field(asked: Asked) -> str:
    return "max_tokens" if asked.may("max_tokens") else "max_completion_tokens"


def _tool(asked: Asked, *, name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    function = {
        "name": asked.names.to_wire(name),
        "description": about,
        "parameters": storable(tool_schema(schema)),
    }
    return {"type": "function", "function": function}


def _messages(asked: Asked) -> list[Any]:
    system = [{"role": "system", "content": asked.request.system}] if asked.request.system else []
    return [*system, *(entry for message in asked.request.messages for entry in _entries(message, asked))]


def _entries(message: Message, asked: Asked) -> Iterator[dict[str, Any]]:
    if isinstance(message, AssistantTurn):
        yield _said(message, asked)
    elif isinstance(message, ToolOutputs):
        for output in message.outputs:
            content = f"ERROR: {output.content}" if output.is_error else output.content
            yield {"role": "tool", "tool_call_id": output.call_id, "content": content}
    else:
        yield {"role": "user", "content": message.text}


def _said(turn: AssistantTurn, asked: Asked) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.calls:
        entry["tool_calls"] = [_tool_call(call, asked) for call in turn.calls]
    if asked.may("opaque"):
        for block in turn.opaque:
            entry.update(block)
    return entry


def _tool_call(call: ToolCall, asked: Asked) -> dict[str, Any]:
    # What could not be read is not sent back: chat templates parse it and would refuse the whole conversation.
    raw = "{}" if call.arguments is None else call.raw or "{}"
    return {"id": call.id, "type": "function", "function": {"name": asked.names.to_wire(call.name), "arguments": raw}}


def _call(said: Mapping[str, Any], asked: Asked) -> ToolCall:
    function = map_in(said.get("function"))
    call_id, name = text_in(said.get("id")), asked.names.to_ours(text_in(function.get("name")))
    raw = function.get("arguments", "")
    return call_from_text(call_id, name, raw) if isinstance(raw, str) else call_from_value(call_id, name, raw)


def _spoken(content: Any) -> str:
    """Return the text without a thought that some local servers leave in front of it."""
    if isinstance(content, list):
        content = "".join(text_in(part.get("text")) for part in maps_in(content))
    text = text_in(content)
    thought = _THOUGHT.match(text)
    return text[thought.end() :] if thought else text


def _opaque(message: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    found = {key: text_in(message.get(key)) for key in _REASONING if text_in(message.get(key))}
    return (found,) if found else ()


def _usage(said: Mapping[str, Any]) -> Usage:
    inside = map_in(said.get("prompt_tokens_details"))
    return Usage(
        input_tokens=count_in(said.get("prompt_tokens")),
        output_tokens=count_in(said.get("completion_tokens")),
        cache_read_tokens=count_in(inside.get("cached_tokens")),
        cache_write_tokens=count_in(inside.get("cache_write_tokens")),
        reasoning_tokens=count_in(map_in(said.get("completion_tokens_details")).get("reasoning_tokens")),
    )
