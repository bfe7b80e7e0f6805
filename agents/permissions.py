"""What a person may do with agents. Each question has its sentence; "" is yes."""

from typing import Any

from approvals.errors import NotAllowed
from approvals.people import signer


def refusal_to_configure(user: Any) -> str:
    """Return why this person may not change agents and providers."""
    who = signer(user)
    return "" if who.is_admin else f"Admins change agents and providers; you are signed in as {_role(who.roles)}."


def refusal_to_work(user: Any) -> str:
    """Return why this person may not start or halt an agent."""
    who = signer(user)
    return (
        "" if who.decides else f"Operators and admins start and halt agents; you are signed in as {_role(who.roles)}."
    )


def refusal_to_release(user: Any) -> str:
    who = signer(user)
    return "" if who.is_admin else f"Only an admin asks for a release; you are signed in as {_role(who.roles)}."


def check_may_configure(user: Any) -> None:
    _check(refusal_to_configure(user))


def check_may_work(user: Any) -> None:
    _check(refusal_to_work(user))


def _check(sentence: str) -> None:
    if sentence:
        raise NotAllowed(sentence)


def _role(roles: frozenset[str]) -> str:
    return next(iter(sorted(roles)), "no role")
