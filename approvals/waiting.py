"""Who must settle what, asked of all open requests at once: `permissions.objection` written as SQL.

`objection` stays the one truth: every verb asks it again. A test keeps the two equal for random people and requests.
Counts stop at COUNT_UP_TO, and the list is cut by the database, so nothing here grows with what waits.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, DateTimeField, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Now

from approvals.models import Decision, Request, Snooze
from approvals.people import Signer, signer
from approvals.permissions import visible_requests, votes_that_count_as
from approvals.states import RequestKind, RequestState, Role

COUNT_UP_TO = 1000
# By deadline; of two with the same, the riskier; then the older. What has no deadline comes last.
PRESSING = ("pressing", "cls", "created_at", "pk")
# Named one by one: a list can be looked up in an index, "anything but" cannot.
_NEEDS_NO_GROUP = tuple(kind for kind in RequestKind if kind != RequestKind.APPROVAL)
_SIGNED_BY_OTHERS = (RequestKind.APPROVAL, RequestKind.PROPOSAL)


def open_requests(user: Any) -> QuerySet[Request]:
    """Return every open request this person sees."""
    return visible_requests(signer(user)).filter(state=RequestState.OPEN)


def mine(user: Any) -> QuerySet[Request]:
    """Return the open requests that wait for this very person now."""
    return open_requests(user).filter(may_settle(signer(user)), ~_snoozed_by(user))


def snoozed(user: Any) -> QuerySet[Request]:
    """Return what this person may settle and put off; it comes back by itself."""
    return open_requests(user).filter(may_settle(signer(user)), _snoozed_by(user))


def others(user: Any) -> QuerySet[Request]:
    """Return the open requests this person sees and others must settle."""
    settles = Case(When(may_settle(signer(user)), then=Value(True)), default=Value(False))
    return open_requests(user).alias(settles=settles).filter(settles=False)


def by_pressure(rows: QuerySet[Request]) -> QuerySet[Request]:
    """Return the rows in the list's order, which no vote, claim or look changes."""
    return rows.annotate(pressing=Coalesce("decide_by", "due_at", output_field=DateTimeField())).order_by(*PRESSING)


def counted(rows: QuerySet[Request]) -> int:
    """Return how many there are, at most COUNT_UP_TO."""
    return rows.order_by().values("pk")[:COUNT_UP_TO].count()


def count_mine(user: Any) -> int:
    """Return how many requests wait for this very person: the badge. Kept on the user object like the signer is."""
    kept: int | None = getattr(user, "_waits", None)
    if kept is None:
        kept = user._waits = counted(mine(user)) if signer(user).decides else 0
    return kept


def waits_for(user: Any) -> Q:
    """Return the condition under which a request of any state waits for this person now."""
    return Q(state=RequestState.OPEN) & may_settle(signer(user)) & ~_snoozed_by(user)


def may_settle(who: Signer) -> Q:
    """Return the condition under which `objection` has nothing to say, for an open request that this person sees."""
    if not who.decides:
        return Q(pk__in=())
    proposals = Q() if Role.ADMIN in who.roles else ~Q(kind=RequestKind.PROPOSAL)
    standing = _in_its_team(who) & _with_authority(who)
    for principal in who.absent:
        standing |= _lent(who, principal)
    return proposals & _not_barred(who) & _not_voted(who) & standing


def _lent(who: Signer, principal: Signer) -> Q:
    """What one who is away lends: see `permissions`, whose sentences this follows line by line."""
    if not principal.decides:
        return Q(pk__in=())
    one_is_there = _in_its_team(who) | _within(principal)
    return _not_barred(principal) & _in_its_team(principal) & one_is_there & _with_authority(principal)


def _not_barred(who: Signer) -> Q:
    return ~Q(kind__in=_SIGNED_BY_OTHERS, barred__contains=[who.user.pk])


def _not_voted(who: Signer) -> Q:
    """One vote settles a request that needs one: only others can be open with a vote, and only they are looked up."""
    return Q(votes_needed__lte=1) | ~Q(
        Exists(Decision.objects.filter(votes_that_count_as(who), request=OuterRef("pk")))
    )


def _in_its_team(who: Signer) -> Q:
    return Q() if who.sees_all else _within(who)


def _within(who: Signer) -> Q:
    teams = Q(team__isnull=True) | Q(team_id__in=sorted(who.own_team_ids))
    return teams | Q(escalated_to__in=sorted(who.groups))


def _with_authority(who: Signer) -> Q:
    """Only approvals ask for a group and a limit: those of the group the rule names, or it was escalated to."""
    authority = Q(approvers="") & _up_to(_best(who.groups))
    for group, limits in who.groups.items():
        authority |= (Q(approvers=group) | Q(escalated_to=group)) & _up_to(limits)
    return Q(kind__in=_NEEDS_NO_GROUP) | Q(kind=RequestKind.APPROVAL) & authority


def _up_to(limits: Mapping[str, int]) -> Q:
    allowed = Q(money_minor__isnull=True)
    for currency, limit in limits.items():
        allowed |= Q(currency=currency, money_minor__lte=limit)
    return allowed


def _best(groups: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the highest limit per currency: what counts where a rule names no group."""
    best: dict[str, int] = {}
    for limits in groups.values():
        for currency, limit in limits.items():
            best[currency] = max(limit, best.get(currency, limit))
    return best


def _snoozed_by(user: Any) -> Q:
    return Q(Exists(Snooze.objects.filter(request=OuterRef("pk"), user=user, until__gt=Now())))
