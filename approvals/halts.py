"""The kill switch. Engaging takes the lock that every effect holds shared: after it commits, no effect begins.

A halt is released in stages (approvals/halt_release.py asks a second person): first under supervision, where agents
work and a person signs every write, then fully. Deadlines stand still while it stops, not while it supervises.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from approvals import ports
from approvals.audit import SYSTEM, Actor, record
from approvals.database_clock import database_now
from approvals.deadlines import give_back_time
from approvals.errors import AlreadySettled, NotAllowed, NotFound
from approvals.models import Halt, Request
from approvals.notices import tell
from approvals.people import signer
from approvals.signals import halt_released
from approvals.states import RequestState

GLOBAL = "global"
STOPPED, SUPERVISED, RELEASED = "stopped", "supervised", "released"
_KINDS = ("agent", "tool", "connection")


def scopes_of(*, agent: str, tool: str = "", connection_name: str = "") -> list[str]:
    """Return every halt scope that covers this agent (and tool and connection)."""
    named = {"agent": agent, "tool": tool, "connection": connection_name}
    return [GLOBAL, *(f"{kind}:{name}" for kind, name in named.items() if name)]


def open_halts() -> list[Halt]:
    """Return every halt that is not fully released, also those that only supervise by now."""
    return list(Halt.objects.filter(released_at__isnull=True).order_by("engaged_at"))


def halted_scopes() -> frozenset[str]:
    """Return the scopes in which nothing may begin now."""
    return frozenset(halt.scope for halt in open_halts() if halt.stage == STOPPED)


def keep_halts() -> None:
    """Let no halt be released, also not under supervision, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(countersign_scope_key('releases'))")


def signed_by_people_only(scopes: Sequence[str]) -> bool:
    """Return whether one of these scopes works under supervision: no write begins there that no person signed."""
    return Halt.objects.filter(scope__in=scopes, released_at__isnull=True, stage=SUPERVISED).exists()


def engage_halt(*, scope: str, reason: str, user: Any = None, actor: Actor | None = None) -> Halt:
    """Stop everything the scope covers. Returns the halt; the one that already stops it when there is one."""
    who = actor or Actor.person(user)
    if user is not None and not signer(user).decides:
        raise NotAllowed("Operators and admins may halt agents.")
    _check_scope(scope)
    if not reason.strip():
        raise NotAllowed("Say why: the reason stands in the audit trail and on every page.")
    with transaction.atomic():
        _lock(scope)
        present = Halt.objects.select_for_update().filter(scope=scope, released_at__isnull=True).first()
        if present and present.stage == STOPPED:
            return present
        if present:
            _end(present, actor=who, user=user, now=database_now(), verb="halt.engaged_again")
        halt = Halt.objects.create(scope=scope, reason=reason.strip(), engaged_by=user, engaged_by_label=who.label)
        record(
            actor=who, verb="halt.engaged", subject_type="halt", subject_id=halt.pk, subject=scope, reason=halt.reason
        )
        tell(kind="halt", title=f"{words_of(scope).capitalize()} halted by {who.label}: {halt.reason}", link="/")
    return halt


def release_halt(*, halt_id: Any, user: Any = None, actor: Actor | None = None, to: str = RELEASED) -> Halt:
    """Let the halted work go on: under supervision, or fully. Deadlines that stood still are moved by as long.

    One person's verb: what asks the second one is approvals.halt_release.
    """
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
        if halt.stage == to:
            raise AlreadySettled("It works under supervision already.")
        now, stood = database_now(), halt.stage == STOPPED
        if to == SUPERVISED:
            _supervise(halt, actor=who, now=now)
        else:
            _end(halt, actor=who, user=user, now=now, verb="halt.released")
        if stood:
            _move_deadlines(halt, now)
            halt_released.send(sender=Halt, halt=halt, actor=who, now=now)
    return halt


def confirm_halts() -> int:
    """Note of each halt that stops whether all that was on its way when it was engaged has come to an end.

    Returns how many were confirmed. Nothing begins from the moment a halt is engaged; this says when nothing runs.
    """
    waiting = Halt.objects.filter(stage=STOPPED, released_at__isnull=True, confirmed_at__isnull=True)
    return sum(_confirm(halt) for halt in waiting)


