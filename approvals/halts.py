"""The kill switch. Engaging takes the lock that every effect holds shared: after it commits, no effect begins."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.errors import AlreadySettled, NotAllowed, NotFound
from approvals.models import Halt, Request
from approvals.notices import tell
from approvals.people import signer
from approvals.signals import halt_released
from approvals.states import RequestState

GLOBAL = "global"
_KINDS = ("agent", "tool", "connection")


def scopes_of(*, agent: str, tool: str = "", connection_name: str = "") -> list[str]:
    """Return every halt scope that covers this agent (and tool and connection)."""
    named = {"agent": agent, "tool": tool, "connection": connection_name}
    return [GLOBAL, *(f"{kind}:{name}" for kind, name in named.items() if name)]


def open_halts() -> list[Halt]:
    return list(Halt.objects.filter(released_at__isnull=True).order_by("engaged_at"))


def engage_halt(*, scope: str, reason: str, user: Any = None, actor: Actor | None = None) -> Halt:
    """Stop everything the scope covers. Returns the halt; the one already open when there is one."""
    who = actor or Actor.person(user)
    if user is not None and not signer(user).decides:
        raise NotAllowed("Operators and admins may halt agents.")
    _check_scope(scope)
    if not reason.strip():
        raise NotAllowed("Say why: the reason stands in the audit trail and on every page.")
    with transaction.atomic():
        _lock(scope)
        present = Halt.objects.filter(scope=scope, released_at__isnull=True).first()
        if present:
            return present
        halt = Halt.objects.create(scope=scope, reason=reason.strip(), engaged_by=user, engaged_by_label=who.label)
        record(
            actor=who, verb="halt.engaged", subject_type="halt", subject_id=halt.pk, subject=scope, reason=halt.reason
        )
        tell(kind="halt", title=f"{_words(scope)} halted by {who.label}: {halt.reason}", link="/")
    return halt


def release_halt(*, halt_id: Any, user: Any = None, actor: Actor | None = None) -> Halt:
    """Let the halted work go on. Deadlines that stood still are moved by as long as they stood."""
    who = actor or Actor.person(user)
    if user is not None and not signer(user).is_admin:
        raise NotAllowed("Only an admin releases a halt.")
    with transaction.atomic():
        halt = Halt.objects.select_for_update().filter(pk=halt_id).first()
        if halt is None:
            raise NotFound("There is no such halt.")
        if halt.released_at:
            raise AlreadySettled(f"This halt was released at {halt.released_at:%H:%M}.")
        halt.released_at, halt.released_by = database_now(), user
        halt.save(update_fields=["released_at", "released_by"])
        _move_deadlines(halt, halt.released_at)
        record(actor=who, verb="halt.released", subject_type="halt", subject_id=halt.pk, subject=halt.scope)
        tell(kind="halt", title=f"{_words(halt.scope)} released by {who.label}", link="/")
        halt_released.send(sender=Halt, halt=halt, actor=who)
    return halt


def covered_by(scope: str) -> Q:
    """Return the condition on requests that a halt of this scope covers."""
    kind, _, name = scope.partition(":")
    return Q() if scope == GLOBAL else Q(**{kind: name})


def not_halted() -> Q:
    """Return the condition on requests that no open halt covers: their clocks run."""
    condition = Q()
    for scope in Halt.objects.filter(released_at__isnull=True).values_list("scope", flat=True):
        condition &= Q(pk__isnull=True) if scope == GLOBAL else ~covered_by(scope)
    return condition


def _move_deadlines(halt: Halt, now: datetime) -> None:
    stood = now - Greatest(F("created_at"), halt.engaged_at)
    after = now - Greatest(F("settled_at"), halt.engaged_at)
    covered = Request.objects.filter(covered_by(halt.scope))
    covered.filter(state=RequestState.OPEN, decide_by__isnull=False).update(decide_by=F("decide_by") + stood)
    covered.filter(state=RequestState.APPROVED, consumed_at__isnull=True, execute_by__isnull=False).update(
        execute_by=F("execute_by") + after
    )


def _check_scope(scope: str) -> None:
    kind, _, name = scope.partition(":")
    if scope != GLOBAL and not (kind in _KINDS and name):
        raise NotFound('A halt covers "global", "agent:NAME", "tool:NAME" or "connection:NAME".')


def _words(scope: str) -> str:
    return "All agents" if scope == GLOBAL else scope.replace(":", " ")


def _lock(scope: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key(%s))", [scope])
