"""What only the compatible chat wire has, with the habits of local servers."""

from collections.abc import Callable

import pytest

from agents.providers.base import AssistantTurn, ModelProvider, ModelRequest, Stop, UserText
from agents.providers.wire import turn_of
from tests.unit.agents.providers.conftest import asking
from tests.vendors import VendorServer, call

ask: Callable[..., ModelRequest] = asking("openai_chat")
SCHEMA = {"type": "object", "properties": {"decision": {"type": "string"}}, "required": ["decision"]}


@pytest.fixture
def llama(provider_of: Callable[..., ModelProvider]) -> ModelProvider:
    return provider_of("openai_chat")


def test_temperature_zero_is_asked_for_and_left_out_where_it_is_declined(
    llama: ModelProvider, vendor: VendorServer
) -> None:
    vendor.fail(400, message="temperature must be 1 for this model")
    vendor.say(text="done")
    llama.complete(ask())
    assert vendor.requests[0].body["temperature"] == 0
    assert "temperature" not in vendor.requests[1].body


def test_the_limit_takes_its_new_name_where_the_old_one_is_declined(llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.fail(400, message="Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    vendor.say(text="done")
    llama.complete(ask())
    assert vendor.requests[1].body["max_completion_tokens"] == 4096 and "max_tokens" not in vendor.requests[1].body


def test_a_schema_is_not_sent_where_it_would_keep_a_local_server_from_calling_tools(
    llama: ModelProvider, vendor: VendorServer
) -> None:
    vendor.say(text="{}")
    vendor.say(text="{}")
    vendor.say(text="{}")
    llama.complete(ask(outcome_schema=SCHEMA))
    llama.complete(ask(outcome_schema=SCHEMA, tools=()))
    repair = (UserText("go"), AssistantTurn("no json", (), "house"), UserText("That was not JSON."))
    llama.complete(ask(*repair, outcome_schema=SCHEMA))
    assert ["response_format" in asked.body for asked in vendor.requests] == [False, True, True]
    assert vendor.requests[1].body["response_format"]["json_schema"]["name"] == "outcome"


def test_a_grammar_that_the_server_declines_is_left_out(llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.fail(400, message="Cannot use custom grammar constraints with tools.")
    vendor.say(text="{}")
    llama.complete(ask(outcome_schema=SCHEMA, tools=()))
    assert "response_format" not in vendor.requests[1].body


@pytest.mark.parametrize("word", ["stop", "tool_calls", "", "function_call"])
def test_calls_are_calls_whatever_the_finish_reason_says(word: str, llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order"), stop=word)
    assert llama.complete(ask()).stop == Stop.TOOL_CALLS


def test_arguments_sent_as_an_object_are_read_too(llama: ModelProvider, vendor: VendorServer) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "shop_get_order", "arguments": {"order_id": "A-1"}}}]
    vendor.say(message={"tool_calls": calls})
    assert llama.complete(ask()).calls[0].arguments == {"order_id": "A-1"}


def test_calls_without_an_id_get_one(llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order", id=""), call("shop.get_order", id=""))
    first, second = llama.complete(ask()).calls
    assert first.id and second.id and first.id != second.id


def test_a_malformed_call_is_a_problem_and_goes_back_as_an_empty_one(
    llama: ModelProvider, vendor: VendorServer
) -> None:
    vendor.say(call("shop.refund_order", raw="order A-1 please"))
    vendor.say(text="sorry")
    reply = llama.complete(ask())
    assert reply.calls[0].arguments is None and reply.calls[0].raw == "order A-1 please"
    llama.complete(ask(UserText("go"), turn_of(reply)))
    assert vendor.requests[1].body["messages"][2]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_reasoning_is_kept_for_the_server_that_sent_it(llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(call("shop.get_order"), message={"reasoning_content": "hm"})
    vendor.say(text="done")
    reply = llama.complete(ask())
    llama.complete(ask(UserText("go"), turn_of(reply)))
    assert vendor.requests[1].body["messages"][2]["reasoning_content"] == "hm"
    assert "hm" not in reply.text


def test_a_thought_in_front_of_the_answer_is_not_part_of_it(llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(text='<think>\nWhat now?\n</think>\n\n{"decision": "refund"}')
    assert llama.complete(ask()).text == '{"decision": "refund"}'


def test_text_in_parts_is_put_together(llama: ModelProvider, vendor: VendorServer) -> None:
    vendor.say(message={"content": [{"type": "text", "text": "do"}, {"type": "text", "text": "ne"}]})
    assert llama.complete(ask()).text == "done"


def test_a_server_without_a_key_gets_a_placeholder(
    provider_of: Callable[..., ModelProvider], vendor: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-house")
    vendor.say(text="done")
    provider_of("openai_chat", api_key="").complete(ask())
    assert vendor.requests[0].headers["authorization"] == "Bearer none"
