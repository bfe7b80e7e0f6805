"""What every vendor's answer becomes: the official SDKs against a local server, one set of expectations."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from agents.providers.base import AssistantTurn, ModelProvider, ModelRequest, Stop, ToolOutput, ToolOutputs, UserText
from agents.providers.wire import turn_of
from tests.vendors import Tokens, VendorServer, call

Ask = Callable[..., ModelRequest]


def test_a_plain_answer(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.say(text="done", tokens=Tokens(1200, 300, cache_read=200, cache_write=100, reasoning=50))
    reply = provider.complete(ask())
    assert (reply.text, reply.calls, reply.stop) == ("done", (), Stop.END)
    usage = reply.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (1200, 300, 50)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (200, 100)
    assert reply.request_id.startswith("req_") and reply.provider == "house"


def test_what_is_sent_carries_key_limit_system_and_tools(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(text="done")
    provider.complete(ask(max_output_tokens=777))
    asked = vendor.requests[0]
    assert asked.headers["authorization"] == "Bearer sk-secret"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.tools == ["shop_refund_order", "shop_get_order", "hand_off"]
    assert 777 in (asked.body.get("max_tokens"), asked.body.get("max_output_tokens"))
    assert "You settle refunds." in str(asked.body)


def test_parallel_calls_come_back_under_our_names_in_order(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(call("shop.get_order", {"order_id": "A-1"}), call("shop.refund_order", {"amount": 0.1}), text="working")
    reply = provider.complete(ask())
    assert reply.stop == Stop.TOOL_CALLS
    assert [(one.name, one.arguments) for one in reply.calls] == [
        ("shop.get_order", {"order_id": "A-1"}),
        ("shop.refund_order", {"amount": Decimal("0.1")}),
    ]
    assert len({one.id for one in reply.calls}) == 2


def test_results_go_back_to_their_calls(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.say(call("shop.get_order", {"order_id": "A-1"}), call("shop.get_order", {"order_id": "A-2"}))
    vendor.say(text="done")
    first = provider.complete(ask())
    outputs = tuple(ToolOutput(one.id, one.name, f"order {place}") for place, one in enumerate(first.calls))
    provider.complete(ask(UserText("go"), turn_of(first), ToolOutputs(outputs)))
    assert _results_sent(vendor.requests[1].body) == {
        first.calls[0].id: "order 0",
        first.calls[1].id: "order 1",
    }


def test_ids_that_the_vendor_sends_twice_are_told_apart_and_answered_apart(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(call("shop.get_order", {"order_id": "A-1"}, id="same"), call("shop.get_order", {}, id="same"))
    vendor.say(text="done")
    first = provider.complete(ask())
    outputs = tuple(ToolOutput(one.id, one.name, one.id) for one in first.calls)
    provider.complete(ask(UserText("go"), turn_of(first), ToolOutputs(outputs)))
    assert _results_sent(vendor.requests[1].body) == {"same": "same", "same_2": "same_2"}
    assert _calls_sent(vendor.requests[1].body) == ["same", "same_2"]


def test_an_unknown_tool_is_kept_for_the_loop_to_answer(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(call("shop.burn_down", {"all": True}))
    reply = provider.complete(ask())
    assert [(one.name, one.problem) for one in reply.calls] == [("shop_burn_down", "")]


def test_a_refusal(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.say(refusal="I will not.")
    assert provider.complete(ask()).stop == Stop.REFUSED


def test_a_truncated_answer_never_leaves_a_call_that_would_run(
    kind: str, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    word = {"anthropic": "max_tokens", "openai": "max_output_tokens", "openai_chat": "length"}[kind]
    vendor.say(call("shop.get_order", {"order_id": "A-1"}), call("shop.refund_order", {}), stop=word)
    reply = provider.complete(ask())
    assert reply.stop == Stop.TRUNCATED
    assert reply.calls[0].arguments == {"order_id": "A-1"}
    assert reply.calls[1].arguments is None and "cut off" in reply.calls[1].problem


def test_tokens_the_vendor_does_not_count_stay_unknown_and_so_does_the_cost(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(text="done", tokens=Tokens(None, None))
    reply = provider.complete(ask())
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.cost_usd) == (None, None, None)
    assert reply.price_source == "unknown"


def test_a_model_without_a_known_price_costs_unknown_and_not_nothing(
    kind: str, provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(text="done")
    assert provider.complete(ask(model="house/our-own-7b")).cost_usd is None


def test_a_price_on_the_row_is_used(
    kind: str, provider_of: Callable[..., ModelProvider], vendor: VendorServer, ask: Ask
) -> None:
    prices = {"our-own-7b": {"input": "2", "output": "10", "cache_read": "0.2", "cache_write": "2.5"}}
    vendor.say(text="done", tokens=Tokens(1000, 100, cache_read=300, cache_write=200))
    reply = provider_of(kind, prices=prices).complete(ask(model="house/our-own-7b"))
    # 500 x 2 + 300 x 0.2 + 200 x 2.5 + 100 x 10 = 2560 per million
    assert (reply.cost_usd, reply.price_source) == (Decimal("0.00256"), "provider")


def test_nul_and_half_surrogates_in_an_answer_become_storable(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(call("shop.refund_order", {"note": "a\x00b"}), text="a\x00b\ud800c")
    reply = provider.complete(ask())
    assert reply.text == "a�b�c"
    assert reply.calls[0].arguments is None and reply.calls[0].problem
    assert "\x00" not in reply.calls[0].raw


def test_an_ending_before_any_word_is_an_empty_answer(provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.say(text="")
    reply = provider.complete(ask())
    assert (reply.text, reply.calls, reply.stop) == ("", (), Stop.END)


def test_a_turn_in_which_the_model_said_nothing_can_be_sent_again(
    provider: ModelProvider, vendor: VendorServer, ask: Ask
) -> None:
    vendor.say(text="done")
    provider.complete(ask(UserText("go"), AssistantTurn("", (), "house"), UserText("say something")))
    assert '"text": ""' not in str(vendor.requests[0].body)


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_system_prompt_is_left_out(text: str, provider: ModelProvider, vendor: VendorServer, ask: Ask) -> None:
    vendor.say(text="done")
    assert provider.complete(ask(system=text.strip())).text == "done"


def _results_sent(body: Any) -> dict[str, str]:
    if "input" in body:
        return {item["call_id"]: item["output"] for item in body["input"] if item.get("type") == "function_call_output"}
    if any(message["role"] == "tool" for message in body["messages"]):
        return {entry["tool_call_id"]: entry["content"] for entry in body["messages"] if entry["role"] == "tool"}
    blocks = [block for message in body["messages"] for block in message["content"] if block["type"] == "tool_result"]
    return {block["tool_use_id"]: block["content"] for block in blocks}


def _calls_sent(body: Any) -> list[str]:
    if "input" in body:
        return [item["call_id"] for item in body["input"] if item.get("type") == "function_call"]
    calls = [one["id"] for entry in body["messages"] for one in entry.get("tool_calls", ())]
    blocks = [block for entry in body["messages"] if isinstance(entry["content"], list) for block in entry["content"]]
    return calls or [block["id"] for block in blocks if block["type"] == "tool_use"]
