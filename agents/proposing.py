"""From a model's tool call to an action with a verdict: validated, resolved, judged, sealed, and asked of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agents.cards import card_of, sentence_of
from agents.envelope import idempotency_key, seal
from agents.guards.flags import Flag, tightened
from agents.guards.reading import flags_for
from agents.models import Action, AgentDay, Run
from agents.moves import begin_compensation, move_action, record_action
from agents.past import kept_of
from agents.plain import plain
from agents.selectors import halted_as
from agents.spec import AgentSpec
from agents.states import ActionState
from agents.tools.base import Tool
from agents.tools.paths import value_at
from agents.tools.registry import get_tool
from agents.undo.originals import original_of
from approvals.audit import Actor
from approvals.database_clock import database_now
from approvals.halts import scopes_of, signed_by_people_only
from approvals.models import Request
from approvals.opening import Opening, open_request
from approvals.policy.action import Effect, Mode, Money, ProposedAction
from approvals.policy.canonical import digest_of, exact
from approvals.policy.rules import rule_document
from approvals.policy.verdict import Allow, AllowAndNotify, Deny, Escalate, NeedsApproval, Verdict, verdict_to_json
from approvals.policy_versions import ActivePolicy, active_policy, authors_of_rule, judge_action
from approvals.selectors import request_of_action
from approvals.states import RequestClass, RequestKind
from config.ids import new_id


@dataclass(frozen=True, slots=True)
class Proposal:
    """One call, ready to be judged: our arguments, the model's claim, and what was looked up about it."""

    call_id: str
    turn: int
    position: int
    tool: Tool
    arguments: Mapping[str, Any]
    reason: str = ""
    confidence: float | None = None
    target: Mapping[str, Any] | None = None
    checked: Mapping[str, Any] | None = None
    replaces: Action | None = None
    editor_id: int | None = None
    broken: tuple[Flag, ...] = ()


def propose(
    run: Run, spec: AgentSpec, proposal: Proposal, *, actor: Actor, now: datetime
) -> tuple[Action, Sequence[Flag]]:
    """Write the action in the state its verdict gives it and, when a person must decide, its request.

    Returns it with what the guards say of it: they can only make the verdict stricter.
    Call it inside a transaction that holds the run.
    """
    policy = active_policy()
    asked = judged(run, spec, proposal)
    verdict, _ = judge_action(asked, policy)
    flags = [*proposal.broken, *flags_for(run, spec.guards, proposal.tool, asked)]
    verdict = tightened(verdict, flags, policy.rules)
    if proposal.editor_id is not None:
        verdict = _signed_by_editor(verdict, proposal)
    action = _write(run, proposal, verdict, policy, actor, kept_of(asked))
    if action.state == ActionState.PENDING and isinstance(verdict, NeedsApproval):
        request = _ask(action, proposal, verdict, policy, flags, actor=actor, now=now)
        Action.objects.filter(pk=action.pk).update(request_id=request.pk)
        action.request_id = request.pk
    return action, flags


def judged(run: Run, spec: AgentSpec, proposal: Proposal) -> ProposedAction:
    """Return the call as the policy sees it now."""
    tool = proposal.tool
    money = money_of(tool, proposal.arguments)
    return ProposedAction(
        tool=tool.name,
        effect=tool.effect,
        arguments=proposal.arguments,
        authority=tool.authority,
        agent=run.agent.name,
        mode=_mode_of(run, tool),
        subject=run.subject,
        tainted=run.tainted,
        confidence=proposal.confidence,
        # No model claims a confidence when a person has something undone.
        confidence_floor=0.0 if run.undoes_id else spec.confidence_floor,
        event=exact(run.input) if isinstance(run.input, dict) else None,
        target=exact(proposal.target) if proposal.target is not None else None,
        totals=_totals(run, money),
        money=money,
        target_argument=tool.target.argument if tool.target else "",
    )


