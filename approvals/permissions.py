"""May this person decide this request? `check` raises with a sentence, `objection` returns it, `can` asks it.

A person decides with their own authority or, as the dated delegate of somebody who is away, with that person's: their
teams, groups and limits, but never their role. Whoever is barred lends nobody anything. People who stand in for each
other are one vote, whichever of them cast it and on whose behalf.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from approvals.errors import NotAllowedToDecide
from approvals.models import Decision, Request
from approvals.money import money_text
from approvals.people import Signer, signer
from approvals.states import RequestClass, RequestKind, Role

# Whoever reaches the server's shell could read its keys: asking them to sign in again would protect nothing.
COMMAND_LINE = "command line"
_SIGNED_BY_OTHERS = {RequestKind.APPROVAL, RequestKind.PROPOSAL}
_LENDING = "for whom you stand in"


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands to a request: why they may not decide it ("": they may), and whose authority they use."""

    objection: str
    on_behalf_of: Any | None = None


def visible_requests(who: Signer) -> QuerySet[Request]:
    """Return the requests this person may see: their teams', what was escalated to their groups, or all."""
    rows = Request.objects.all()
    return rows if who.sees_all else rows.filter(visible_to(who))


def visible_to(who: Signer) -> Q:
    """Return the condition of `visible_requests`, for one who does not see all."""
    groups = {name for each in (who, *who.absent) for name in each.groups}
    return Q(team__isnull=True) | Q(team_id__in=who.team_ids) | Q(escalated_to__in=sorted(groups))


def check_can_decide(user: Any, request: Request, *, via: str = "browser", editing: bool = False) -> Any | None:
    """Return whose authority is used when it is not the person's own. Raise NotAllowedToDecide with the sentence.

    editing: the person means to change the arguments, so their limit is asked of the successor instead.
    """
    who = signer(user)
    found = standing(who, request, via=via, editing=editing, voted=has_voted(who, request.decisions.all()))
    if found.objection:
        raise NotAllowedToDecide(found.objection)
    return found.on_behalf_of


def can_decide(user: Any, request: Request) -> bool:
    who = signer(user)
    return not objection(who, request, voted=has_voted(who, request.decisions.all()))


def objection(
    who: Signer, request: Request, *, via: str = "browser", editing: bool = False, voted: bool = False
) -> str:
    """Return why this person may not decide this request, or "" when they may."""
    return standing(who, request, via=via, editing=editing, voted=voted).objection


def standing(
    who: Signer, request: Request, *, via: str = "browser", editing: bool = False, voted: bool = False
) -> Standing:
    """Return how the person stands: by their own authority if that suffices, else by that of one they stand in for."""
    never = _by_role(who, request) or _by_separation(who, request, voted)
    if never:
        return Standing(never)
    own = _by_own(who, request, editing)
    if not own:
        return Standing(_by_door(request, via))
    refusals = {principal: _lent(who, principal, request, editing) for principal in who.absent}
    lender = next((principal for principal, refusal in refusals.items() if not refusal), None)
    if lender is not None:
        return Standing(_by_door(request, via), lender.user)
    return Standing(" ".join([own, *(refusal for refusal in refusals.values() if _LENDING in refusal)]))


def own_objection(who: Signer, request: Request) -> str:
    """Return why a vote that was cast with the person's own authority no longer counts: asked at execution."""
    return _by_role(who, request) or _by_separation(who, request, False) or _by_own(who, request)


def lent_objection(who: Signer, principal: Signer, request: Request) -> str:
    """Return why a vote that was cast for somebody no longer counts: asked at execution, also after their return.

    Whoever was a valid delegate when they voted stays one for that vote; both people's authority is as it is now.
    """
    return _by_role(who, request) or _by_separation(who, request, False) or _lent(who, principal, request, False)


