"""What only the Messages wire has."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from agents.providers.anthropic import AnthropicProvider
from agents.providers.base import (
    AssistantTurn,
    Invalid,
    ModelProvider,
    ModelRequest,
    Stop,
    ToolOutput,
    ToolOutputs,
    UserText,
)
from agents.providers.vendor import Endpoint
from agents.providers.wire import reply_from_json, reply_to_json, turn_of
from tests.unit.agents.providers.conftest import asking
from tests.vendors import VendorServer, call

ask: Callable[..., ModelRequest] = asking("anthropic")
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmF0dXJl"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
SCHEMA = {
    "type": "object",
    "properties": {"decision": {"type": "string"}, "confidence": {"type": "number", "minimum": 0}},
}


@pytest.fixture
def claude(provider_of: Callable[..., ModelProvider]) -> ModelProvider:
    return provider_of("anthropic")


@pytest.mark.parametrize(
    ("word", "stop"),
    [
        ("end_turn", Stop.END),
        ("stop_sequence", Stop.END),
        ("tool_use", Stop.END),
        ("max_tokens", Stop.TRUNCATED),
        ("model_context_window_exceeded", Stop.TRUNCATED),
        ("pause_turn", Stop.PAUSED),
        ("refusal", Stop.REFUSED),
        ("a_word_of_next_year", Stop.END),
    ],
)
def test_every_stop_reason(word: str, stop: Stop, claude: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="…", stop=word)
    assert claude.complete(ask()).stop == stop


@pytest.mark.parametrize("word", ["end_turn", "tool_use", "a_word_of_next_year"])
def test_calls_are_calls_whatever_the_reason_says(word: str, claude: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order"), stop=word)
    assert claude.complete(ask()).stop == Stop.TOOL_CALLS


def test_thinking_goes_back_unchanged_and_in_its_place(claude: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order", {"order_id": "A-1"}), text="Looking.", blocks=[THOUGHT, HIDDEN])
    vendor.say(text="done")
    reply = reply_from_json(reply_to_json(claude.complete(ask())))
    results = ToolOutputs((ToolOutput(reply.calls[0].id, reply.calls[0].name, "order"),))
    claude.complete(ask(UserText("go"), turn_of(reply), results))
    said = vendor.requests[1].body["messages"][1]["content"]
    assert said[:3] == [THOUGHT, HIDDEN, {"type": "text", "text": "Looking."}]
    assert (said[3]["name"], said[3]["input"]) == ("shop_get_order", {"order_id": "A-1"})


def test_thinking_of_another_provider_is_not_sent(claude: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="done")
    claude.complete(ask(UserText("go"), AssistantTurn("Looking.", (), "elsewhere", (THOUGHT,)), UserText("on")))
    assert "thinking" not in str(vendor.requests[0].body)


def test_thinking_that_the_vendor_no_longer_accepts_is_left_out_for_this_conversation(
    claude: ModelProvider, vendor: VendorServer
) -> None:
    vendor.fail(400, code="invalid_request_error", message="Invalid `signature` in `thinking` block")
    vendor.say(text="done")
    vendor.say(text="done")
    messages = (UserText("go"), AssistantTurn("Looking.", (), "house", (THOUGHT,)), UserText("on"))
    claude.complete(ask(*messages))
    claude.complete(ask(*messages))
    bodies = [str(asked.body) for asked in vendor.requests]
    assert ["thinking" in body for body in bodies] == [True, False, True]


def test_the_outcome_schema_goes_into_the_vendors_field_in_its_subset(
    claude: ModelProvider, vendor: VendorServer
) -> None:
    vendor.say(text="{}")
    claude.complete(ask(outcome_schema=SCHEMA))
    sent = vendor.requests[0].body["output_config"]["format"]
    assert sent["type"] == "json_schema" and sent["schema"]["additionalProperties"] is False
    assert "minimum" not in sent["schema"]["properties"]["confidence"]


def test_a_schema_that_the_server_declines_is_left_out_and_that_is_remembered(
    claude: ModelProvider, vendor: VendorServer
) -> None:
    vendor.fail(400, code="invalid_request_error", message="output_config: Extra inputs are not permitted")
    vendor.say(text="{}")
    vendor.say(text="{}")
    claude.complete(ask(outcome_schema=SCHEMA))
    claude.complete(ask(outcome_schema=SCHEMA))
    assert ["output_config" in asked.body for asked in vendor.requests] == [True, False, False]


def test_a_schema_that_cannot_be_adapted_is_not_sent(claude: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text="{}")
    claude.complete(ask(outcome_schema={"properties": {"a": True}}))
    assert "output_config" not in vendor.requests[0].body


def test_neighbours_of_one_role_are_one_turn(claude: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order"))
    vendor.say(text="done")
    reply = claude.complete(ask())
    results = ToolOutputs((ToolOutput(reply.calls[0].id, "shop.get_order", "no", is_error=True),))
    claude.complete(ask(UserText("go"), turn_of(reply), results, UserText("A person says: hurry.")))
    messages = vendor.requests[1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [block["type"] for block in messages[2]["content"]] == ["tool_result", "text"]
    assert messages[2]["content"][0]["is_error"] is True


def test_a_gateway_gets_the_key_in_both_headers_and_no_sampling_fields(
    claude: ModelProvider, vendor: VendorServer
) -> None:
    vendor.say(text="done")
    claude.complete(ask())
    asked = vendor.requests[0]
    assert (asked.headers["x-api-key"], asked.headers["authorization"]) == ("sk-secret", "Bearer sk-secret")
    assert not {"temperature", "top_p", "cache_control"} & set(asked.body)


def test_the_environments_key_never_goes_to_a_strange_address(
    provider_of: Callable[..., ModelProvider], vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-house")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "tok-of-the-house")
    vendor.say(text="done")
    provider_of("anthropic", api_key="").complete(ask())
    assert "of-the-house" not in str(vendor.requests[0].headers)


def test_without_a_key_the_vendor_itself_is_not_even_asked() -> None:
    with pytest.raises(Invalid, match="no key") as caught:
        AnthropicProvider(Endpoint("anthropic", "anthropic", "", ""))
    assert caught.value.setup


def test_a_key_twice_in_one_object_spoils_that_call_alone(claude: ModelProvider, vendor: VendorServer) -> None:
    block = '{"type": "tool_use", "id": "%s", "name": "shop_refund_order", "input": %s}'
    blocks = ", ".join([block % ("a", '{"amount": 1, "amount": 900}'), block % ("b", '{"amount": 1.50}')])
    vendor.raw(f'{{"content": [{blocks}], "stop_reason": "tool_use", "usage": {{}}}}'.encode())
    first, second = claude.complete(ask()).calls
    assert first.arguments is None and "twice" in first.problem
    assert second.problem == "" and second.arguments == {"amount": Decimal("1.5")}
