"""May this person decide this request? `check` raises with a sentence, `objection` returns it, `can` asks it."""

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


def visible_requests(who: Signer) -> QuerySet[Request]:
    """Return the requests this person may see: their teams', or all for admins and auditors."""
    rows = Request.objects.all()
    return rows if who.sees_all else rows.filter(Q(team__isnull=True) | Q(team_id__in=who.team_ids))


def check_can_decide(user: Any, request: Request, *, via: str = "browser", editing: bool = False) -> None:
    """Raise NotAllowedToDecide with the sentence that says why not.

    editing: the person means to change the arguments, so their limit is asked of the successor instead.
    """
    sentence = objection(signer(user), request, via=via, editing=editing, voted=_has_voted(user, request))
    if sentence:
        raise NotAllowedToDecide(sentence)


def can_decide(user: Any, request: Request) -> bool:
    return not objection(signer(user), request, voted=_has_voted(user, request))


def objection(
    who: Signer, request: Request, *, via: str = "browser", editing: bool = False, voted: bool = False
) -> str:
    """Return why this person may not decide this request, or "" when they may."""
    return (
        _by_role(who, request)
        or _by_separation(who, request, voted)
        or ("" if editing else _by_authority(who, request))
        or _by_door(request, via)
    )


def _by_role(who: Signer, request: Request) -> str:
    if not who.decides:
        role = next(iter(sorted(who.roles)), "no role")
        return f"Operators and admins decide; you are signed in as {role}."
    if not (who.sees_all or request.team_id is None or request.team_id in who.team_ids):
        return "This belongs to a team you are not in."
    if request.kind == RequestKind.PROPOSAL and Role.ADMIN not in who.roles:
        return "A change of what agents may do is countersigned by an admin."
    return ""


def _by_separation(who: Signer, request: Request, voted: bool) -> str:
    if request.kind in _SIGNED_BY_OTHERS and who.user.pk in request.barred:
        return "You started this, or you wrote or edited what is to be signed. Someone else signs: that is the second pair of eyes."
    if voted:
        return "You have cast your vote; it needs another person's."
    return ""


def _by_authority(who: Signer, request: Request) -> str:
    if request.kind != RequestKind.APPROVAL:
        return ""
    if request.approvers and request.approvers not in who.groups:
        return f"Only members of {request.approvers} sign this. An admin can add you under People."
    if request.money_minor is None:
        return ""
    limit = who.limit(request.currency, request.approvers)
    amount = money_text(request.money_minor, request.currency)
    where = f" in {request.approvers}" if request.approvers else ""
    if limit is None:
        return f"This moves {amount}; you have no limit for {request.currency}{where}. An admin sets it under People."
    if request.money_minor > limit:
        return f"This moves {amount}; your limit{where} is {money_text(limit, request.currency)}."
    return ""


def _by_door(request: Request, via: str) -> str:
    if request.cls == RequestClass.HIGH and via not in ("browser", COMMAND_LINE):
        return "A high-risk request is signed in the browser, after signing in again."
    return ""


def _has_voted(user: Any, request: Request) -> bool:
    return Decision.objects.filter(request=request, user=user, withdrawn_at__isnull=True).exists()
