"""A small company at work, reached through the real verbs: people, one agent, one tool, requests that wait."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, User

from agents.models import Action, Agent, Run
from agents.proposing import Proposal, propose
from agents.services import publish_agent_version, start_run
from agents.spec import parse_spec
from agents.tools.base import CallContext, MoneySpec, TargetSpec, Tool, ToolResult
from agents.tools.registry import register_source
from approvals.audit import SYSTEM, Actor
from approvals.database_clock import database_now
from approvals.models import ApproverGroup, GroupMember, Request, Team
from approvals.opening import Opening, open_request
from approvals.policy.action import Effect
from approvals.policy_versions import activate_policy
from approvals.states import RequestKind

PASSWORD = "practice-only"
REFUND = "desk.refund_order"
RULES: list[dict[str, Any]] = [
    {
        "tool": REFUND,
        "when": "args.amount_minor > 50000",
        "level": 3,
        "approvers": "finance",
        "votes": 1,
        "deadline_h": 24,
    },
    {
        "tool": REFUND,
        "when": "args.amount_minor > 500000",
        "level": 3,
        "approvers": "finance",
        "votes": 2,
        "class": "high",
    },
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "maxLength": 40},
        "amount_minor": {"type": "integer", "minimum": 1, "maximum": 100_000_000},
        "currency": {"type": "string", "enum": ["EUR", "USD"]},
        "reason": {"type": "string", "maxLength": 200_000},
        "tell_customer": {"type": "boolean"},
        "lines": {"type": "array", "items": {"type": "object"}, "maxItems": 20_000},
    },
    "required": ["order_id", "amount_minor", "currency"],
    "additionalProperties": True,
}


def _refund(arguments: Mapping[str, Any], _context: CallContext) -> ToolResult:
    return ToolResult(data={"refunded": True, "order_id": arguments.get("order_id")}, status=201)


TOOL = Tool(
    name=REFUND,
    description="Pay money back for an order.",
    schema=SCHEMA,
    effect=Effect.KEYED,
    version="1" * 64,
    connection="desk",
    account="127.0.0.1#desk",
    call=_refund,
    money=MoneySpec("amount_minor", "currency"),
    target=TargetSpec(argument="order_id", by="desk.get_order", show=("customer", "status", "total")),
    sentence="Refund {money} for order {order_id}",
    authority=("order_id", "amount_minor", "currency"),
    compensate_with="desk.cancel_refund",
)


def _tools() -> Mapping[str, Tool]:
    return {TOOL.name: TOOL}


@dataclass
class Desk:
    """Who works here."""

    team: Team
    agent: Agent
    people: dict[str, User] = field(default_factory=dict)

    def __getitem__(self, name: str) -> User:
        return self.people[name]


def open_desk() -> Desk:
    """Set up people with roles and limits, an agent and a policy."""
    register_source(_tools)
    team = Team.objects.create(name="desk")
    people = {name: _person(name, role) for name, role in _PEOPLE}
    team.members.set([person for name, person in people.items() if name != "stranger"])
    finance = ApproverGroup.objects.create(name="finance")
    for name, limit in (("operator", 50_000), ("second-operator", 1_000_000), ("second-admin", 100_000_000)):
        GroupMember.objects.create(group=finance, user=people[name], limits={"EUR": limit})
    agent = Agent.objects.create(name="refund-clerk", team=team, purpose="Settles refunds.")
    document = {"instructions": "Settle it.", "model": "offline/refunds", "tools": [REFUND], "mode": "live"}
    publish_agent_version(agent=agent, document=document, actor=SYSTEM)
    activate_policy(rules=RULES, actor=SYSTEM, note="desk")
    return Desk(team, agent, people)


_PEOPLE = (
    ("operator", "operator"),
    ("second-operator", "operator"),
    ("admin", "admin"),
    ("second-admin", "admin"),
    ("manager", "manager"),
    ("auditor", "auditor"),
    ("stranger", "operator"),
)


def _person(name: str, role: str) -> User:
    user = User.objects.create_user(name, password=PASSWORD)
    user.groups.add(Group.objects.get(name=role))
    return user


def run_of(
    desk: Desk, event: Mapping[str, Any] | None = None, subject: str = "customer 1042", initiator: Any = None
) -> Run:
    goal = "Settle this refund request."
    return start_run(agent=desk.agent.name, goal=goal, input=event or {}, subject=subject, initiator=initiator)


def refund_waits(
    desk: Desk,
    *,
    amount_minor: int = 64_000,
    order: str = "20871",
    claim: str = "Two of four lamps arrived broken; the photos show it.",
    event: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    initiator: Any = None,
    run: Run | None = None,
    tool: Tool = TOOL,
    **arguments: Any,
) -> Request:
    """A refund that waits for approval, proposed by the agent as in life."""
    message = "Two of the four lamps came broken, see pictures."
    run = run or run_of(desk, event or {"order_id": order, "message": message}, initiator=initiator)
    given = {"order_id": order, "amount_minor": amount_minor, "currency": "EUR", **arguments}
    spec = parse_spec(run.version.document)
    proposal = Proposal(
        call_id="call-1",
        turn=1,
        position=0,
        tool=tool,
        arguments=given,
        reason=claim,
        confidence=0.82,
        target=target or {"customer": "Customer 1042", "status": "delivered", "total": Decimal("1280")},
    )
    action, _ = propose(run, spec, proposal, actor=Actor.agent("refund-clerk", 1), now=database_now())
    request = Request.objects.get(action_id=action.pk)
    assert Action.objects.get(pk=action.pk).state == "pending"
    return request


def question_waits(desk: Desk, question: str = "Which invoice belongs to order 20844?", **card: Any) -> Request:
    return _asked(desk, RequestKind.QUESTION, question, **card)


def hand_off_waits(desk: Desk, why: str = "Ticket 5521 speaks of legal action.", **card: Any) -> Request:
    return _asked(desk, RequestKind.HAND_OFF, why, reason_code="policy", **card)


def _asked(desk: Desk, kind: RequestKind, title: str, reason_code: str = "", **card: Any) -> Request:
    run = run_of(desk)
    document = {"agent": desk.agent.name, "version": "1", "mode": "live", "goal": run.goal, "question": title, **card}
    opening = Opening(
        kind=kind,
        title=title,
        card=document,
        team_id=desk.team.pk,
        agent=desk.agent.name,
        subject="ticket 5521",
        run_id=run.pk,
        reason_code=reason_code,
    )
    return open_request(opening, actor=SYSTEM, now=_now())


def _now() -> datetime:
    return database_now()
