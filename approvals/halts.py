"""The kill switch. Engaging takes the lock that every effect holds shared: after it commits, no effect begins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from approvals import ports
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
        # One release after the other: each must see which halts are still open.
        _lock("releases")
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


def stands_since(request: Request, *, now: datetime) -> datetime | None:
    """Return since when the request's clocks stand still without a gap, or None when no open halt covers it."""
    halts = [halt for halt in Halt.objects.all() if _covers(halt.scope, request)]
    return _gapless_since(halts, now) if any(halt.released_at is None for halt in halts) else None


def _gapless_since(halts: Sequence[Halt], until: datetime) -> datetime:
    """Return where the unbroken row of halts that reaches `until` begins; overlapping ones count once."""
    since = until
    while earlier := [h.engaged_at for h in halts if h.engaged_at < since and (h.released_at or until) >= since]:
        since = min(earlier)
    return since


def _covers(scope: str, request: Request) -> bool:
    kind, _, name = scope.partition(":")
    return scope == GLOBAL or getattr(request, kind) == name


def _move_deadlines(halt: Halt, now: datetime) -> None:
    """Give back the time that stood still, once: what another halt still covers gets it when that one is released."""
    halts = list(Halt.objects.all())
    covered = Request.objects.filter(not_halted(), covered_by(halt.scope), _has_clock()).order_by("pk")
    moved = list(
        covered.select_for_update().only("created_at", "settled_at", "decide_by", "execute_by", "state", *_KINDS)
    )
    for request in moved:
        since = _gapless_since([one for one in halts if _covers(one.scope, request)], now)
        if request.state == RequestState.OPEN and request.decide_by:
            request.decide_by += now - max(since, request.created_at)
        elif request.execute_by:
            request.execute_by += now - max(since, request.settled_at or since)
    Request.objects.bulk_update(moved, ["decide_by", "execute_by"], batch_size=500)


def _has_clock() -> Q:
    waits = Q(state=RequestState.OPEN, decide_by__isnull=False)
    return waits | Q(state=RequestState.APPROVED, consumed_at__isnull=True, execute_by__isnull=False)


def _check_scope(scope: str) -> None:
    kind, _, name = scope.partition(":")
    if scope != GLOBAL and not (kind in _KINDS and name):
        raise NotFound('A halt covers "global", "agent:NAME", "tool:NAME" or "connection:NAME".')
    # A misspelt name would stop nothing while everybody believes that it does.
    if kind == "agent" and not ports.actions().has_agent(name):
        raise NotFound(f"There is no agent {name}. Nothing was halted.")


def _words(scope: str) -> str:
    return "All agents" if scope == GLOBAL else scope.replace(":", " ")


def _lock(scope: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key(%s))", [scope])
