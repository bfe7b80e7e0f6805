"""A person decides: is it still open, is the vote one of its kind, may they, and then the vote is cast."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.bound import check_still_bound
from approvals.casting import Ballot, Settlement, cast, locked_request
from approvals.controls import vote_for_edit
from approvals.database_clock import database_now
from approvals.desk_terms import Result
from approvals.editing import approve_edited
from approvals.errors import AlreadySettled, DeadlinePassed, NotAllowedToDecide, RequestChanged, WrongVote
from approvals.halts import stands_since
from approvals.models import Request
from approvals.permissions import check_can_decide
from approvals.settled import clock_words, settled_sentence, who_and_when
from approvals.states import VOTES_OF, RequestClass, RequestState, Vote


def decide_request(
    *,
    request_id: UUID,
    user: Any,
    vote: str,
    digest: str,
    comment: str = "",
    reason_code: str = "",
    answer: str = "",
    arguments: Mapping[str, Any] | None = None,
    result_code: str = "",
    via: str = "browser",
    stepped_up: bool = False,
) -> Settlement:
    """Record one person's vote and settle the request when it has enough.

    digest: what the person signed, as shown; compared with what is stored.
    arguments: an edit; approves a successor action with these instead (DESIGN 4).
    result_code: how a person closed a hand-off (desk_terms.Result), counted by the figures.
    stepped_up: the person signed in again within the last minutes (asked for class high).
    Raises NotFound, NotAllowedToDecide, AlreadySettled, RequestChanged, DeadlinePassed, WrongVote, BadArguments.
    """
    with transaction.atomic():
        request = locked_request(request_id, user)
        now = database_now()
        _check_open(request, digest, now)
        _check_vote(request, vote, answer, comment)
        check_still_bound(request, vote)
        _check_result(vote, result_code)
        on_behalf_of = check_can_decide(user, request, via=via, editing=arguments is not None)
        if request.cls == RequestClass.HIGH and not stepped_up and vote == Vote.APPROVE:
            raise NotAllowedToDecide("Sign in again first: this is a high-risk request.", step_up=True)
        if arguments is not None and not request.control:
            return approve_edited(request, user, arguments, comment=comment, via=via, now=now)
        ballot = Ballot(vote, comment, reason_code, answer, via, result_code=result_code, on_behalf_of=on_behalf_of)
        if arguments is not None:
            ballot = replace(ballot, vote=vote_for_edit(request, arguments), edited=True)
        return cast(request, user, ballot, now=now)


def _check_open(request: Request, digest: str, now: datetime) -> None:
    if request.state != RequestState.OPEN:
        raise AlreadySettled(settled_sentence(request), **who_and_when(request))
    if digest != request.action_digest:
        raise RequestChanged("This changed after you opened it. Read it again before you decide.")
    # Under a halt the clock stands where it stood: what was late before it stays late.
    if request.decide_by and request.decide_by <= (stands_since(request, now=now) or now):
        raise DeadlinePassed(f"The deadline passed at {clock_words(request.decide_by)}; silence counted as no.")


def _check_vote(request: Request, vote: str, answer: str, comment: str) -> None:
    allowed = VOTES_OF[request.kind]
    if vote not in allowed:
        kind = request.kind.replace("_", " ")
        raise WrongVote(f"{'An' if kind[0] in 'aeu' else 'A'} {kind} is settled by {' or '.join(sorted(allowed))}.")
    if vote == Vote.ANSWER and not answer.strip():
        raise WrongVote("Write the answer that the agent is to read.")
    if vote == Vote.RESOLVE and not (answer.strip() or comment.strip()):
        raise WrongVote("Write how this ended: the result counts in the figures.")


def _check_result(vote: str, result_code: str) -> None:
    if result_code and vote != Vote.RESOLVE:
        raise WrongVote("Only work that a person closes has a result.")
    if result_code and result_code not in set(Result):
        raise WrongVote(f"A result is {', '.join(Result)}.")
