"""Asked again at execution: may those who signed still sign?"""

from collections.abc import Sequence

from approvals.models import Decision, Request
from approvals.people import fresh_signer
from approvals.permissions import lent_objection, own_objection
from approvals.states import Vote


def revoked_reviewer(request: Request) -> str:
    """Return why a vote on this request no longer counts, or "" when all who approved still may.

    A delegate's vote outlives the delegation: who was away may be back. But both must still have what they used:
    the absent person the authority, the delegate a role that decides.
    """
    given = request.decisions.filter(vote=Vote.APPROVE, withdrawn_at__isnull=True)
    votes = list(given.select_related("user", "on_behalf_of"))
    if sum(vote.action_digest == request.action_digest for vote in votes) < request.votes_needed:
        return "The votes that this needs are not there."
    if not _are_distinct(votes):
        return "Two of the votes count as one person's."
    for vote in votes:
        sentence = _objection_to(vote, request)
        if sentence:
            return f"{vote.user.get_username()} may no longer sign this. {sentence}"
    return ""


def _objection_to(vote: Decision, request: Request) -> str:
    who = fresh_signer(vote.user_id)
    if who is None:
        return "The person is no longer here."
    if vote.on_behalf_of_id is None:
        return own_objection(who, request)
    principal = fresh_signer(vote.on_behalf_of_id)
    return lent_objection(who, principal, request) if principal else "The person they signed for is no longer here."


def _are_distinct(votes: Sequence[Decision]) -> bool:
    """Return whether nobody is behind two of the votes, as voter or as the one on whose behalf it was cast."""
    behind = [pk for vote in votes for pk in {vote.user_id, vote.on_behalf_of_id} if pk is not None]
    return len(behind) == len(set(behind))
