"""run_tool_call: the only place where the outside world changes.

Asked again first (policy, reviewer, world), then one database function consumes the approval and writes the intent;
only after that commit the network, with the bytes that were digested; then succeeded, failed or unknown.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from agents import moves
from agents.envelope import opened
from agents.models import Action, Run
from agents.pool import give_back
from agents.selectors import halted_as
from agents.spec import AgentSpec
from agents.states import ActionState
from agents.tools.base import CallContext, NotSent, OutcomeUnknown, Refused, Throttled, Tool, ToolError, ToolResult
from agents.tools.lookups import look_up
from approvals.database_clock import database_now
from approvals.halts import scopes_of
from approvals.policy.action import Effect
from approvals.policy_versions import ActivePolicy

_RETRY_SAFE = {Effect.READ, Effect.KEYED, Effect.CONVERGENT}
_LONGEST_BACKOFF_S = 5.0
MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after the attempts: one of succeeded, failed, unknown."""

    state: ActionState
    result: ToolResult | None = None
    error: str = ""
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The database function said no; `code` is its word, and nothing left this process."""

    code: str


def run_tool_call(
    run: Run, spec: AgentSpec, action: Action, tool: Tool, policy: ActivePolicy, *, actor: str
) -> Outcome | NotBegun:
    """Execute the action once, or find out what became of an earlier attempt. Writes intent, not outcome."""
    found = _after_a_crash(action, tool) if action.state == ActionState.EXECUTING else None
    if found is not None:
        return found
    started = time.monotonic()
    sent_before = action.state == ActionState.EXECUTING
    done: Outcome | NotBegun = NotBegun("no_attempt")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        again = action.state == ActionState.EXECUTING
        refusal = begin_effect(run, spec, action, policy, actor=actor, retry=again)
        if refusal:
            # After a first attempt its outcome stands: it may have happened.
            return done if isinstance(done, Outcome) else NotBegun(refusal)
        action.state = ActionState.EXECUTING
        (latest, may_retry), pause_s = _attempt(run, action, tool, attempt)
        done = _together(done, latest, tool, sent_before=sent_before)
        if not may_retry:
            break
        time.sleep(pause_s if attempt < MAX_ATTEMPTS else 0)
    return replace(done, latency_ms=_ms_since(started)) if isinstance(done, Outcome) else done


def begin_effect(
    run: Run, spec: AgentSpec, action: Action, policy: ActivePolicy, *, actor: str, retry: bool = False
) -> str:
    """Commit the intent. Returns "" when the effect may begin, else the word of the database function.

    It checks the fence, halts, policy version, digest and every bound column, consumes the approval and reserves
    money, in one transaction that is on disk before this returns.
    """
    scopes = scopes_of(agent=halted_as(run), tool=action.tool, connection_name=action.connection)
    most = None if run.undoes_id else spec.limits.actions
    moved = spec.limits.moved_minor_per_day.get(action.currency) if action.currency else None
    arguments: list[Any] = [run.pk, run.fence, action.pk, policy.id, scopes, actor, retry, most, moved]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', true), set_config(%s, %s, true)",
                [moves.STANDSTILL, str(moves.STANDSTILL_MS)],
            )
            cursor.execute("SELECT countersign_begin_effect(%s, %s, %s, %s, %s, %s, %s, %s, %s)", arguments)
            word: str = cursor.fetchone()[0]
    except DatabaseError as error:
        limit = _limit_word(error)
        if limit is None:
            raise
        return limit
    return "" if word == "ok" else word


def _attempt(run: Run, action: Action, tool: Tool, attempt: int) -> tuple[tuple[Outcome, bool], float]:
    """Return (outcome, may another attempt be made) and after how many seconds."""
    arguments: Mapping[str, Any] = opened(action.canonical)["arguments"]
    context = CallContext(
        key=action.key, attempt=attempt, deadline_s=tool.timeout_s, run_id=str(run.pk), action_id=str(action.pk)
    )
    give_back()
    try:
        return (Outcome(ActionState.SUCCEEDED, result=tool.call(arguments, context)), False), 0
    except Refused as error:
        return (Outcome(ActionState.FAILED, error=error.message), False), 0
    except (NotSent, Throttled) as error:
        # Nothing happened over there: safe to try again for every effect class.
        wait = error.retry_after_s if isinstance(error, Throttled) and error.retry_after_s else _backoff(attempt)
        return (Outcome(ActionState.FAILED, error=error.message), wait <= _LONGEST_BACKOFF_S), wait
    except OutcomeUnknown as error:
        return _unclear(action, tool, error), _backoff(attempt)


def _together(before: Outcome | NotBegun, latest: Outcome, tool: Tool, *, sent_before: bool) -> Outcome:
    """A later attempt that did nothing says nothing about an earlier one that may have happened (INVARIANTS I9)."""
    earlier = before if isinstance(before, Outcome) else None
    may_have_happened = earlier.state == ActionState.UNKNOWN if earlier else sent_before
    if latest.state != ActionState.FAILED or not may_have_happened or tool.effect is Effect.READ:
        return latest
    said = earlier.error if earlier else "An earlier attempt brought no answer."
    return Outcome(ActionState.UNKNOWN, error=f"{said} A later attempt: {latest.error}")


def _unclear(action: Action, tool: Tool, error: ToolError) -> tuple[Outcome, bool]:
    """A read that brought nothing has failed; a write that may have happened is unknown. Second: may it be sent again?"""
    if tool.effect is Effect.READ:
        return Outcome(ActionState.FAILED, error=error.message), True
    unknown = Outcome(ActionState.UNKNOWN, error=error.message)
    if tool.effect is Effect.QUERYABLE:
        return _found_by_look_up(action, tool) or unknown, False
    return unknown, tool.effect in _RETRY_SAFE


def _after_a_crash(action: Action, tool: Tool) -> Outcome | None:
    """Return what an action found executing has become, or None when it may be sent again (INVARIANTS I8)."""
    if tool.effect is Effect.READ:
        return None
    unknown = Outcome(ActionState.UNKNOWN, error="The worker stopped after the call had been handed over.")
    if tool.effect is Effect.QUERYABLE:
        return _found_by_look_up(action, tool) or unknown
    return None if tool.effect in _RETRY_SAFE and _inside_window(action, tool) else unknown


def _inside_window(action: Action, tool: Tool) -> bool:
    if action.first_sent_at is None:
        return True
    return database_now() < action.first_sent_at + timedelta(hours=tool.window_h)


def _found_by_look_up(action: Action, tool: Tool) -> Outcome | None:
    """Return success when the other side knows our reference. Not found proves nothing: it may still be on its way."""
    found = look_up(tool, opened(action.canonical)["arguments"], action.key)
    return Outcome(ActionState.SUCCEEDED, result=found) if found is not None else None


def _ms_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _backoff(attempt: int) -> float:
    base: float = settings.RETRY_BASE_S * 2 ** (attempt - 1)
    return min(base, _LONGEST_BACKOFF_S) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def _limit_word(error: DatabaseError) -> str | None:
    cause = getattr(error, "__cause__", None)
    if getattr(cause, "sqlstate", "") != "P0CS1":
        return None
    return str(getattr(getattr(cause, "diag", None), "message_primary", "") or "limit_actions")
