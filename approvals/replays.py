"""Replays of a draft over what agents really did: asked for, worked on in pieces by the workers, cancelled, read."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Sum

from approvals.audit import Actor, record
from approvals.database_clock import database_now
from approvals.errors import MoveRefused, NotFound
from approvals.models import PolicyReplay, PolicyReplayPart, PolicyVersion
from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.policy.replay import Past, Replay, Tally
from approvals.policy.rules import Rule, parse_rules, rule_document
from approvals.policy_rights import check_can_change
from approvals.ports import PastAction, Span, actions
from config.queues import ring_after_commit

log = logging.getLogger(__name__)
DAYS = 90
PARTS = 4
PIECE_S = 1.5
_AT_ONCE = 500
State = PolicyReplay.State


def rules_hash(rules: Sequence[Rule]) -> str:
    """Return the digest of these rules as a version would carry it."""
    return digest_of(canonical_bytes(exact([rule_document(rule) for rule in rules])))


def start_replay(*, rules: Sequence[Rule], base: int, user: Any) -> PolicyReplay:
    """Ask for the draft to be judged over the last 90 days. What this person had running before is cancelled."""
    check_can_change(user)
    until = database_now()
    whole = Span(until - timedelta(days=DAYS), until)
    with transaction.atomic():
        PolicyReplay.objects.filter(asked_by=user, state=State.WORKING).update(state=State.CANCELLED, ended_at=until)
        replay = PolicyReplay.objects.create(
            rules=[rule_document(rule) for rule in rules],
            hash=rules_hash(rules),
            base=base,
            since=whole.since,
            until=whole.until,
            total=actions().count_past(whole),
            asked_by=user,
        )
        parts = [PolicyReplayPart(replay=replay, since=part.since, until=part.until) for part in _parts(whole)]
        PolicyReplayPart.objects.bulk_create(parts)
        _record(replay, Actor.person(user), "policy.replay_asked")
        ring_after_commit()
    return replay


def cancel_replay(*, replay_id: UUID, user: Any) -> None:
    """Stop it; pieces in hand are finished first. Raises NotFound, or MoveRefused when it has ended."""
    check_can_change(user)
    replay = PolicyReplay.objects.filter(pk=replay_id).first()
    if replay is None:
        raise NotFound("There is no such replay.")
    with transaction.atomic():
        rows = PolicyReplay.objects.filter(pk=replay_id, state=State.WORKING)
        if not rows.update(state=State.CANCELLED, ended_at=database_now()):
            raise MoveRefused("This replay has ended already.")
        _record(replay, Actor.person(user), "policy.replay_cancelled")


def work_on_replay() -> bool:
    """Judge a piece of the oldest replay that has a part nobody else has in hand. Returns whether there was one."""
    part: PolicyReplayPart | None = None
    try:
        with transaction.atomic():
            part = _claimed()
            if part is not None:
                _work(part)
    except DatabaseError:
        raise  # the database's trouble passes: tried again later
    except Exception as error:
        log.exception("A part of a replay failed.")
        _fail(part, f"It could not be judged ({type(error).__name__}).")
    if part is not None and part.ended:
        _end(part.replay_id)
    return part is not None


def done_so_far(replay: PolicyReplay) -> int:
    """Return how many actions were judged, also while it works."""
    if replay.state == State.DONE:
        return replay.done
    return replay.parts.aggregate(done=Sum("done"))["done"] or 0


def latest_replay(rules: Sequence[Rule], base: int) -> PolicyReplay | None:
    """Return the newest replay of exactly these rules against this version, None for none."""
    rows = PolicyReplay.objects.filter(hash=rules_hash(rules), base=base)
    return rows.exclude(state=State.CANCELLED).order_by("-created_at").first()


def _parts(whole: Span) -> list[Span]:
    """Return the span in parts of about as many actions each."""
    edges = [whole.since, *actions().split_past(whole, PARTS), whole.until]
    return [Span(since, until) for since, until in zip(edges, edges[1:], strict=False) if since < until]


def _claimed() -> PolicyReplayPart | None:
    rows = PolicyReplayPart.objects.select_for_update(skip_locked=True, of=("self",)).select_related("replay")
    return rows.filter(replay__state=State.WORKING, ended=False).order_by("replay__created_at", "pk").first()


def _work(part: PolicyReplayPart) -> None:
    began, tally, replay = time.monotonic(), Tally.of(part.result), part.replay
    judge = Replay(_rules_in_force(replay), parse_rules(replay.rules), today=replay.until.date())
    rows = actions().past(Span(part.since, part.until, part.at, part.after))
    while not part.ended and time.monotonic() - began < PIECE_S:
        some = list(islice(rows, _AT_ONCE))
        judge.count(map(_counted, some), tally)
        part.ended = len(some) < _AT_ONCE
        if some:
            part.at, part.after, part.done = some[-1].at, some[-1].id, part.done + len(some)
    part.result = tally.to_json()
    part.save()


def _end(replay_id: UUID) -> None:
    """Put the parts together once all have ended: whoever ends the last one does it."""
    with transaction.atomic():
        replay = PolicyReplay.objects.select_for_update().get(pk=replay_id)
        parts = list(replay.parts.order_by("pk"))
        if replay.state != State.WORKING or not all(part.ended for part in parts):
            return
        tally = Tally()
        for part in parts:
            tally.add(Tally.of(part.result))
        now = database_now()
        # what was superseded since it was counted is no longer there to be judged
        replay.done = replay.total = sum(part.done for part in parts)
        replay.took_ms = round((now - replay.created_at).total_seconds() * 1000)
        replay.result, replay.state, replay.ended_at = tally.to_json(), State.DONE, now
        replay.save()
        replay.parts.all().delete()


def _fail(part: PolicyReplayPart | None, problem: str) -> None:
    rows = PolicyReplay.objects.filter(parts=part) if part is not None else PolicyReplay.objects.none()
    rows.update(state=State.FAILED, problem=problem, ended_at=database_now())


def _rules_in_force(replay: PolicyReplay) -> tuple[Rule, ...]:
    return parse_rules(PolicyVersion.objects.values_list("rules", flat=True).get(number=replay.base))


def _counted(action: PastAction) -> Past:
    compensated = action.state in ("compensated", "compensating")
    return Past(action.proposed, action.people, action.unknown, action, compensated)


def _record(replay: PolicyReplay, actor: Actor, verb: str) -> None:
    record(actor=actor, verb=verb, subject_type="policy", subject_id=replay.pk, digest=replay.hash, base=replay.base)
