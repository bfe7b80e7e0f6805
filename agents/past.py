"""Past actions as the policy was asked about them: what is kept beside an action, and the question built again from it.

The arguments and the money are read from the signed bytes, the event from the run. What was not kept is named, never guessed.
"""

from decimal import Decimal
from typing import Any

from approvals.policy.action import ProposedAction


def kept_of(action: ProposedAction) -> dict[str, Any]:
    """Return what the policy was told that stands nowhere else, for the column `judged`."""
    return {
        "mode": action.mode.value,
        "tainted": action.tainted,
        "confidence_floor": _plain(action.confidence_floor),
        "authority": list(action.authority),
        "target_argument": action.target_argument,
        "totals": dict(action.totals),
    }


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
