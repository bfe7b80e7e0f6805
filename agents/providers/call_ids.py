"""Ids of tool calls, made legal for every vendor and unique in the conversation."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agents.providers.base import AssistantTurn, Message, ToolCall

_LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def settle_ids(calls: Sequence[ToolCall], messages: Iterable[Message]) -> tuple[ToolCall, ...]:
    """Return the calls with ids that no earlier call of the conversation has.

    A vendor that sends none, one twice, or one that another vendor would refuse (fallback) gets a new one;
    result and history use the new one alike, so the pair stays a pair.
    """
    taken = {call.id for message in messages if isinstance(message, AssistantTurn) for call in message.calls}
    settled = []
    for call in calls:
        settled.append(replace(call, id=_free(call.id, taken)))
        taken.add(settled[-1].id)
    return tuple(settled)


def _free(wanted: str, taken: set[str]) -> str:
    legal = wanted if _LEGAL.fullmatch(wanted) else _made(wanted)
    if legal not in taken:
        return legal
    number = 2
    while f"{legal[:58]}_{number}" in taken:
        number += 1
    return f"{legal[:58]}_{number}"


def _made(wanted: str) -> str:
    return "call_" + hashlib.sha256(wanted.encode("utf-8", "surrogatepass")).hexdigest()[:16] if wanted else "call_1"
