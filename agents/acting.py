"""Executing one action of a run: asked again, begun, done, settled; or superseded because the world has moved."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from agents import endings, journal
from agents.answers import answer_action
from agents.envelope import opened
from agents.errors import MoveRefused
from agents.guards.ensuring import broken_checks
from agents.models import Action
from agents.moves import hold_lease, move_action
from agents.next_step import HandOff
from agents.pool import give_back
from agents.proposing import Proposal, judged, propose
from agents.selectors import halted_as
from agents.settling import ask_what_happened, settle_action
from agents.states import ActionState, StepKind
from agents.tools.base import Tool
from agents.tools.execution import NotBegun, run_tool_call
from agents.tools.lookups import read_check, resolve_target
from agents.work import Work
from approvals.audit import record
from approvals.database_clock import database_now
from approvals.halts import scopes_of
from approvals.policy.action import Effect
from approvals.policy.verdict import Level, Verdict, is_stricter, verdict_from_json
from approvals.policy_versions import ActivePolicy, active_policy, judge_action, rule_stands
from approvals.reviewers import revoked_reviewer
from approvals.selectors import request_of_action
from approvals.services import expire_overdue_requests, lock_requests_of_run, withdraw_request
from approvals.states import RequestState

_RULE_GONE = "The rule that judged this was changed or removed, or its time is over."
# What begin_effect may answer when the bytes or their columns were changed behind our back.
_TAMPERED = {"digest_changed", "binding_changed", "not_approved", "already_consumed", "no_action"}


def run_action(work: Work, action_id: object) -> bool:
    """Execute the action and write what became of it. Returns True when the run waits or has ended."""
    action = next(action for action in work.actions if action.pk == action_id)
    tool = work.tools.get(action.tool)
    if tool is None:
        return _cancel(work, action, f"{action.tool} no longer exists, or this agent may not use it any more.")
    policy = active_policy()
    if action.state != ActionState.EXECUTING:
        moved = _what_has_moved(work, action, tool, policy)
        if moved:
            _supersede(work, action, tool, why=moved)
            return False
    done = run_tool_call(work.run, work.spec, action, tool, policy, actor=work.actor.label)
    if isinstance(done, NotBegun):
        return _not_begun(work, action, done)
    settle_action(work.run, action, done, actor=work.actor, hidden=work.placeholders)
    return False


def _what_has_moved(work: Work, action: Action, tool: Tool, policy: ActivePolicy) -> str:
    """Return why this action may no longer run as it was judged, or ""."""
    if tool.version != action.tool_version or tool.account != action.account:
        return "The tool or the account it uses was changed."
    if tool.effect is Effect.READ and action.state == ActionState.ALLOWED and action.policy_id == policy.id:
        return "" if _rule_stands(action, policy) else _RULE_GONE
    proposal = _again(action, tool)
    verdict, _ = judge_action(judged(work.run, work.spec, proposal), policy)
    if not _rule_stands(action, policy):
        return _RULE_GONE
    if _is_stricter_now(action, verdict):
        return f"The policy is stricter now: {verdict.why}"
    return _who_or_what_changed(action, tool)


def _is_stricter_now(action: Action, verdict: Verdict) -> bool:
    """Judge by the state the action is in, not by what its row says of an earlier verdict, where that is enough."""
    if action.state == ActionState.ALLOWED:
        return verdict.level not in (Level.ALONE, Level.NOTIFY)
    try:
        return is_stricter(verdict, verdict_from_json(action.verdict))
    except (TypeError, ValueError, KeyError):
        return True


def _who_or_what_changed(action: Action, tool: Tool) -> str:
    # The world first, for that takes seconds: whoever is revoked meanwhile must not count any more.
    if tool.check is not None or tool.ensure:
        give_back()
        envelope = opened(action.canonical)
        if tool.check is not None and read_check(tool, envelope["arguments"]) != envelope.get("checked"):
            return "What this would change has changed since it was signed."
        broken = _newly_broken(action, tool, envelope["arguments"])
        if broken:
            return broken
    request = request_of_action(action.pk) if action.state == ActionState.APPROVED else None
    return revoked_reviewer(request) if request is not None else ""


def _newly_broken(action: Action, tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Return which integrity check does not hold any more, or "". What a person has signed knowing it is not asked again."""
    request = request_of_action(action.pk) if tool.ensure and action.state == ActionState.APPROVED else None
    known = {flag["text"] for flag in (request.card.get("flags") or [] if request else [])}
    return " ".join(one.say for one in broken_checks(tool, arguments) if one.say not in known)


