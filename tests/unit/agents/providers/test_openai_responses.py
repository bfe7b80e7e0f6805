"""What only the Responses wire has."""

from collections.abc import Callable

import pytest

from agents.providers.base import (
    AssistantTurn,
    Invalid,
    ModelProvider,
    ModelRequest,
    Retryable,
    Stop,
    ToolOutput,
    ToolOutputs,
    UserText,
)
from agents.providers.wire import reply_from_json, reply_to_json, turn_of
from tests.unit.agents.providers.conftest import asking
from tests.vendors import VendorServer, call

ask: Callable[..., ModelRequest] = asking("openai")
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "Z2hlaW0="}
CLOSED = {"type": "object", "properties": {"decision": {"type": "string"}}, "required": ["decision"]}
OPEN = {
    "type": "object",
    "properties": {"decision": {"type": "string"}, "note": {"type": "string"}},
    "required": ["decision"],
}


@pytest.fixture
def gpt(provider_of: Callable[..., ModelProvider]) -> ModelProvider:
    return provider_of("openai")


def test_nothing_is_stored_at_the_vendors_and_tools_are_not_rewritten(gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="done")
    gpt.complete(ask())
    body = vendor.requests[0].body
    assert body["store"] is False and body["instructions"] == "You settle refunds."
    assert {tool["strict"] for tool in body["tools"]} == {False}
    assert "previous_response_id" not in body


def test_encrypted_reasoning_goes_back_in_its_place(gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order", {"order_id": "A-1"}), blocks=[REASONING])
    vendor.say(text="done")
    reply = reply_from_json(reply_to_json(gpt.complete(ask())))
    results = ToolOutputs((ToolOutput(reply.calls[0].id, reply.calls[0].name, "order"),))
    gpt.complete(ask(UserText("go"), turn_of(reply), results))
    sent = vendor.requests[1].body["input"]
    assert [item.get("type", item.get("role")) for item in sent] == [
        "user",
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert sent[1] == REASONING
    assert sent[2]["arguments"] == '{"order_id":"A-1"}' or sent[2]["arguments"] == '{"order_id": "A-1"}'


def test_reasoning_of_another_provider_is_not_sent(gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="done")
    gpt.complete(ask(UserText("go"), AssistantTurn("Looking.", (), "elsewhere", (REASONING,)), UserText("on")))
    assert "rs_1" not in str(vendor.requests[0].body)


def test_a_malformed_call_is_a_problem_and_goes_back_as_an_empty_one(gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.refund_order", raw='{"order_id": "A-1", '))
    vendor.say(text="sorry")
    reply = gpt.complete(ask())
    assert reply.calls[0].arguments is None and "could not be read" in reply.calls[0].problem
    gpt.complete(ask(UserText("go"), turn_of(reply)))
    assert [item["arguments"] for item in vendor.requests[1].body["input"] if item.get("type") == "function_call"] == [
        "{}"
    ]


def test_the_outcome_schema_is_strict_only_where_that_changes_nothing(gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="{}")
    vendor.say(text="{}")
    gpt.complete(ask(outcome_schema=CLOSED))
    gpt.complete(ask(outcome_schema=OPEN))
    closed, left_open = (asked.body["text"]["format"] for asked in vendor.requests)
    assert closed["strict"] is True and closed["schema"]["additionalProperties"] is False
    assert left_open["strict"] is False and left_open["schema"] == OPEN


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Unsupported parameter: 'temperature' is not supported with this model.", "temperature"),
        ("Encrypted content is not supported with this model.", "include"),
        ("Invalid schema for text.format.schema", "text"),
    ],
)
def test_an_extra_that_this_model_declines_is_left_out_from_then_on(
    message: str, field: str, gpt: ModelProvider, vendor: VendorServer
) -> None:
    vendor.fail(400, code="unsupported_value", message=message)
    vendor.say(text="{}")
    vendor.say(text="{}")
    gpt.complete(ask(outcome_schema=CLOSED))
    gpt.complete(ask(outcome_schema=CLOSED))
    assert [field in asked.body for asked in vendor.requests] == [True, False, False]


def test_a_request_that_stays_wrong_is_not_asked_for_ever(gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.answer_with(None)
    for _ in range(10):
        vendor.fail(400, message="temperature, include, text.format, strict and reasoning are all wrong")
    with pytest.raises(Invalid):
        gpt.complete(ask(outcome_schema=CLOSED))
    assert len(vendor.requests) == 2


@pytest.mark.parametrize(("reason", "stop"), [("max_output_tokens", Stop.TRUNCATED), ("content_filter", Stop.REFUSED)])
def test_an_incomplete_answer(reason: str, stop: Stop, gpt: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="half", stop=reason)
    assert gpt.complete(ask()).stop == stop


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"status": "failed", "error": {"code": "server_error"}, "output": []}', Retryable),
        (b'{"status": "failed", "error": {"code": "rate_limit_exceeded"}, "output": []}', Retryable),
        (b'{"status": "failed", "error": {"code": "invalid_prompt"}, "output": []}', Invalid),
        (b'{"status": "in_progress", "output": []}', Retryable),
    ],
)
def test_an_answer_that_failed_inside(
    body: bytes, error: type[Exception], gpt: ModelProvider, vendor: VendorServer
) -> None:
    vendor.raw(body)
    with pytest.raises(error):
        gpt.complete(ask())


def test_the_environments_organisation_never_goes_to_a_strange_address(
    provider_of: Callable[..., ModelProvider], vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-the-house")
    vendor.say(text="done")
    provider_of("openai", api_key="").complete(ask())
    assert "of-the-house" not in str(vendor.requests[0].headers)
