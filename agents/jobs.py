"""Entry points for the queue and the clock."""

from typing import Any

from agents.claims import free_lost_runs
from config.queues import rung


def ring(**_later: Any) -> None:
    """Tell this worker's driver that work may be due."""
    rung.set()


def sweep_runs() -> None:
    """Give runs whose worker died back to the queue."""
    free_lost_runs()
