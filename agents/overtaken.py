"""Actions that wait for a person while what they are bound to changes: found, and put in the hands of a successor.

A changed rule, tool, account or world supersedes at once, so that nobody reads a card that can no longer be signed.
At execution the same is asked again (agents.acting).
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents.envelope import opened
from agents.guards.ensuring import broken_checks
from agents.models import Action, Run
from agents.moves import move_action
from agents.proposing import Proposal, propose
from agents.receivers import wake
from agents.spec import parse_spec
from agents.states import ActionState
from agents.tools.base import Tool
from agents.tools.lookups import read_check, readers_of, resolve_target
from agents.tools.registry import get_tool, tools_named
from approvals.audit import SYSTEM, Actor
from approvals.database_clock import database_now
from approvals.halts import halted_scopes, scopes_of
from approvals.models import Request
from approvals.policy_versions import ActivePolicy, active_policy, rule_stands, rules_standing
from approvals.selectors import request_of_action
from approvals.services import withdraw_request
from approvals.states import RequestKind, RequestState

log = logging.getLogger("countersign.overtaken")
BATCH = 20
RULE = "The rule that judged this was changed or removed, or has run out."
TOOL = "The tool or the account it uses was changed."
GONE = "The tool that this would use no longer exists."
WORLD = "What this would change has changed since it was asked."


def supersede_overtaken() -> bool:
    """Supersede a few actions that wait and are no longer what was judged. Returns whether there was one: a chore."""
    policy = active_policy()
    done = [_supersede_alone(pk, policy) for pk in overtaken(policy)]
    return any(done)


def overtaken(policy: ActivePolicy, limit: int = BATCH) -> list[UUID]:
    """Return actions with an open approval whose rule is not in force any more, or whose tool is another one now."""
    asked = Request.objects.filter(state=RequestState.OPEN, kind=RequestKind.APPROVAL, action_id__isnull=False)
    waiting = Action.objects.filter(pk__in=asked.values("action_id"), state=ActionState.PENDING)
    standing = rules_standing(policy)
    same_rule = Q(rule_hash__in=[rule.hash for rule in standing], rule_id__in=[rule.id for rule in standing])
    no_rule = ~same_rule & ~Q(verdict__rule__number=0)
    other_tool = _other_tools(waiting.values_list("tool", "tool_version", "account").distinct())
    return list(waiting.filter(no_rule | other_tool).order_by("created_at").values_list("pk", flat=True)[:limit])


def what_moved(action: Action, tool: Tool | None, policy: ActivePolicy) -> str:
    """Return why an action that waits is not bound to what is true now, or ""."""
    if tool is None:
        return GONE
    if tool.version != action.tool_version or tool.account != action.account:
        return TOOL
    judged_by_rule = action.verdict.get("rule", {}).get("number", 0) != 0
    stands = not judged_by_rule or rule_stands(policy, rule_id=action.rule_id, rule_hash=action.rule_hash)
    return "" if stands else RULE


def is_halted_to_look(agent: str, tool: Tool) -> bool:
    """Return whether a halt covers what would be read: nothing is called then, for whoever it may be."""
    scopes = {
        scope
        for name in readers_of(tool)
        for scope in scopes_of(agent=agent, tool=name, connection_name=tool.connection)
    }
    return bool(scopes & halted_scopes())


def supersede_waiting(action: Action, tool: Tool, *, why: str, actor: Actor) -> Request | None:
    """Put a successor with the same arguments in the place of an action that waits, judged by what is true now.

    Reads the world first, outside any transaction. Returns the successor's request; None when it needs nobody, or when
    somebody settled the old one meanwhile.
    """
    proposal = _anew(action, tool)
    with transaction.atomic():
        request = _held(action)
        if request is None:
            return None
        run = Run.objects.select_for_update(of=("self",)).select_related("agent__team", "version").get(pk=action.run_id)
        action.run = run
        now = database_now()
        move_action(action, ActionState.SUPERSEDED, actor=actor, why=why, ended_at=now)
        successor, _ = propose(run, parse_spec(run.version.document), proposal, actor=actor, now=now)
        following = request_of_action(successor.pk)
        withdraw_request(request, actor=actor, why=why, now=now, successor=following)
        if successor.state != ActionState.PENDING:
            wake(run, actor=actor, due_at=now)
        return following


def _other_tools(seen: Sequence[tuple[str, str, str]] | Any) -> Q:
    """Everything that was judged with another version of its tool, or with one that is not there any more."""
    rows = list(seen)
    tools = tools_named({name for name, _, _ in rows})
    moved = Q(pk__in=())
    for name, version, account in rows:
        tool = tools.get(name)
        if tool is None or tool.version != version or tool.account != account:
            moved |= Q(tool=name, tool_version=version, account=account)
    return moved


def _supersede_alone(pk: UUID, policy: ActivePolicy) -> bool:
    """One that cannot be superseded must not keep all others waiting under an old rule."""
    try:
        return _supersede_one(pk, policy)
    except Exception:
        log.exception("The action %s could not be judged again.", pk)
        return False


def _supersede_one(pk: UUID, policy: ActivePolicy) -> bool:
    action = Action.objects.select_related("run__agent", "run__version").get(pk=pk)
    tool = get_tool(action.tool)
    why = what_moved(action, tool, policy)
    if not why or action.state != ActionState.PENDING:
        return False
    if tool is None:
        return _call_off(action, why)
    if is_halted_to_look(action.run.agent.name, tool):
        return False  # nothing can run meanwhile; it is judged again after the release
    supersede_waiting(action, tool, why=why, actor=SYSTEM)
    return True


def _call_off(action: Action, why: str) -> bool:
    """There is nothing left to sign. The loop tells the agent, as it does after every settled action."""
    with transaction.atomic():
        request = _held(action)
        if request is None:
            return False
        run = Run.objects.select_for_update(of=("self",)).select_related("agent__team", "version").get(pk=action.run_id)
        action.run = run
        now = database_now()
        move_action(action, ActionState.CANCELLED, actor=SYSTEM, error=why, ended_at=now)
        withdraw_request(request, actor=SYSTEM, why=why, now=now)
        wake(run, actor=SYSTEM, due_at=now)
    return True


def _held(action: Action) -> Request | None:
    """Lock the request, before the run as every decision does; None when it does not wait any more."""
    rows = Request.objects.select_for_update().filter(action_id=action.pk, kind=RequestKind.APPROVAL)
    request = rows.filter(state=RequestState.OPEN).first()
    fresh = request is not None and Action.objects.filter(pk=action.pk, state=ActionState.PENDING).exists()
    return request if fresh else None


def _anew(action: Action, tool: Tool) -> Proposal:
    arguments: Mapping[str, Any] = opened(action.canonical)["arguments"]
    return Proposal(
        call_id=action.call_id,
        turn=action.turn,
        position=action.position,
        tool=tool,
        arguments=arguments,
        reason=action.reason,
        confidence=action.confidence,
        target=resolve_target(tool, arguments),
        checked=read_check(tool, arguments),
        broken=tuple(one.flag for one in broken_checks(tool, arguments)),
        replaces=action,
        editor_id=action.edited_by_id,
    )
