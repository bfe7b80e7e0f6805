"""The actions' side of approvals.ports: reading what is signed, and replacing it by what a person edited."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.cards import changes_of
from agents.envelope import opened
from agents.guards.ensuring import broken_checks
from agents.looking import look_again, look_up
from agents.models import Action, Agent, Run
from agents.moves import move_action
from agents.overtaken import is_halted_to_look, what_moved
from agents.past import count_past, latest_past, past_action, past_actions, split_past
from agents.proposing import Proposal, money_problems, propose
from agents.spec import parse_spec
from agents.states import ActionState
from agents.tools.arguments import problems_of
from agents.tools.base import Tool
from agents.tools.lookups import read_check, resolve_target
from agents.tools.paths import value_at
from agents.tools.registry import get_tool, tools_matching, tools_named
from approvals.audit import Actor, record
from approvals.controls import stored_controls
from approvals.database_clock import database_now
from approvals.errors import BadArguments
from approvals.models import Request
from approvals.policy.canonical import NotCanonical, exact
from approvals.policy_versions import ActivePolicy, active_policy
from approvals.ports import KnownTool, Looked, PastAction, Span, StoredAction, Successor
from approvals.selectors import request_of_action


class Ledger:
    """Registered with approvals at start (agents.apps)."""

    def read(self, ids: Sequence[UUID]) -> Mapping[UUID, StoredAction]:
        rows = list(Action.objects.filter(pk__in=ids).select_related("run"))
        tools = tools_named({row.tool for row in rows})
        policy = active_policy() if any(row.state == ActionState.PENDING for row in rows) else None
        found = {row.pk: _stored(row, tools.get(row.tool), policy) for row in rows}
        missing = [pk for pk in ids if pk not in found]
        return {**found, **stored_controls(missing)} if missing else found

    def tools(self) -> Sequence[KnownTool]:
        return [
            KnownTool(tool.name, tool.description, tool.effect.value, tool.schema, tool.authority)
            for tool in tools_matching(["*"]).values()
        ]

    def past(self, span: Span) -> Iterator[PastAction]:
        return past_actions(span)

    def count_past(self, span: Span) -> int:
        return count_past(span)

    def split_past(self, span: Span, parts: int) -> Sequence[datetime]:
        return split_past(span, parts)

    def past_action(self, action_id: UUID) -> PastAction | None:
        return past_action(action_id)

    def latest_past(self, *, tool: str, teams: Collection[int] | None, limit: int) -> Sequence[PastAction]:
        return latest_past(tool=tool, teams=teams, limit=limit)

    def knows(self, kind: str, name: str) -> bool:
        if kind == "agent":
            return Agent.objects.filter(name=name).exists()
        return bool(tools_matching([name if kind == "tool" else f"{name}.*"]))

    def in_flight(self, scope: str) -> int:
        kind, _, name = scope.partition(":")
        rows = Action.objects.filter(state=ActionState.EXECUTING, run__lease_expires_at__gt=database_now())
        field = {"agent": "run__agent__name", "tool": "tool", "connection": "connection"}
        return rows.filter(**{field[kind]: name}).count() if name else rows.count()

    def look_again(self, *, request: Request, user: Any) -> Looked:
        if request.control:
            return Looked("It was read again: nothing has changed.")
        return look_again(request=request, user=user)

    def look_up(self, *, request: Request, user: Any) -> str:
        return look_up(request=request, user=user)

    def edit(self, *, request: Request, arguments: Mapping[str, Any], editor: Any, now: datetime) -> Successor:
        """Supersede the action by one with these arguments, judged by schema and policy again.

        The caller holds the request's row. Raises BadArguments with a sentence per field.
        """
        run = Run.objects.select_for_update(of=("self",)).select_related("agent", "version").get(pk=str(request.run_id))
        action = Action.objects.select_for_update().get(pk=str(request.action_id))
        action.run = run
        tool = _tool_of(action)
        given = _checked(tool, arguments)
        actor = Actor.person(editor)
        move_action(action, ActionState.SUPERSEDED, actor=actor, why="edited", ended_at=now)
        proposal = _edited(action, tool, given, editor.pk)
        successor, _ = propose(run, parse_spec(run.version.document), proposal, actor=actor, now=now)
        _write_difference(action, successor, actor)
        return Successor(
            action_id=successor.pk,
            digest=successor.digest,
            state=successor.state,
            request=request_of_action(successor.pk),
            same_target=_same_target(tool, opened(action.canonical)["arguments"], given),
        )


def _stored(action: Action, tool: Tool | None, policy: ActivePolicy | None) -> StoredAction:
    money = tool.money if tool else None
    waits = action.state == ActionState.PENDING and policy is not None
    return StoredAction(
        id=action.pk,
        run_id=action.run_id,
        run_number=action.run.number,
        tool=action.tool,
        effect=action.effect,
        state=action.state,
        canonical=bytes(action.canonical),
        digest=action.digest,
        arguments=opened(action.canonical)["arguments"],
        schema=tool.schema if tool else {},
        money_paths=(money.amount, money.currency) if money else ("", ""),
        result=action.result,
        error=action.error,
        attempts=action.attempts,
        moved=what_moved(action, tool, policy) if waits and policy else "",
        can_be_looked_up=tool is not None and tool.lookup is not None,
        undone_by=tool.compensate_with if tool and action.state == ActionState.SUCCEEDED else "",
    )


def _tool_of(action: Action) -> Tool:
    tool = get_tool(action.tool)
    if tool is None:
        raise BadArguments(f"{action.tool} no longer exists; reject this action instead.", problems=[])
    return tool


def _write_difference(before: Action, successor: Action, actor: Actor) -> None:
    """What the person changed stands in the audit trail, also where nobody ever opens a card of the successor."""
    record(
        actor=actor,
        verb="action.edited",
        subject_type="action",
        subject_id=successor.pk,
        subject=before.run.subject,
        run_id=before.run_id,
        agent=before.run.agent.name,
        digest=successor.digest,
        replaces=str(before.pk),
        changes=changes_of(before, successor),
    )


def _checked(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        given: dict[str, Any] = exact(arguments)
    except NotCanonical as problem:
        raise BadArguments(str(problem), problems=[str(problem)]) from None
    problems = problems_of(tool.schema, given) or money_problems(tool, given)
    if problems:
        raise BadArguments(" ".join(problems), problems=problems)
    return given


def _edited(action: Action, tool: Tool, arguments: Mapping[str, Any], editor_id: int) -> Proposal:
    before = opened(action.canonical)
    # Looked up again only when the record is another one: a person waits for this page.
    same = _same_target(tool, before["arguments"], arguments)
    if not same or tool.ensure:
        _check_may_look(action, tool)
    return Proposal(
        call_id=action.call_id,
        turn=action.turn,
        position=action.position,
        tool=tool,
        arguments=arguments,
        reason=action.reason,
        confidence=action.confidence,
        target=action.target if same else resolve_target(tool, arguments),
        checked=before.get("checked") if same else read_check(tool, arguments),
        replaces=action,
        editor_id=editor_id,
        broken=tuple(one.flag for one in broken_checks(tool, arguments)),
    )


def _check_may_look(action: Action, tool: Tool) -> None:
    """Raise BadArguments while a halt covers the look-ups."""
    if is_halted_to_look(action.run.agent.name, tool):
        said = "This is halted, so another record cannot be looked up now. Edit it once the halt is released."
        raise BadArguments(said, problems=[said])


def _same_target(tool: Tool, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether every authority argument but the money says the same: same recipient, record, account."""
    money = {tool.money.amount} if tool.money else set()
    paths = {*tool.authority, *([tool.target.argument] if tool.target else [])} - money
    return all(value_at(before, path) == value_at(after, path) for path in paths)
