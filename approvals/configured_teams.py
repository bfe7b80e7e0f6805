"""Working hours and escalation as configuration: what holds of each team and group, and the verbs that put it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from approvals.audit import Actor
from approvals.models import ApproverGroup, Team
from approvals.team_settings import put_escalation, put_team_hours


@dataclass(frozen=True, slots=True)
class TeamRow:
    name: str
    package: str
    hours: Mapping[str, Any]
    escalates_to: str


def team_rows() -> list[TeamRow]:
    """Return every team with its working hours, and the group that may sign too when time runs out."""
    rows = Team.objects.order_by("name").values_list("name", "package", "hours", "escalates_to__name")
    return [TeamRow(name, package, hours, group or "") for name, package, hours, group in rows]


def put_hours(*, team: str, hours: Mapping[str, Any], actor: Actor) -> None:
    """Let the deadlines of the team's new requests run in these hours only. Raises BadArguments."""
    put_team_hours(team=Team.objects.get(name=team), hours=hours, actor=actor)


def put_escalation_of(*, kind: str, name: str, to: str, actor: Actor, second: str = "") -> None:
    """Say which group may sign too when time runs out for this "team" or "group"; "" for none."""
    of = Team.objects.get(name=name) if kind == "team" else ApproverGroup.objects.get(name=name)
    put_escalation(of=of, to=ApproverGroup.objects.get(name=to) if to else None, actor=actor, second=second)