def has_voted(who: Signer, decisions: Iterable[Decision]) -> bool:
    """Return whether this person, or one who counts as the same pair of eyes, has a vote among these."""
    return any(
        vote.withdrawn_at is None and {vote.user_id, vote.on_behalf_of_id} & who.one_vote_with for vote in decisions
    )


def votes_that_count_as(who: Signer) -> Q:
    """Return the condition of `has_voted` on decisions, for the database."""
    people = sorted(who.one_vote_with)
    return Q(withdrawn_at__isnull=True) & (Q(user_id__in=people) | Q(on_behalf_of_id__in=people))


def _by_role(who: Signer, request: Request) -> str:
    if not who.decides:
        role = next(iter(sorted(who.roles)), "no role")
        return f"Operators and admins decide; you are signed in as {role}."
    if request.kind == RequestKind.PROPOSAL and Role.ADMIN not in who.roles:
        return "A change of what agents may do is countersigned by an admin."
    return ""


def _by_team(who: Signer, request: Request) -> str:
    return "" if who.sees_all or _is_within(who, request) else "This belongs to a team you are not in."


def _is_within(who: Signer, request: Request) -> bool:
    """Being in the group that it was escalated to lets somebody of another team in."""
    in_team = request.team_id is None or request.team_id in who.own_team_ids
    return in_team or bool(request.escalated_to and request.escalated_to in who.groups)


def _by_separation(who: Signer, request: Request, voted: bool) -> str:
    if _is_barred(who, request):
        return "You started this, or you wrote or edited what is to be signed. Someone else signs: that is the second pair of eyes."
    if voted and len(who.one_vote_with) > 1:
        return "You have cast your vote, or the one you stand in for has, or who stands in for you; it needs another person's."
    if voted:
        return "You have cast your vote; it needs another person's."
    return ""


def _is_barred(who: Signer, request: Request) -> bool:
    return request.kind in _SIGNED_BY_OTHERS and who.user.pk in request.barred


def _lent(who: Signer, principal: Signer, request: Request, editing: bool) -> str:
    """Return why the authority of one who is away does not help here, or "" when it does."""
    name = principal.user.get_username()
    if not principal.decides:
        return f"{name}, {_LENDING}, no longer decides anything."
    if _is_barred(principal, request):
        return f"{name}, {_LENDING}, started this or had a hand in it, and so cannot lend you their signature."
    # The sight of everything, which comes with a role, is not lent: one of both must be where the request is.
    if _by_team(principal, request) or (_by_team(who, request) and not _is_within(principal, request)):
        return f"{name}, {_LENDING}, is not in its team either."
    return "" if editing else _by_authority(principal, request)


def _by_own(who: Signer, request: Request, editing: bool = False) -> str:
    return _by_team(who, request) or ("" if editing else _by_authority(who, request))


def _by_authority(who: Signer, request: Request) -> str:
    """In the group that the rule names or, once it was escalated, in that one: membership and limit of the same group."""
    if request.kind != RequestKind.APPROVAL:
        return ""
    refusal = _in_group(who, request, request.approvers)
    escalated = request.escalated_to and request.escalated_to in who.groups
    return _in_group(who, request, request.escalated_to) if refusal and escalated else refusal


def _in_group(who: Signer, request: Request, group: str) -> str:
    if group and group not in who.groups:
        return f"Only members of {group} sign this. An admin can add you under People."
    if request.money_minor is None:
        return ""
    limit = who.limit(request.currency, group)
    amount = money_text(request.money_minor, request.currency)
    where = f" in {group}" if group else ""
    if limit is None:
        return f"This moves {amount}; you have no limit for {request.currency}{where}. An admin sets it under People."
    if request.money_minor > limit:
        return f"This moves {amount}; your limit{where} is {money_text(limit, request.currency)}."
    return ""


def _by_door(request: Request, via: str) -> str:
    if request.cls == RequestClass.HIGH and via not in ("browser", COMMAND_LINE):
        return "A high-risk request is signed in the browser, after signing in again."
    return ""
