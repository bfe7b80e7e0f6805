"""Entry points for the queue and the clock."""

from typing import Any

from agents.claims import free_lost_runs
from agents.settling import settle_abandoned
from config.queues import rung
from config.worker.chores import bell


def ring(**_later: Any) -> None:
    """Tell this worker's driver and chores that work may be due."""
    rung.set()
    bell.ring()


def sweep_runs() -> None:
    """Give runs whose worker died back to the queue, and what ended runs left in the air to a person."""
    free_lost_runs()
    settle_abandoned()
