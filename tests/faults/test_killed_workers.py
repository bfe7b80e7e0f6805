"""R1, R5, R6: workers are killed and stalled in the middle of 300 runs; nothing is lost, doubled or stuck.

The negative control is the same storm with the guard off: a tool that is sent again without an idempotency key.
"""

import random
import time
from collections import Counter
from typing import Any

from django.contrib.auth.models import User

from agents.models import Provider, Run
from agents.services import retry_run
from agents.states import RUN_ENDED, RunState
from approvals.models import Request
from approvals.services import decide_request
from integrations.models import Connection
from tests.audit_checker import history_problems
from tests.factories import refund_agent, refund_run
from tests.faults.workers import Workers, striking
from tests.shop import Shop
from tests.vendors import Answer, Asked, VendorServer, call

RUNS, CONTROL_RUNS = 300, 60
LONGEST_S = 240


def clerk(asked: Asked) -> Answer:
    """A model behind real HTTP: reads the order, refunds, ends. Orders above 200 are expensive."""
    said = str(asked.body)
    if "refund_id" in said or "rejected" in said:
        return Answer(text='{"decision": "refunded"}')
    order = next(part for part in said.split("order-")[1:])[:3]
    amount = 64_000 if int(order) >= 200 else 4_000
    wish = {
        "order_id": f"order-{order}",
        "amount_minor": amount,
        "currency": "EUR",
        "reason": "broken",
        "confidence": 0.9,
    }
    return Answer(calls=(call("shop.refund_order", wish),))


def prepare(vendor: VendorServer, settings: Any, shop: Shop) -> None:
    vendor.answer_with(clerk)
    Provider.objects.create(name="local", kind="openai_chat", base_url=vendor.url("openai_chat"))
    settings.OUTBOUND_ALLOW = (*shop.allow, *vendor.allow)
    settings.LEASE_S, settings.HEARTBEAT_S = 2, 0.5
    refund_agent(model="local/one")


def storm(signer: User, *, runs: int = RUNS, every_s: float) -> Workers:
    """Let workers be struck until every run has ended; sign what waits as it appears."""
    for number in range(100, 100 + runs):
        refund_run(f"order-{number}")
    deadline = time.monotonic() + LONGEST_S
    with striking(every_s=every_s, stall_s=3) as workers:
        strike_at = time.monotonic() + every_s
        while unfinished() and time.monotonic() < deadline:
            sign_all(signer)
            retry_dead_letters(signer)
            if time.monotonic() > strike_at and workers.kills < 12:
                workers.strike()
                strike_at = time.monotonic() + every_s
            time.sleep(0.05)
    return workers


def retry_dead_letters(person: User) -> None:
    """Do what a person does with a run that three strikes in a row have hit while it was alone: it is not lost."""
    for run in Run.objects.filter(state=RunState.DEAD_LETTER):
        retry_run(run_id=run.pk, user=person)


def unfinished() -> int:
    return Run.objects.exclude(state__in=RUN_ENDED).count()


def sign_all(signer: User) -> None:
    for request in Request.objects.filter(state="open", kind="approval"):
        decide_request(request_id=request.pk, user=signer, vote="approve", digest=request.action_digest, via="api")


def per_order(shop: Shop) -> Counter[str]:
    return Counter(refund["order_id"] for refund in shop.refunds.values())


def test_storm_of_kills_loses_and_doubles_nothing(shop: Shop, settings: Any, second_operator: User) -> None:
    with VendorServer() as vendor:
        prepare(vendor, settings, shop)
        workers = storm(second_operator, every_s=1.5)
    counts = per_order(shop)
    assert workers.kills >= 5 and workers.stalls >= 1
    assert unfinished() == 0, Counter(Run.objects.values_list("state", flat=True))
    assert Run.objects.filter(state=RunState.COMPLETED).count() == RUNS
    assert [order for order, count in counts.items() if count != 1] == []
    assert len(counts) == RUNS
    assert history_problems() == []


def test_same_storm_with_the_guard_off_doubles(shop: Shop, settings: Any, second_operator: User) -> None:
    """Without the key a second attempt is a second refund: the harness must see it."""
    without_key = {
        "refund_order": {
            "effect": "convergent",
            "money": {"amount": "amount_minor", "currency": "currency"},
            "authority": ["order_id", "amount_minor", "currency"],
        }
    }
    Connection.objects.filter(name="shop").update(tools=without_key, timeout_s=0.3)
    rng = random.Random(1)  # noqa: S311 - a repeatable sequence
    shop.hangs = lambda: rng.random() < 0.2
    with VendorServer() as vendor:
        prepare(vendor, settings, shop)
        storm(second_operator, runs=CONTROL_RUNS, every_s=1.5)
    assert sum(count > 1 for count in per_order(shop).values()) > 0
