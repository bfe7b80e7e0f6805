"""What of a run can be taken back, and by which call. Reads rows and tools; changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q

from agents.envelope import opened
from agents.models import Action
from agents.states import ActionState
from agents.tools.base import Tool
from agents.tools.paths import value_at
from agents.tools.registry import get_tool
from approvals.policy.action import Effect


class Fate(StrEnum):
    """What a rollback can do about one action."""

    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"
    UNKNOWN = "unknown"
    UNDERWAY = "under way"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Planned:
    """One action as a rollback sees it: what can be done, the call that would do it, and why not where none can."""

    action: Action
    fate: Fate
    tool: str = ""
    arguments: Mapping[str, Any] | None = None
    why: str = ""


# What has, or may have, changed something outside; everything else of a run left no trace there.
_TOUCHED = (
    ActionState.SUCCEEDED,
    ActionState.UNKNOWN,
    ActionState.EXECUTING,
    ActionState.COMPENSATING,
    ActionState.COMPENSATED,
)
_FATES = {
    ActionState.UNKNOWN: (Fate.UNKNOWN, "Whether it happened is not known yet. A person settles that first."),
    ActionState.EXECUTING: (Fate.UNKNOWN, "It is on its way right now."),
    ActionState.COMPENSATING: (Fate.UNDERWAY, "It is being taken back already."),
    ActionState.COMPENSATED: (Fate.UNDONE, "It was taken back."),
}


def actions_to_undo(since: datetime | None, until: datetime | None, run_ids: Iterable[UUID]) -> list[Action]:
    """Return what these runs changed outside within the span, the newest first."""
    span = Q()
    if since:
        span &= Q(first_sent_at__gte=since)
    if until:
        span &= Q(first_sent_at__lt=until)
    rows = Action.objects.filter(span, run_id__in=run_ids, state__in=_TOUCHED).exclude(effect=Effect.READ)
    # What takes something back is not itself undone: the first action would come to life again.
    rows = rows.filter(compensates__isnull=True)
    return list(rows.select_related("run__agent").order_by("-first_sent_at", "-created_at"))


def plan_of(actions: Sequence[Action]) -> list[Planned]:
    """Return each action with what can be done about it, in the order of undoing."""
    return [_planned(action) for action in actions]


def _planned(action: Action) -> Planned:
    known = _FATES.get(ActionState(action.state))
    if known:
        return Planned(action, known[0], why=known[1])
    tool = get_tool(action.tool)
    if tool is None:
        return Planned(action, Fate.IRREVERSIBLE, why=f"{action.tool} no longer exists.")
    if not tool.compensate_with:
        return Planned(action, Fate.IRREVERSIBLE, why="No tool is named that takes it back.")
    return _by_compensator(action, tool)


def _by_compensator(action: Action, tool: Tool) -> Planned:
    name = f"{tool.connection}.{tool.compensate_with}"
    compensator = get_tool(name)
    if compensator is None:
        return Planned(action, Fate.IRREVERSIBLE, why=f"{name}, which would take it back, no longer exists.")
    arguments = _arguments(action, tool, compensator)
    missing = [field for field in compensator.schema.get("required", ()) if field not in arguments]
    if missing:
        said = f"{name} needs {', '.join(missing)}, and neither the result nor the arguments hold it."
        return Planned(action, Fate.IRREVERSIBLE, why=said)
    return Planned(action, Fate.REVERSIBLE, tool=name, arguments=arguments)


def _arguments(action: Action, tool: Tool, compensator: Tool) -> dict[str, Any]:
    """Fill the compensator's arguments: as the override maps them, else what has the same name, the result's first."""
    sources = {"result": action.result, "args": opened(action.canonical)["arguments"]}
    mapped = {name: value_at(sources, path) for name, path in tool.compensate_arguments}
    alike = {
        name: value_at(source, name)
        for source in (sources["args"], sources["result"])
        for name in compensator.schema.get("properties", {})
        if value_at(source, name) is not None
    }
    return {**alike, **{name: value for name, value in mapped.items() if value is not None}}
