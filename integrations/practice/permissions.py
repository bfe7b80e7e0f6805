"""Who may press buttons at the practice company. `check` raises the sentence that a grey button shows."""

from approvals.people import Signer
from approvals.states import Role
from integrations.practice.errors import NotAtThePracticeCompany


def sending_objection(who: Signer) -> str:
    """Return why this person may not send events, or "" when they may."""
    if who.roles & {Role.OPERATOR, Role.ADMIN}:
        return ""
    return "Operators and admins send events of the practice company."


def fault_objection(who: Signer) -> str:
    """Return why this person may not break the practice company, or "" when they may."""
    return "" if who.is_admin else "Admins set faults of the practice company."


def check_can_send(who: Signer) -> None:
    _raise(sending_objection(who))


def check_can_set_faults(who: Signer) -> None:
    _raise(fault_objection(who))


def _raise(sentence: str) -> None:
    if sentence:
        raise NotAtThePracticeCompany(sentence)