def _mode_of(run: Run, tool: Tool) -> Mode:
    """Return the run's mode; under supervision, while a halt is being released, a person signs every write."""
    scopes = scopes_of(agent=halted_as(run), tool=tool.name, connection_name=tool.connection)
    acts = run.mode == Mode.LIVE and tool.effect is not Effect.READ
    return Mode.SUGGEST if acts and signed_by_people_only(scopes) else Mode(run.mode)


def money_of(tool: Tool, arguments: Mapping[str, Any]) -> Money | None:
    """Return what the call moves, as its tool declares it; None where it moves nothing or says no whole amount."""
    if tool.money is None:
        return None
    amount = value_at(arguments, tool.money.amount)
    currency = tool.money.fixed_currency or value_at(arguments, tool.money.currency)
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0 or not isinstance(currency, str):
        return None
    return Money(amount, currency.upper()) if len(currency) == 3 else None


def money_problems(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    """Return why it cannot be told how much the call moves: then nobody's limit could be asked. Empty when it can."""
    if tool.money is None or money_of(tool, arguments) is not None:
        return []
    currency = "" if tool.money.fixed_currency else f" and `{tool.money.currency}`"
    return [f"This moves money: give `{tool.money.amount}` as a whole number of minor units{currency}."]


def _totals(run: Run, money: Money | None) -> dict[str, int]:
    unit = money.currency if money else ""
    days = AgentDay.objects.filter(agent=run.agent, kind="moved", unit=unit)
    return {
        "actions_in_run": Action.objects.filter(run_id=run.pk, attempts__gt=0).exclude(effect=Effect.READ).count(),
        "moved_minor_today": (days.filter(day=_today()).values_list("used", flat=True).first() or 0) if money else 0,
    }


def _today() -> date:
    return database_now().date()


def _signed_by_editor(verdict: Verdict, proposal: Proposal) -> Verdict:
    """What a person edited is signed by a person, also where the policy would have let it pass."""
    if not isinstance(verdict, (Allow, AllowAndNotify)):
        return verdict
    before = proposal.replaces.verdict if proposal.replaces else {}
    return NeedsApproval(
        rule=verdict.rule,
        why="A person changed the arguments; a person signs them.",
        trips=verdict.trips,
        code="edit",
        approvers=before.get("approvers", ""),
        votes=1,
        cls=RequestClass.NORMAL,
        deadline_s=24 * 3600,
    )


def _write(
    run: Run, proposal: Proposal, verdict: Verdict, policy: ActivePolicy, actor: Actor, kept: Mapping[str, Any]
) -> Action:
    tool, money, action_id = proposal.tool, money_of(proposal.tool, proposal.arguments), new_id()
    canonical = seal(
        run=run,
        action_id=action_id,
        tool=tool,
        arguments=proposal.arguments,
        rule=verdict.rule,
        money=money,
        checked=proposal.checked,
    )
    state = _state_for(verdict, tool, Mode(run.mode))
    original = original_of(run, proposal.call_id)
    action = Action.objects.create(
        id=action_id,
        run=run,
        call_id=proposal.call_id,
        turn=proposal.turn,
        position=proposal.position,
        tool=tool.name,
        tool_version=tool.version,
        connection=tool.connection,
        account=tool.account,
        effect=tool.effect,
        canonical=canonical,
        digest=digest_of(canonical),
        key=idempotency_key(action_id),
        state=state,
        level=verdict.level,
        verdict=verdict_to_json(verdict),
        judged=kept,
        rule_id=verdict.rule.id,
        rule_hash=verdict.rule.hash,
        policy_id=policy.id,
        reason=proposal.reason,
        confidence=proposal.confidence,
        sentence=sentence_of(tool, proposal.arguments, (money.amount_minor, money.currency) if money else None),
        money_minor=money.amount_minor if money else None,
        currency=money.currency if money else "",
        target=plain(proposal.target),
        replaces=proposal.replaces,
        compensates=original,
        edited_by_id=proposal.editor_id,
    )
    record_action(action, "", ActionState.PROPOSED, actor=actor, verb="action.proposed")
    record_action(action, ActionState.PROPOSED, state, actor=actor, verb=f"action.{state}", why=verdict.why)
    if original is not None:
        _mark_original(original, state, actor)
    return action


def _mark_original(original: Action, state: ActionState, actor: Actor) -> None:
    """A compensation that may run marks what it takes back; a successor that may not lets it stand again."""
    if state in (ActionState.ALLOWED, ActionState.PENDING):
        if original.state == ActionState.SUCCEEDED:
            begin_compensation(original, actor=actor)
    elif original.state == ActionState.COMPENSATING:
        move_action(original, ActionState.SUCCEEDED, actor=actor, why=f"what takes it back was {state}")


def _state_for(verdict: Verdict, tool: Tool, mode: Mode) -> ActionState:
    match verdict:
        case Deny():
            return ActionState.DENIED
        case _ if mode is Mode.SHADOW and tool.effect is not Effect.READ:
            return ActionState.SHADOWED
        case Escalate():
            return ActionState.ESCALATED
        case NeedsApproval():
            return ActionState.PENDING
        case _:
            return ActionState.ALLOWED


def _ask(
    action: Action,
    proposal: Proposal,
    verdict: NeedsApproval,
    policy: ActivePolicy,
    flags: Sequence[Flag],
    *,
    actor: Actor,
    now: datetime,
) -> Request:
    run, tool = action.run, proposal.tool
    return open_request(
        Opening(
            kind=RequestKind.APPROVAL,
            title=action.sentence,
            card={
                **card_of(action, tool, proposal.arguments, verdict, policy.number),
                "flags": [flag.shown() for flag in flags],
            },
            team_id=run.agent.team_id,
            agent=run.agent.name,
            subject=run.subject,
            tool=tool.name,
            connection=tool.connection,
            run_id=run.pk,
            action_id=action.pk,
            action_digest=action.digest,
            money_minor=action.money_minor,
            currency=action.currency,
            risk=_risk(action, verdict),
            rule={
                "number": verdict.rule.number,
                "id": verdict.rule.id,
                "hash": verdict.rule.hash,
                "text": verdict.rule.text,
            },
            level=verdict.level.value,
            cls=verdict.cls,
            approvers=verdict.approvers,
            votes_needed=verdict.votes,
            barred=[*_barred(run, verdict, policy), *_barred_by_tool(action, tool), *_barred_before(proposal)],
            reason_code=verdict.code,
            deadline_s=verdict.deadline_s,
        ),
        actor=actor,
        now=now,
    )


def _barred(run: Run, verdict: Verdict, policy: ActivePolicy) -> list[int]:
    """Return who may not sign: who started the run or wrote what starts it, the agent version, or the rule that judged."""
    people = [*run.version.editors, *run.barred, *([run.initiator_id] if run.initiator_id else [])]
    if verdict.rule.number:
        people += authors_of_rule(rule_document(policy.rules[verdict.rule.number - 1]))
    return people


def _barred_by_tool(action: Action, tool: Tool) -> list[int]:
    """Return who said what the tool is and where it acts; what takes something back follows the first tool's words too."""
    undone = get_tool(action.compensates.tool) if action.compensates else None
    return [*tool.editors, *(undone.editors if undone else ())]


def _barred_before(proposal: Proposal) -> list[int]:
    """Return who might not sign what this takes the place of: a successor lets nobody in."""
    before = request_of_action(proposal.replaces.pk) if proposal.replaces else None
    return list(before.barred) if before else []


def _risk(action: Action, verdict: NeedsApproval) -> str:
    if verdict.cls == RequestClass.HIGH or verdict.votes > 1:
        return "high"
    return "medium" if action.money_minor or action.effect == Effect.BLIND else "low"
