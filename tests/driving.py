"""Being the worker, in the test's own thread: the real claim, the real loop."""

from agents.claims import claim_runs
from agents.loop import advance_run
from agents.models import Run


def work(*, rounds: int = 10) -> int:
    """Claim and advance due runs until none is due; return how many claims that took."""
    claims = 0
    for _ in range(rounds):
        runs = [*claim_runs("test", limit=50, suspect=True), *claim_runs("test", limit=50)]
        if not runs:
            return claims
        for run in runs:
            advance_run(run)
        claims += len(runs)
    return claims


def hurry(run: Run) -> None:
    """Let a run that is due later be due now, and its approval be past the undo window."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE agents_run SET due_at = clock_timestamp() WHERE id = %s", [run.pk])
        cursor.execute(
            "UPDATE approvals_request SET execute_after = clock_timestamp() WHERE run_id = %s"
            " AND state = 'approved' AND consumed_at IS NULL",
            [run.pk],
        )
