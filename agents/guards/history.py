"""What an agent's earlier calls of a tool looked like: one bounded query, remembered for a few minutes."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agents.envelope import opened
from agents.guards.unusual import MOST_SAMPLES, History, usual_of
from agents.models import Action, Run
from agents.states import ActionState
from agents.tools.base import Tool
from approvals.policy.action import Effect
from approvals.policy.canonical import NotCanonical

REMEMBERED_S = 300.0
# Newest calls of the tool by anybody that are looked through: what keeps the query small in a table of millions.
LOOKED_THROUGH = 4 * MOST_SAMPLES
_MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    at: float
    history: History


_kept: dict[tuple[UUID, str, str], _Kept] = {}


def history_of(run: Run, tool: Tool, currency: str) -> History:
    """Return what is usual for this agent version's agent and this tool, in the currency where money moves.

    A process may know it up to five minutes late: it is a signal, and what must hold is held by policy.
    """
    key, now = (run.version_id, f"{tool.name} {tool.version}", currency), time.monotonic()
    known = _kept.get(key)
    if known is None or now - known.at > REMEMBERED_S:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        known = _kept[key] = _Kept(now, usual_of(list(_samples(run, tool, currency)), watched(tool)))
    return known.history


def watched(tool: Tool) -> tuple[str, ...]:
    """Return the arguments whose range is watched: those that carry power, and the amount."""
    return tuple(dict.fromkeys([*tool.authority, *([tool.money.amount] if tool.money else [])]))


def _samples(run: Run, tool: Tool, currency: str) -> Iterable[dict[str, Any]]:
    done = Action.objects.filter(tool=tool.name, state=ActionState.SUCCEEDED).exclude(effect=Effect.READ)
    newest = done.order_by("-created_at").values("pk")[:LOOKED_THROUGH]
    own = Action.objects.filter(pk__in=newest, run__agent_id=run.agent_id, currency=currency).order_by("-created_at")
    for canonical in own.values_list("canonical", flat=True)[:MOST_SAMPLES]:
        try:
            yield opened(canonical)["arguments"]
        except (NotCanonical, KeyError):
            continue
