"""Before a vote counts: is what was signed still bound to the rule, tool and account that are in force?"""

from approvals.errors import RequestChanged
from approvals.models import Request
from approvals.policy.canonical import NotCanonical
from approvals.ports import actions
from approvals.states import RequestKind, Vote


def check_still_bound(request: Request, vote: str) -> None:
    """Raise RequestChanged when an approval would be one of something that is judged again in a moment.

    Execution asks the same again: this spares a person a vote that could come to nothing.
    """
    if request.kind != RequestKind.APPROVAL or vote != Vote.APPROVE or request.action_id is None:
        return
    try:
        action = actions().read([request.action_id]).get(request.action_id)
    except NotCanonical:
        return  # execution refuses it, and writes down that what is stored is not what was signed
    if action is not None and action.moved:
        raise RequestChanged(f"{action.moved} It is judged again now; decide on the request that takes its place.")
