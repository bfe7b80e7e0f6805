"""What counts as the same case for a standing answer: every byte that is signed, but for which run and action it is of."""

from approvals.arguments import shown_arguments
from approvals.models import Request
from approvals.policy.canonical import NotCanonical, canonical_bytes, digest_of, parse_canonical
from approvals.ports import StoredAction, actions
from approvals.states import RequestClass, RequestKind

# Of the envelope that is signed: these differ between two runs that ask for exactly the same.
_ONE_TIME = frozenset({"run", "action", "agent_version"})


def case_of(request: Request) -> StoredAction | None:
    """Return the action of a request whose case may have a standing answer; None: it is decided by itself.

    High class, several votes, edits, successors and whatever a guard said something about are always decided alone.
    """
    if (
        request.kind != RequestKind.APPROVAL
        or request.cls != RequestClass.NORMAL
        or request.votes_needed != 1
        or request.control
        or not request.alike
        or request.card.get("changes")
        or request.card.get("flags")
        or request.action_id is None
    ):
        return None
    try:
        action = actions().read([request.action_id]).get(request.action_id)
    except NotCanonical:
        return None
    return action if action and action.digest == request.action_digest == digest_of(action.canonical) else None


def same_of(action: StoredAction) -> str:
    """Return the same digest for two actions that ask for exactly the same of the same tool, account and rule."""
    envelope = parse_canonical(action.canonical)
    return digest_of(canonical_bytes({name: value for name, value in envelope.items() if name not in _ONE_TIME}))


def shown_case(request: Request, action: StoredAction) -> list[list[str]]:
    """Return what the author is shown as identical: tool, rule and every argument, as name and text."""
    envelope = parse_canonical(action.canonical)
    arguments = shown_arguments(action.arguments, action.schema, action.money_paths)
    return [
        ["tool", f"{action.tool}, version {str(envelope['tool_version'])[:12]}"],
        ["acts on", str(envelope["account"])],
        ["rule", str(request.rule.get("text") or request.rule.get("id") or "no rule matched")],
        *([shown.path, shown.text] for shown in arguments),
    ]
