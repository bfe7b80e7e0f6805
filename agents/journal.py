"""The journal of a run: append under the fence, read back in order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from agents import moves
from agents.errors import LeaseLost
from agents.models import Run, Step
from agents.states import StepKind


def append(
    run: Run,
    kind: StepKind,
    data: dict[str, Any],
    *,
    action_id: UUID | None = None,
    latency_ms: int = 0,
    **figures: Any,
) -> Step:
    """Write the next step. Raises LeaseLost when this worker's fence is no longer the run's.

    A run that gets on is not the one that kills its workers: its deaths are forgotten.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_run SET steps_written = steps_written + 1, active_ms = active_ms + %s, deaths_alone = 0"
            " WHERE id = %s AND fence = %s AND state = 'running' RETURNING steps_written, set_config(%s, %s, true)",
            [latency_ms, run.pk, run.fence, moves.STANDSTILL, str(moves.STANDSTILL_MS)],
        )
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost("Another worker owns this run.")
    run.steps_written = row[0]
    run.active_ms += latency_ms
    return Step.objects.create(
        run=run, number=row[0], kind=kind, data=data, action_id=action_id, latency_ms=latency_ms, **figures
    )


def read(run_id: UUID) -> Sequence[Step]:
    return list(Step.objects.filter(run_id=run_id).order_by("number"))
