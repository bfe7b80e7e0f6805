"""What makes an agent version wider than the one before, and how a wider one is put in force by a second person."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from django.contrib.auth import get_user_model

from agents.guard_settings import looser
from agents.models import Agent
from agents.services import publish_agent_version
from agents.side_by_side import as_signed_lines, differences
from agents.spec import AgentSpec, parse_spec
from approvals.audit import Actor
from approvals.configured import open_proposal
from approvals.errors import RequestChanged
from approvals.models import Request
from approvals.policy.action import Mode
from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.proposals import register_change
from approvals.services import propose_change

CHANGE = "agent_version"
_MODES = list(Mode)


def register() -> None:
    register_change(CHANGE, _apply)


def widening_of(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[str]:
    """Return, as sentences, what the new document lets the agent do that the old one did not. A new agent widens nothing."""
    if old is None:
        return []
    before, after = parse_spec(old), parse_spec(new)
    found = []
    if _MODES.index(after.mode) > _MODES.index(before.mode):
        found.append(f"Mode goes from {before.mode} to {after.mode}.")
    found += [f"It may use {pattern}." for pattern in after.tools if not _is_within(pattern, before.tools)]
    if after.confidence_floor < before.confidence_floor:
        found.append(f"The confidence floor falls from {before.confidence_floor} to {after.confidence_floor}.")
    return found + looser(before.guards, after.guards) + _wider_limits(before, after)


def propose_version(*, agent: Agent, document: Mapping[str, Any], proposer: Any, note: str = "") -> Request:
    """Ask a second admin to put this version in force. Returns the open request; the one that asks the same already."""
    old = agent.current.document if agent.current else None
    base = agent.current.number if agent.current else 0
    plan = digest_of(canonical_bytes(exact([agent.name, base, dict(document)])))
    waiting = open_proposal(change=CHANGE, plan=plan)
    if waiting is not None:
        return Request.objects.get(pk=waiting)
    return propose_change(
        change=CHANGE,
        payload={"agent": agent.name, "document": dict(document), "base": base, "note": note, "plan": plan},
        title=f"Let {agent.name} do more: version {base + 1}",
        card=_card(agent.name, base, old or {}, document, note),
        proposer=proposer,
        team_id=agent.team_id,
    )


def _card(name: str, base: int, old: Mapping[str, Any], new: Mapping[str, Any], note: str) -> dict[str, Any]:
    sentences = widening_of(old or None, new)
    return {
        "sentence": f"Put {name} v{base + 1} in force, which may do more",
        "text": note,
        "why": {
            "text": " ".join(sentences),
            "rule": "Wider autonomy is signed by a second person",
            "condition": "",
            "values": [],
        },
        "widens": sentences,
        "lines": [[sign, text] for sign, text in as_signed_lines(differences(old, new))],
        "then": {
            "reversible": "Yes: publish an earlier version again under Agents, Versions.",
            "approve": f"{name} v{base + 1} is in force at once; runs under way keep their version.",
            "reject": f"{name} v{base} stays in force.",
            "expiry": f"Counts as rejected: {name} v{base} stays in force.",
        },
    }


def _apply(payload: Mapping[str, Any], actor: Actor, proposer_id: Any) -> str:
    agent = Agent.objects.select_for_update(of=("self",)).select_related("current").get(name=payload["agent"])
    number = agent.current.number if agent.current else 0
    if number != payload.get("base", number):
        raise RequestChanged(
            f"Version {number} of {agent.name} came in force since this was proposed. Reject it; its author starts again."
        )
    people = get_user_model().objects
    version = publish_agent_version(
        agent=agent,
        document=payload["document"],
        actor=actor,
        user=people.filter(pk=proposer_id).first(),
        note=payload.get("note", ""),
        countersigned_by=people.filter(pk=actor.user_id or 0).first(),
    )
    return f"{agent.name} v{version.number} is in force."


def _is_within(pattern: str, wider: Sequence[str]) -> bool:
    """Return whether one of the patterns surely takes in every name that this one does."""
    return pattern in wider or any(fnmatchcase(pattern, other) for other in wider if not set(other) & set("?[]"))


def _wider_limits(before: AgentSpec, after: AgentSpec) -> list[str]:
    found = []
    for name in ("turns", "actions", "seconds", "parallel_runs", "tokens_per_minute", "cost_usd", "cost_usd_per_day"):
        old, new = getattr(before.limits, name), getattr(after.limits, name)
        if old is not None and (new is None or new > old):
            found.append(f"Limit {name} rises from {old} to {'none' if new is None else new}.")
    for unit, old in before.limits.moved_minor_per_day.items():
        new = after.limits.moved_minor_per_day.get(unit)
        if new is None or new > old:
            found.append(f"Limit of {unit} moved a day rises from {old} to {'none' if new is None else new}.")
    return found
