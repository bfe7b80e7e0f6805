"""The verbs on requests, in one place to import from. Each is one transaction with an audit row per transition."""

from approvals.casting import EXECUTE_WITHIN_S, UNDO_WINDOW_S, Settlement
from approvals.deciding import decide_request
from approvals.expiring import expire_overdue_requests
from approvals.proposals import propose_change
from approvals.settled import settled_sentence
from approvals.undoing import undo_decision
from approvals.withdrawing import lock_requests_of_run, withdraw_request

__all__ = [
    "EXECUTE_WITHIN_S",
    "UNDO_WINDOW_S",
    "Settlement",
    "decide_request",
    "expire_overdue_requests",
    "lock_requests_of_run",
    "propose_change",
    "settled_sentence",
    "undo_decision",
    "withdraw_request",
]
