"""Who may change the policy."""

from typing import Any

from approvals.errors import NotAllowed
from approvals.people import signer


def refusal_to_change(user: Any) -> str:
    """Return why this person may not change the policy, or "" when they may."""
    who = signer(user)
    if who.is_admin:
        return ""
    role = next(iter(sorted(who.roles)), "no role")
    return f"Admins change the policy; you are signed in as {role}."


def check_can_change(user: Any) -> None:
    sentence = refusal_to_change(user)
    if sentence:
        raise NotAllowed(sentence)