def _confirm(halt: Halt) -> bool:
    if ports.actions().in_flight(halt.scope):
        return False
    with transaction.atomic():
        now = database_now()
        if not Halt.objects.filter(pk=halt.pk, confirmed_at__isnull=True).update(confirmed_at=now):
            return False
        record(
            actor=SYSTEM,
            verb="halt.confirmed",
            subject_type="halt",
            subject_id=halt.pk,
            subject=halt.scope,
            after_ms=int((now - halt.engaged_at).total_seconds() * 1000),
        )
    return True


def _supervise(halt: Halt, *, actor: Actor, now: datetime) -> None:
    halt.stage, halt.supervised_at = SUPERVISED, now
    halt.save(update_fields=["stage", "supervised_at"])
    record(actor=actor, verb="halt.supervised", subject_type="halt", subject_id=halt.pk, subject=halt.scope)
    tell(
        kind="halt",
        title=f"{words_of(halt.scope).capitalize()} work again under supervision: a person signs every write",
        link="/halts/",
    )


def _end(halt: Halt, *, actor: Actor, user: Any, now: datetime, verb: str) -> None:
    halt.released_at, halt.released_by = now, user
    halt.save(update_fields=["released_at", "released_by"])
    record(actor=actor, verb=verb, subject_type="halt", subject_id=halt.pk, subject=halt.scope)
    if verb == "halt.released":
        tell(kind="halt", title=f"{words_of(halt.scope).capitalize()} released by {actor.label}", link="/halts/")


def covered_by(scope: str) -> Q:
    """Return the condition on requests that a halt of this scope covers."""
    kind, _, name = scope.partition(":")
    return Q() if scope == GLOBAL else Q(**{kind: name})


def not_halted() -> Q:
    """Return the condition on requests that nothing stops: their clocks run."""
    condition = Q()
    for scope in sorted(halted_scopes()):
        condition &= Q(pk__isnull=True) if scope == GLOBAL else ~covered_by(scope)
    return condition


def stands_since(request: Request, *, now: datetime) -> datetime | None:
    """Return since when the request's clocks stand still without a gap, or None when no open halt covers it."""
    halts = [halt for halt in Halt.objects.all() if _covers(halt.scope, request)]
    return _gapless_since(halts, now) if any(_stood_until(halt) is None for halt in halts) else None


def _gapless_since(halts: Sequence[Halt], until: datetime) -> datetime:
    """Return where the unbroken row of halts that reaches `until` begins; overlapping ones count once."""
    since = until
    while earlier := [h.engaged_at for h in halts if h.engaged_at < since and (_stood_until(h) or until) >= since]:
        since = min(earlier)
    return since


def _stood_until(halt: Halt) -> datetime | None:
    """Return when what it covers could move again, or None while it cannot."""
    return halt.supervised_at or halt.released_at


def _covers(scope: str, request: Request) -> bool:
    kind, _, name = scope.partition(":")
    return scope == GLOBAL or getattr(request, kind) == name


def _move_deadlines(halt: Halt, now: datetime) -> None:
    """Give back the time that stood still, once: what another halt still covers gets it when that one is released."""
    halts = list(Halt.objects.all())
    covered = Request.objects.filter(not_halted(), covered_by(halt.scope), _has_clock()).order_by("pk")
    moved = list(covered.select_for_update(of=("self",)).select_related("team").defer("card", "proposal"))
    for request in moved:
        since = _gapless_since([one for one in halts if _covers(one.scope, request)], now)
        if request.state == RequestState.OPEN:
            give_back_time(request, since=max(since, request.created_at), now=now)
        elif request.execute_by:
            request.execute_by += now - max(since, request.settled_at or since)
    Request.objects.bulk_update(moved, ["decide_by", "remind_at", "execute_by"], batch_size=500)


def _has_clock() -> Q:
    waits = Q(state=RequestState.OPEN, decide_by__isnull=False)
    return waits | Q(state=RequestState.APPROVED, consumed_at__isnull=True, execute_by__isnull=False)


def _check_scope(scope: str) -> None:
    kind, _, name = scope.partition(":")
    if scope != GLOBAL and not (kind in _KINDS and name):
        raise NotFound('A halt covers "global", "agent:NAME", "tool:NAME" or "connection:NAME".')
    # A misspelt name would stop nothing while everybody believes that it does.
    if scope != GLOBAL and not ports.actions().knows(kind, name):
        raise NotFound(f"There is no {kind} {name}. Nothing was halted.")


def words_of(scope: str) -> str:
    """Return the scope in words: "all agents", "agent refund-clerk"."""
    return "all agents" if scope == GLOBAL else scope.replace(":", " ")


def _lock(scope: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(countersign_scope_key(%s))", [scope])
