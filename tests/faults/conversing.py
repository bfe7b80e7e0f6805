"""A scripted clerk who answers by what has been said, so that any worker may ask it the same question again."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agents.models import Run
from agents.providers.base import AssistantTurn, ModelReply, ModelRequest
from tests.factories import DONE, refund_run, says, wants_refund

SMALL, LARGE = 4_000, 64_000


def order_of(request: ModelRequest) -> str:
    found = re.search(r"order-\d+", str(request.messages[0]))
    assert found is not None
    return found.group()


def clerk(amount_minor: int = SMALL) -> Callable[[ModelRequest], ModelReply]:
    """Return a model that refunds this amount for the order it is told of, and ends."""

    def answer(request: ModelRequest) -> ModelReply:
        if any(isinstance(message, AssistantTurn) for message in request.messages):
            return DONE
        return says("", wants_refund(amount_minor, order_id=order_of(request)))

    return answer


class Clerk:
    """A provider of any name that always answers with one function: for many runs at once, in threads or forks."""

    kind = "scripted"

    def __init__(self, answer: Callable[[ModelRequest], ModelReply], *, name: str = "scripted") -> None:
        self.name = name
        self.answer = answer

    def complete(self, request: ModelRequest) -> ModelReply:
        return replace(self.answer(request), provider=self.name, model=request.model)


def order_runs(count: int, *, first: int = 100, **facts: Any) -> list[Run]:
    return [refund_run(f"order-{number}", **facts) for number in range(first, first + count)]
