"""The negative control of what the database guards: its function without one of its checks, while a block runs.

Changed in the test's own database only, and put back however the block ends.
"""

import contextlib
import re
import time
from collections.abc import Iterator

from django.db import connection

_FUNCTION = "countersign_begin_effect"
_HALTED = r"IF EXISTS \(SELECT 1 FROM approvals_halt.*?RETURN 'halted';\s+END IF;"
_POLICY = r"IF NOT EXISTS \(SELECT 1 FROM approvals_policyversion.*?RETURN 'policy_changed';\s+END IF;"
_SUPERVISED = r"IF a\.effect <> 'read' AND EXISTS \(.*?RETURN 'policy_changed'; END IF;"
_FENCE = r" AND fence = p_fence AND state = 'running'"
CHECKS = {
    "halt": _HALTED,
    "policy": _POLICY,
    "supervised": _SUPERVISED,
    "fence": _FENCE,
    "state": r"IF a\.state = 'approved' THEN.*?'state_' \|\| a\.state;\s+END IF;",
    "deadline": r"IF q\.execute_by <= .*?END IF;",
    "digest": r"IF live_digest <> a\.digest THEN.*?END IF;",
    "binding": r"IF \(envelope->>'run'\).*?RETURN 'binding_changed'; END IF;",
    "request": r"IF NOT FOUND OR [^;]*?q\.state <> 'approved'.*?END IF;\s+IF q\.action_digest.*?END IF;",
    "consumed": r"IF q\.consumed_at IS NOT NULL.*?END IF;",
}


@contextlib.contextmanager
def begin_effect(*, without: tuple[str, ...] = (), pause_s: float = 0) -> Iterator[None]:
    """Let effects begin without these checks, and after a pause: whoever races them then falls between the looks."""
    before = _definition()
    changed = before
    for name in without:
        changed, found = re.subn(CHECKS[name], "", changed, count=1, flags=re.DOTALL)
        assert found == 1, f"the check {name} is not where it was: this control would control nothing"
    _do(changed.replace("\nBEGIN\n", f"\nBEGIN\n    PERFORM pg_sleep({pause_s});\n", 1) if pause_s else changed)
    try:
        yield
    finally:
        _do(before)


@contextlib.contextmanager
def any_move() -> Iterator[None]:
    """Let an action go from any state into any other."""
    _do("ALTER TABLE agents_action DISABLE TRIGGER action_moves")
    try:
        yield
    finally:
        _do("ALTER TABLE agents_action ENABLE TRIGGER action_moves")


def when_one_pauses(seconds: float = 20) -> None:
    """Return once somebody stands in that pause: past all looks but those of the function itself."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.005)


def _definition() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [_FUNCTION])
        return str(cursor.fetchone()[0])


def _do(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
