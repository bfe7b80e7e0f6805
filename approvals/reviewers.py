"""Asked again at execution: may those who signed still sign?"""

from approvals.models import Request
from approvals.people import fresh_signer
from approvals.permissions import objection
from approvals.states import Vote


def revoked_reviewer(request: Request) -> str:
    """Return why a vote on this request no longer counts, or "" when all who approved still may."""
    votes = request.decisions.filter(vote=Vote.APPROVE, withdrawn_at__isnull=True).select_related("user")
    if sum(vote.action_digest == request.action_digest for vote in votes) < request.votes_needed:
        return "The votes that this needs are not there."
    for vote in votes:
        who = fresh_signer(vote.user_id)
        sentence = objection(who, request) if who else "The person is no longer here."
        if sentence:
            return f"{vote.user.get_username()} may no longer sign this. {sentence}"
    return ""
