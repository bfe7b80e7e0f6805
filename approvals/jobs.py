"""What the clock calls here."""

from approvals.services import expire_overdue_requests


def expire_requests() -> None:
    """Close what nobody decided or executed in time."""
    expire_overdue_requests()
