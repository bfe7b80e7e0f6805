"""Which run a change in the shop came from: the idempotency key that it carried tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from agents.models import Run
from agents.selectors import actions_visible_to
from integrations.practice.models import Change


@dataclass(frozen=True, slots=True)
class Traced:
    """A change, and the run that made it where this person may see that."""

    change: Change
    run: Run | None


def traced(changes: Iterable[Change], user: Any) -> list[Traced]:
    """Return the changes in their order, each with its run."""
    rows = list(changes)
    keys = [row.idempotency_key for row in rows if row.idempotency_key]
    actions = actions_visible_to(user).filter(key__in=keys).select_related("run__agent")
    runs = {action.key: action.run for action in actions}
    return [Traced(row, runs.get(row.idempotency_key)) for row in rows]
