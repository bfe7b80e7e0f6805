"""Limits' arithmetic: what a run has used against what it may. Pure: no Django."""

from dataclasses import dataclass
from decimal import Decimal

from agents.spec import Limits


@dataclass(frozen=True, slots=True)
class Used:
    """What one run has used so far. active_ms counts model and tool time, not waiting for people."""

    turns: int
    actions: int
    active_ms: int
    cost_usd: Decimal


def limit_reached(used: Used, limits: Limits) -> tuple[str, str]:
    """Return (code, sentence) of the first limit that leaves no room for another turn, or ("", "")."""
    if used.turns >= limits.turns:
        return "limit_turns", f"All {limits.turns} turns of this run are used."
    if used.active_ms >= limits.seconds * 1000:
        return "limit_seconds", f"The {limits.seconds} s of working time of this run are used."
    if limits.cost_usd is not None and used.cost_usd >= limits.cost_usd:
        return "limit_cost", f"The model cost of this run has reached its limit of ${limits.cost_usd}."
    return "", ""


def micro_usd(amount: Decimal) -> int:
    """Return millionths of a dollar, rounded up, so that a sum never looks smaller than it is."""
    return int((amount * 1_000_000).to_integral_value(rounding="ROUND_CEILING"))
