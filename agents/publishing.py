"""What a person saves about an agent: a new version at once, or, where it may do more, after a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from agents.changes import propose_version, widening_of
from agents.models import Agent, AgentVersion
from agents.permissions import check_may_configure
from agents.services import publish_agent_version
from agents.spec import normal_document, parse_spec
from approvals.audit import Actor, record
from approvals.errors import BadArguments, MoveRefused
from approvals.models import Request, Team


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of it: the version in force, or the request that waits for a second person."""

    version: AgentVersion | None
    request: Request | None


def save_version(*, agent: Agent, document: Mapping[str, Any], base: int, user: User, note: str) -> Saved:
    """Publish the document as the agent's next version, or ask a second admin when it widens what the agent may do.

    base: the number of the version that was edited. Raises NotAllowed, BadAgent, BadArguments without a note,
    MoveRefused when another version came in force meanwhile.
    """
    check_may_configure(user)
    if not note.strip():
        raise BadArguments("Write why this changes: the next reader will ask.")
    normal = normal_document(document)
    parse_spec(normal)
    with transaction.atomic():
        # Locked, so that a widening is judged against the version that stays in force until we commit.
        locked = Agent.objects.select_for_update(of=("self",)).select_related("current").get(pk=agent.pk)
        _check_base(locked, base)
        old = locked.current.document if locked.current else None
        if widening_of(old, normal):
            return Saved(None, propose_version(agent=locked, document=normal, proposer=user, note=note.strip()))
        actor = Actor.person(user)
        return Saved(
            publish_agent_version(agent=locked, document=normal, actor=actor, user=user, note=note.strip()), None
        )


def create_agent(
    *, name: str, team: Team, purpose: str, category: str, document: Mapping[str, Any], user: User
) -> Agent:
    """Make an agent with its first version. Raises NotAllowed, BadAgent, BadArguments when the name is taken."""
    check_may_configure(user)
    parse_spec(normal_document(document))
    try:
        with transaction.atomic():
            agent = Agent.objects.create(name=name, team=team, purpose=purpose, category=category)
            actor = Actor.person(user)
            record(actor=actor, verb="agent.created", subject_type="agent", subject_id=name, subject=name, agent=name)
            publish_agent_version(agent=agent, document=document, actor=actor, user=user, note="First version.")
    except IntegrityError:
        raise BadArguments(f"There is already an agent named {name}.") from None
    return agent


def _check_base(agent: Agent, base: int) -> None:
    number = agent.current.number if agent.current else 0
    if number != base:
        raise MoveRefused(
            f"Version {number} of {agent.name} came in force while you edited version {base}. Copy what you wrote, and start from it."
        )


def switch_agent(*, agent: Agent, disabled: bool, user: User) -> None:
    """Let the agent take new work or not; runs under way go on. Raises NotAllowed."""
    check_may_configure(user)
    with transaction.atomic():
        if Agent.objects.filter(pk=agent.pk, disabled=not disabled).update(disabled=disabled):
            verb = "agent.switched_off" if disabled else "agent.switched_on"
            actor = Actor.person(user)
            record(
                actor=actor,
                verb=verb,
                subject_type="agent",
                subject_id=agent.name,
                subject=agent.name,
                agent=agent.name,
            )
