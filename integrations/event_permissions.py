"""Who may see an event, set one going again, and say where events come from. `check` raises what `objection` says."""

from django.db.models import Q, QuerySet

from agents.models import Agent
from approvals.people import Signer
from approvals.states import Role
from integrations.errors import NotYours
from integrations.models import Event, Source, Trigger

HANDLE = frozenset({Role.OPERATOR, Role.ADMIN})


def visible_sources(who: Signer) -> QuerySet[Source]:
    """Return the sources this person may see: those that set their teams' agents to work; all for admins and auditors."""
    rows = Source.objects.all()
    if who.sees_all:
        return rows
    agents = Agent.objects.filter(team_id__in=who.team_ids).values("name")
    return rows.filter(Q(triggers__agent__in=agents)).distinct()


def visible_events(who: Signer) -> QuerySet[Event]:
    """Return the events of the sources this person may see."""
    rows = Event.objects.all()
    return rows if who.sees_all else rows.filter(source_id__in=visible_sources(who).values("pk"))


def visible_triggers(who: Signer) -> QuerySet[Trigger]:
    rows = Trigger.objects.all()
    return rows if who.sees_all else rows.filter(source_id__in=visible_sources(who).values("pk"))


def handling_objection(who: Signer) -> str:
    """Return why this person may not correct, run again or discard events, or "" when they may."""
    if who.roles & HANDLE:
        return ""
    return f"Operators and admins correct and run events; you are signed in as {_role(who)}."


def configuring_objection(who: Signer) -> str:
    """Return why this person may not change sources and triggers, or "" when they may."""
    return "" if who.is_admin else f"Admins change sources and triggers; you are signed in as {_role(who)}."


def check_can_handle(who: Signer) -> None:
    _raise(handling_objection(who))


def check_can_configure(who: Signer) -> None:
    _raise(configuring_objection(who))


def _raise(sentence: str) -> None:
    if sentence:
        raise NotYours(sentence)


def _role(who: Signer) -> str:
    return next(iter(sorted(who.roles)), "no role")
