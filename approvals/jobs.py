"""What the clock calls here."""

from django.utils import timezone

from approvals import halt_release, halts
from approvals.controls import seed_due_controls
from approvals.reminders import remind_due_requests
from approvals.rest.once import forget_calls
from approvals.services import expire_overdue_requests


def expire_requests() -> None:
    """Close what nobody decided or executed in time."""
    expire_overdue_requests()


def remind_people() -> None:
    """Tell people whose time to decide runs out, and let in who may help."""
    remind_due_requests()


def forget_api_calls() -> None:
    """Delete the kept answers of idempotent API calls that nobody will ask for again."""
    forget_calls(now=timezone.now())


def confirm_halts() -> None:
    """Note which halts have nothing in flight any more, and close what asked to release one that has ended."""
    halts.confirm_halts()
    halt_release.withdraw_outrun()


def seed_controls() -> None:
    """Seed what the teams' rates ask for: none unless an admin said so."""
    seed_due_controls()
