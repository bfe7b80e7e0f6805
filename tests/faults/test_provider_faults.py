"""R16: whatever a model vendor does on the wire, the run waits, goes on or reaches a person: never stuck, never lost."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents import turn
from agents.models import Provider, Run, Step
from agents.providers import registry
from agents.states import RunState, StepKind
from approvals.models import Request
from config.secrets import seal
from tests.audit_checker import history_problems
from tests.driving import hurry, work
from tests.factories import refund_agent, refund_run
from tests.shop import Shop
from tests.vendors import Answer, VendorServer, call

KINDS = {"anthropic": "claude-sonnet-4-6", "openai": "gpt-5", "openai_chat": "llama3.3"}
CUT_OFF = {"anthropic": "max_tokens", "openai": "max_output_tokens", "openai_chat": "length"}
DONE = Answer(text='{"decision": "refunded", "confidence": 0.9}')
WISH = {"order_id": "20871", "amount_minor": 4_000, "currency": "EUR", "reason": "Broken.", "confidence": 0.9}
Fault = Callable[[VendorServer], None]

# What a vendor may do once before it is well again.
PASSING: dict[str, Fault] = {
    "429": lambda vendor: vendor.fail(429),
    "429 with retry-after": lambda vendor: vendor.fail(429, retry_after="7"),
    "500": lambda vendor: vendor.fail(500),
    "503": lambda vendor: vendor.fail(503),
    "529": lambda vendor: vendor.fail(529),
    "drop": lambda vendor: vendor.drop(),
    "half an answer": lambda vendor: vendor.half(),
    "hang": lambda vendor: vendor.hang(3),
    "empty body": lambda vendor: vendor.raw(b""),
    "not JSON": lambda vendor: vendor.raw(b"<html>busy</html>"),
    "empty object": lambda vendor: vendor.raw(b"{}"),
    "a list": lambda vendor: vendor.raw(b"[]"),
    "wrong types": lambda vendor: vendor.raw(b'{"id": 7, "content": 7, "output": 7, "choices": 7, "usage": "x"}'),
    "empty answer": lambda vendor: vendor.say(text=""),
    "prose": lambda vendor: vendor.say(text="Sure, I will look into it!"),
    "NUL bytes": lambda vendor: vendor.say(text="a\x00b"),
    "malformed arguments": lambda vendor: vendor.say(call("shop.refund_order", "please", raw='{"order_id": ')),
    "wrong arguments": lambda vendor: vendor.say(call("shop.refund_order", {**WISH, "amount_minor": "much"})),
    "unknown tool": lambda vendor: vendor.say(call("shop.burn_down", {})),
    "same id twice": lambda vendor: vendor.say(
        call("shop.get_order", {"order_id": "1"}, id="twin"), call("shop.get_order", {"order_id": "2"}, id="twin")
    ),
    "two hundred kilobytes": lambda vendor: vendor.say(text="x" * 200_000),
}
LASTING: dict[str, Fault] = {
    "401": lambda vendor: vendor.fail(401),
    "400": lambda vendor: vendor.fail(400),
    "404": lambda vendor: vendor.fail(404),
    "always 500": lambda vendor: [vendor.fail(500) for _ in range(20)] and None,
    "always 429": lambda vendor: [vendor.fail(429, retry_after="1") for _ in range(20)] and None,
    "always prose": lambda vendor: [vendor.say(text="I am not sure.") for _ in range(20)] and None,
    "refusal": lambda vendor: vendor.say(text="", refusal="I cannot help with that."),
}


@pytest.fixture
def vendor(shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    monkeypatch.setattr(turn, "MODEL_TIMEOUT_S", 1.0)
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = [*settings.OUTBOUND_ALLOW, *server.allow]
        yield server
    registry.forget()


def begin(vendor: VendorServer, kind: str) -> Run:
    Provider.objects.create(name="house", kind=kind, base_url=vendor.url(kind), api_key=seal("sk-test"))
    refund_agent(model=f"house/{KINDS[kind]}")
    return refund_run()


def play(run: Run) -> Run:
    """Work as long as the run waits for nobody; a pause before the next attempt is skipped."""
    for _ in range(12):
        work()
        run.refresh_from_db()
        if run.state != RunState.QUEUED:
            break
        assert run.waiting_for and run.due_at, "it waits and does not say for what"
        hurry(run)
    return run


def well_again(vendor: VendorServer) -> None:
    vendor.say(call("shop.refund_order", WISH))
    vendor.queue(DONE)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_passing_faults_do_not_change_how_a_run_ends(kind: str, vendor: VendorServer, shop: Shop) -> None:
    """All of them in turn, each on a run of its own, so that one database serves them all."""
    first = begin(vendor, kind)
    ended = {}
    for number, (name, fault) in enumerate(PASSING.items()):
        run = first if number == 0 else refund_run()
        vendor._lines.clear()
        fault(vendor)
        well_again(vendor)
        paid = len(shop.paid("20871"))
        play(run)
        ended[name] = (run.state, len(shop.paid("20871")) - paid)
    wrong = {name: end for name, end in ended.items() if end != (RunState.COMPLETED, 1)}
    assert wrong == {}
    assert history_problems() == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_lasting_faults_reach_a_person(kind: str, vendor: VendorServer, shop: Shop) -> None:
    first = begin(vendor, kind)
    ended = {}
    faults = {**LASTING, "always cut off": lambda v: [v.say(text='{"dec', stop=CUT_OFF[kind]) for _ in range(20)]}
    for number, (name, fault) in enumerate(faults.items()):
        run = first if number == 0 else refund_run()
        vendor._lines.clear()
        asked = len(vendor.requests)
        fault(vendor)
        play(run)
        to_person = Request.objects.filter(run_id=run.pk, kind="hand_off", state="open").count()
        ended[name] = (run.state, to_person, len(vendor.requests) - asked <= 6)
    wrong = {name: end for name, end in ended.items() if end != (RunState.ESCALATED, 1, True)}
    assert wrong == {}
    assert shop.refunds == {}
    assert history_problems() == []


def test_retry_after_is_waited_for(vendor: VendorServer, shop: Shop) -> None:
    run = begin(vendor, "openai_chat")
    vendor.fail(429, retry_after="37")
    work()
    run.refresh_from_db()
    failed = Step.objects.get(run=run, kind=StepKind.MODEL_FAILED)
    assert run.state == RunState.QUEUED
    assert 34 < (run.due_at - failed.created_at).total_seconds() < 40
