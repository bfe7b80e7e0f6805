"""What makes an agent version wider than the one before, and how a wider one is put in force by a second person."""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from django.contrib.auth import get_user_model

from agents.models import Agent
from agents.services import publish_agent_version
from agents.spec import AgentSpec, parse_spec
from approvals.audit import Actor
from approvals.models import Request
from approvals.policy.action import Mode
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
    return found + _wider_limits(before, after)


def propose_version(*, agent: Agent, document: Mapping[str, Any], proposer: Any, note: str = "") -> Request:
    """Ask a second admin to put this version in force. Returns the open request."""
    old = agent.current.document if agent.current else None
    sentences = widening_of(old, document)
    card = {
        "sentence": f"New version of {agent.name} that may do more",
        "changes": [[sentence, "", ""] for sentence in sentences],
        "claim": {"text": note},
        "difference": difference(old or {}, document),
    }
    return propose_change(
        change=CHANGE,
        payload={"agent": agent.name, "document": dict(document), "note": note},
        title=f"Let {agent.name} do more: {' '.join(sentences)}",
        card=card,
        proposer=proposer,
        team_id=agent.team_id,
    )


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[list[str]]:
    """Return [field, before, after] for every field that differs, as text."""
    names = sorted({*old, *new})
    return [[name, _text(old.get(name)), _text(new.get(name))] for name in names if old.get(name) != new.get(name)]


def _apply(payload: Mapping[str, Any], actor: Actor, proposer_id: Any) -> str:
    agent = Agent.objects.get(name=payload["agent"])
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


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