def _rule_stands(action: Action, policy: ActivePolicy) -> bool:
    if action.verdict["rule"]["number"] == 0:
        return True
    return rule_stands(policy, rule_id=action.rule_id, rule_hash=action.rule_hash)


def _again(action: Action, tool: Tool, *, look: bool = False) -> Proposal:
    arguments = opened(action.canonical)["arguments"]
    if look:
        give_back()
    return Proposal(
        call_id=action.call_id,
        turn=action.turn,
        position=action.position,
        tool=tool,
        arguments=arguments,
        reason=action.reason,
        confidence=action.confidence,
        target=resolve_target(tool, arguments) if look else action.target,
        checked=read_check(tool, arguments) if look else None,
        broken=tuple(one.flag for one in broken_checks(tool, arguments)) if look else (),
        replaces=action if look else None,
        editor_id=action.edited_by_id,
    )


def _supersede(work: Work, action: Action, tool: Tool, *, why: str) -> None:
    """Put a successor with the same arguments in the action's place, judged by what is true now."""
    proposal = _again(action, tool, look=True)
    with transaction.atomic():
        lock_requests_of_run(work.run.pk)
        hold_lease(work.run)
        now = database_now()
        request = request_of_action(action.pk)
        move_action(action, ActionState.SUPERSEDED, actor=work.actor, why=why, ended_at=now)
        successor, flags = propose(work.run, work.spec, proposal, actor=work.actor, now=now)
        if request is not None and request.state in (RequestState.OPEN, RequestState.APPROVED):
            following = request_of_action(successor.pk)
            withdraw_request(request, actor=work.actor, why=why, now=now, successor=following)
        data = {"turn": action.turn, "tool": action.tool, "why": why, "state": successor.state, "superseded": True}
        if flags:
            data["flags"] = [flag.shown() for flag in flags]
        journal.append(work.run, StepKind.VERDICT, data, action_id=successor.pk)


def _cancel(work: Work, action: Action, why: str) -> bool:
    with transaction.atomic():
        lock_requests_of_run(work.run.pk)
        hold_lease(work.run)
        if action.state == ActionState.EXECUTING:
            move_action(action, ActionState.UNKNOWN, actor=work.actor, error=why)
            ask_what_happened(action, actor=work.actor)
        else:
            _call_off(work, action, why)
    return False


def _call_off(work: Work, action: Action, error: str) -> None:
    """Cancel an action that has not begun, and the request that asked for it: nobody settles that one any more."""
    now = database_now()
    move_action(action, ActionState.CANCELLED, actor=work.actor, error=error, ended_at=now)
    request = request_of_action(action.pk)
    waits = request is not None and request.state in (RequestState.OPEN, RequestState.APPROVED)
    if request is not None and waits and request.consumed_at is None:
        withdraw_request(request, actor=work.actor, why=error, now=now)
    answer_action(action, hidden=work.placeholders())


def _not_begun(work: Work, action: Action, refusal: NotBegun) -> bool:
    """Nothing left this process. Say so, and do what the reason asks for."""
    match refusal.code:
        case "lease_lost":
            hold_lease(work.run)
        case "policy_changed" | "not_yet":
            return False
        case "halted":
            scopes = scopes_of(agent=halted_as(work.run), tool=action.tool, connection_name=action.connection)
            return endings.pause(work, f"Halted: {action.tool}.", scopes)
        case "too_late":
            expire_overdue_requests()
        case "limit_moved" | "limit_actions":
            return endings.hand_off(work, HandOff(refusal.code, _LIMITS[refusal.code]))
        case code if code in _TAMPERED:
            return _refuse_tampered(work, action, code)
        case code:
            raise MoveRefused(f"The effect could not begin: {code}.")
    return False


_LIMITS = {
    "limit_moved": "This would pass the limit of money the agent may move today.",
    "limit_actions": "All actions this run may take are used.",
}


def _refuse_tampered(work: Work, action: Action, code: str) -> bool:
    """What was signed is not what is stored. It never runs; people look at it."""
    with transaction.atomic():
        lock_requests_of_run(work.run.pk)
        hold_lease(work.run)
        record(
            actor=work.actor,
            verb="action.refused",
            subject_type="action",
            subject_id=action.pk,
            subject=work.run.subject,
            run_id=work.run.pk,
            agent=work.run.agent.name,
            digest=action.digest,
            code=code,
        )
        error = f"It did not run: what is stored is not what was signed ({code})."
        _call_off(work, action, error)
    return endings.hand_off(work, HandOff("integrity", f"{action.sentence}: {error}"))
