"""One agent, unchanged, on each vendor's wire and on a foreign shop: only the provider row differs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from agents.models import Provider, Run, Step
from agents.providers import registry
from agents.states import RunState, StepKind
from approvals.models import Request
from approvals.services import decide_request
from config.secrets import seal
from tests.driving import hurry, work
from tests.factories import person, refund_agent, refund_run
from tests.shop import Shop
from tests.vendors import Tokens, VendorServer, call

MODELS = {"anthropic": "claude-sonnet-4-6", "openai": "gpt-5", "openai_chat": "llama3.3"}
DONE = '{"decision": "refunded", "confidence": 0.9}'


@pytest.fixture(params=sorted(MODELS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def vendor(shop: Shop, settings: Any) -> Iterator[VendorServer]:
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, *server.allow]
        yield server
    registry.forget()


def _provider(vendor: VendorServer, kind: str, name: str = "house") -> None:
    prices = {"llama3.3": {"input": "0.10", "output": "0.40"}}
    Provider.objects.create(name=name, kind=kind, base_url=vendor.url(kind), api_key=seal("sk-test"), prices=prices)


def _refund(amount_minor: int, **more: Any) -> Any:
    arguments = {
        "order_id": "20871",
        "amount_minor": amount_minor,
        "currency": "EUR",
        "reason": "Broken.",
        "confidence": 0.9,
    }
    return call("shop.refund_order", {**arguments, **more})


def test_a_refund_from_event_to_countersigned_effect(kind: str, vendor: VendorServer, shop: Shop) -> None:
    _provider(vendor, kind)
    refund_agent(model=f"house/{MODELS[kind]}")
    vendor.say(call("shop.get_order", {"order_id": "20871"}), tokens=Tokens(1000, 100))
    vendor.say(_refund(64_000), tokens=Tokens(2000, 200, cache_read=1000))
    vendor.say(text=DONE, tokens=Tokens(3000, 300, cache_read=2000))
    run = refund_run()
    work()
    request = Request.objects.get(state="open")
    assert shop.paid("20871") == []
    signer = person("second-operator", "operator", limits={"EUR": 1_000_000})
    decide_request(request_id=request.pk, user=signer, vote="approve", digest=request.action_digest)
    hurry(run)
    work()
    run.refresh_from_db()
    assert (run.state, shop.paid("20871")) == (RunState.COMPLETED, [64_000])
    assert (run.input_tokens, run.output_tokens, run.cache_read_tokens) == (6000, 600, 3000)
    # 3,000 full and 3,000 cached tokens in, 600 out, at each vendor's price
    assert (
        run.cost_usd
        == {
            "anthropic": Decimal("0.0189"),
            "openai": Decimal("0.010125"),
            "openai_chat": Decimal("0.00084"),
        }[kind]
    )


def test_the_result_of_a_call_reaches_the_model_as_foreign_text(kind: str, vendor: VendorServer, shop: Shop) -> None:
    _provider(vendor, kind)
    refund_agent(model=f"house/{MODELS[kind]}")
    vendor.say(call("shop.get_order", {"order_id": "20871"}))
    vendor.say(text=DONE)
    refund_run()
    work()
    assert "foreign source" in str(vendor.requests[1].body)
    assert vendor.requests[1].tools[-2:] == ["hand_off", "ask_person"]


def test_malformed_and_unknown_calls_are_answered_and_the_run_goes_on(
    kind: str, vendor: VendorServer, shop: Shop
) -> None:
    _provider(vendor, kind)
    refund_agent(model=f"house/{MODELS[kind]}")
    vendor.say(call("shop.refund_order", "please", raw='{"order_id": '), call("shop.burn_down", {}))
    vendor.say(text=DONE)
    run = refund_run()
    work()
    run.refresh_from_db()
    assert (run.state, shop.paid("20871")) == (RunState.COMPLETED, [])
    said = str(vendor.requests[1].body)
    assert "could not be read" in said or "must be a JSON object" in said


def test_a_vendor_that_is_down_is_replaced_by_the_next_of_the_chain(vendor: VendorServer, shop: Shop) -> None:
    _provider(vendor, "anthropic", "first")
    _provider(vendor, "openai_chat", "second")
    refund_agent(model="first/claude-sonnet-4-6", fallback=["second/llama3.3"])
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    vendor.say(call("shop.get_order", {"order_id": "20871"}), blocks=[thought])
    vendor.fail(529)
    vendor.say(text=DONE)
    run = refund_run()
    work()
    run.refresh_from_db()
    assert run.state == RunState.COMPLETED
    assert [asked.wire for asked in vendor.requests] == ["anthropic", "anthropic", "openai_chat"]
    assert "thinking" in str(vendor.requests[1].body) and "c2ln" not in str(vendor.requests[2].body)
    reply = Step.objects.filter(run=run, kind=StepKind.MODEL).latest("number").data["reply"]
    assert [tried["model"] for tried in reply["tried"]] == ["first/claude-sonnet-4-6"]


def test_a_refusal_is_handed_to_a_person(kind: str, vendor: VendorServer, shop: Shop) -> None:
    _provider(vendor, kind)
    refund_agent(model=f"house/{MODELS[kind]}")
    vendor.say(refusal="I will not.")
    run = refund_run()
    work()
    run.refresh_from_db()
    assert run.state == RunState.ESCALATED and Request.objects.filter(kind="hand_off").exists()


@pytest.mark.parametrize("fault", ["empty", "drop", "half", "500", "429", "huge", "wrong key"])
def test_no_fault_of_a_vendor_loses_the_run(fault: str, kind: str, vendor: VendorServer, shop: Shop) -> None:
    _provider(vendor, kind)
    refund_agent(model=f"house/{MODELS[kind]}")
    _cause(vendor, fault)
    vendor.say(text=DONE)
    run = refund_run()
    for _ in range(3):
        work()
        hurry(run)
    assert Run.objects.get(pk=run.pk).state in (RunState.COMPLETED, RunState.ESCALATED)
    assert len(vendor.requests) <= 2


def _cause(vendor: VendorServer, fault: str) -> None:
    match fault:
        case "empty":
            vendor.raw(b"")
        case "drop":
            vendor.drop()
        case "half":
            vendor.half()
        case "huge":
            vendor.raw(b'{"content": "' + b"x" * (9 << 20) + b'"}')
        case "wrong key":
            vendor.fail(401)
        case status:
            vendor.fail(int(status), retry_after="1")
