"""Approving with other arguments: a successor action, on which the editor's vote counts only if it asks for no more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from approvals.audit import Actor
from approvals.casting import Ballot, Settlement, cast
from approvals.errors import NotAllowedToDecide, WrongVote
from approvals.labels import label_edit
from approvals.models import Request
from approvals.permissions import check_can_decide
from approvals.ports import Successor, actions
from approvals.states import RequestClass, RequestKind, Vote
from approvals.withdrawing import withdraw_request


def approve_edited(
    request: Request, user: Any, arguments: Mapping[str, Any], *, comment: str, via: str, now: datetime
) -> Settlement:
    """Put a successor with these arguments in the request's place, and count the editor's vote on it where it counts."""
    if request.kind != RequestKind.APPROVAL or request.action_id is None:
        raise WrongVote("Only an action that waits for approval can be edited.")
    successor = actions().edit(request=request, arguments=arguments, editor=user, now=now)
    following = successor.request
    difference = following.card.get("changes", []) if following else []
    label_edit(request, user, difference=difference, comment=comment, via=via)
    withdraw_request(
        request, actor=Actor.person(user), why=f"Edited by {user.get_username()}", now=now, successor=following
    )
    if following is None:
        return Settlement(None, None, True, f"The edited action is {successor.state}.", withdrawn=request)
    if _edit_counts(request, following, successor):
        return _vote_on_own_edit(request, following, user, comment=comment, via=via, now=now)
    Request.objects.filter(pk=following.pk).update(barred=sorted({*following.barred, user.pk}))
    message = "Edited. It asks for more than before, so someone other than you signs it."
    return Settlement(following, None, False, message, withdrawn=request)


def _vote_on_own_edit(
    request: Request, following: Request, user: Any, *, comment: str, via: str, now: datetime
) -> Settlement:
    try:
        on_behalf_of = check_can_decide(user, following, via=via)
    except NotAllowedToDecide as refusal:
        return Settlement(following, None, False, f"Edited; someone else signs it. {refusal.message}", request)
    ballot = Ballot(vote=Vote.APPROVE, comment=comment, via=via, edited=True, on_behalf_of=on_behalf_of)
    counted = cast(following, user, ballot, now=now)
    return Settlement(counted.request, counted.decision, counted.settled, counted.message, withdrawn=request)


def _edit_counts(old: Request, new: Request, successor: Successor) -> bool:
    """Return whether the editor's own vote counts: nothing about the successor is stricter, dearer or elsewhere."""
    no_stricter = (
        new.level <= old.level
        and new.votes_needed <= old.votes_needed
        and not (new.cls == RequestClass.HIGH and old.cls != RequestClass.HIGH)
    )
    same_money = new.currency == old.currency and (new.money_minor or 0) <= (old.money_minor or 0)
    return no_stricter and same_money and successor.same_target
