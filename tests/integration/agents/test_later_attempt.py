"""A later attempt that did nothing is no proof about an earlier one (INVARIANTS I9)."""

import threading
import time

import pytest

from agents.models import Action
from agents.providers.scripted import ScriptedProvider
from approvals.models import Request
from tests.driving import work
from tests.factories import refund_agent, refund_run, says, wants_refund
from tests.shop import Shop


def _after_first_effect(shop: Shop, fault: str) -> threading.Thread:
    """Change what happens at the shop as soon as the first refund was made."""

    def change() -> None:
        deadline = time.monotonic() + 10
        while not shop.refunds and time.monotonic() < deadline:
            time.sleep(0.005)
        if fault == "gone":
            assert shop.server is not None
            shop.server.socket.close()
        else:
            shop.faults["/refunds"] = fault

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("fault", ["refuse", "gone"])
def test_refund_that_acted_and_hung_is_unknown_whatever_later_attempts_hear(
    fault: str, shop: Shop, model: ScriptedProvider
) -> None:
    refund_agent()
    shop.faults["/refunds"] = "acts_then_hangs"
    model.say(says("", wants_refund(4_000)))
    refund_run()
    changing = _after_first_effect(shop, fault)

    work()

    changing.join()
    assert shop.paid("20871") == [4_000]
    assert Action.objects.get().state == "unknown"
    assert Request.objects.get(state="open").kind == "unknown_outcome"
