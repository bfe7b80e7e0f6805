"""What the clock calls here."""

from typing import Any

from approvals.services import expire_overdue_requests


def expire(**_later: Any) -> None:
    expire_overdue_requests()
